// An MQTT 3.1.1 broker: npm run example -- mqtt, then
//
//   mosquitto_sub -t 'rooms/#' -v          and          mosquitto_pub -t rooms/kitchen -m 21.5 -q 1 -r
import { map, timer } from 'rxjs';
import { sameSecret, signals } from 'sluice';
import { type ServerEvent, createServer } from 'sluice/server';
import { commandLine } from '../arguments.js';
import { createBroker } from './broker.js';
import type { Login } from './client.js';
import type { Slow } from './limits.js';

const { host, port, user, password, slow, maxClients, sysInterval } = commandLine(
  'npm run example -- mqtt [--host ADDRESS] [--port N] [--user NAME --password WORD] [--slow drop-oldest|drop-newest|disconnect]',
  {
    host: '127.0.0.1',
    port: 1883,
    user: '',
    password: '',
    slow: 'drop-oldest',
    maxClients: 10_000,
    sysInterval: 10_000,
  },
);

const policies: readonly string[] = ['drop-oldest', 'drop-newest', 'disconnect'] satisfies Slow[];
if (!policies.includes(slow)) {
  console.error(`--slow must be one of ${policies.join(', ')}, got ${JSON.stringify(slow)}`);
  process.exit(2);
}

const isKnown = (login: Login): boolean =>
  login.username === user && sameSecret(login.password ?? new Uint8Array(), Buffer.from(password));

const broker = createBroker({
  slow: slow as Slow,
  limits: { sessions: maxClients },
  ...(user === '' ? {} : { authenticate: isKnown }),
});
const server = createServer('mqtt', broker.protocol, { host, port, limits: { maxConnections: maxClients } });

const shown = (event: ServerEvent): string | undefined => {
  if (event.type === 'listening') return `listening on ${event.address.name}`;
  if (event.type === 'connected') return `connected ${event.client.address}`;
  if (event.type === 'disconnected') return `disconnected ${JSON.stringify(event.client.name)}: ${event.reason}`;
  if (event.type === 'refused') return `refused ${event.address}: ${event.reason}`;
  return undefined;
};

server.events.pipe(map(shown)).subscribe((line) => line !== undefined && console.log(line));
if (sysInterval > 0) timer(0, sysInterval).subscribe(() => broker.report(server.statistics));
signals('SIGINT', 'SIGTERM').subscribe(() => void server.stop({ drain: 1_000 }).then(() => process.exit(0)));

server.start().catch((error: Error) => {
  console.error(error.message);
  process.exit(1);
});
