// A BGP speaker that keeps sessions and learns no routes: npm run example -- bgp --as 65001 --id 10.0.0.1
//
// Prints how each session goes from state to state. What a session is stands in machine.ts and speaker.ts.
import { signals } from 'sluice';
import { type ServerEvent, createServer } from 'sluice/server';
import { commandLine } from '../arguments.js';
import { type Change, bgp } from './speaker.js';

const usage = [
  'npm run example -- bgp --as N --id A.B.C.D [--hold SECONDS] [--peer-as N]',
  '                       [--host ADDRESS] [--port N] [--connect HOST:PORT [--retry SECONDS]]',
].join('\n');

const { as, id, hold, peerAs, host, port, ...more } = commandLine(usage, {
  as: 0,
  id: '',
  hold: 90,
  peerAs: 0,
  host: '127.0.0.1',
  port: 1790,
  connect: '',
  retry: 120,
});

const refuse = (reason: string): never => {
  console.error(`${reason}\n${usage}`);
  return process.exit(2);
};

const shown = ({ peer, from, to, agreed, updates, error }: Change): string => {
  const known = agreed === undefined ? '' : ` AS${agreed.as} ${agreed.id}, hold time ${agreed.hold} s`;
  const why = error instanceof Error ? `: ${error.message}` : '';
  return `${peer}: ${from} -> ${to}${known}${to === 'Idle' ? `, ${updates} updates${why}` : ''}`;
};

let stopping = false;

const speaker = () => {
  try {
    return bgp({
      as,
      id,
      hold,
      ...(peerAs === 0 ? {} : { peerAs }),
      onChange: (change) => console.log(shown(change)),
      stopping: () => stopping,
    });
  } catch (error) {
    return refuse((error as Error).message);
  }
};

const [, toHost = '', toPort = ''] = /^(.+):(\d+)$/.exec(more.connect) ?? [];
const isPort = Number(toPort) >= 1 && Number(toPort) <= 65_535;
if (more.connect !== '' && !isPort) refuse(`--connect takes HOST:PORT, got ${JSON.stringify(more.connect)}`);
if (more.retry < 1 || more.retry > 86_400) refuse(`--retry takes seconds from 1 to 86400, got ${more.retry}`);

const server = createServer('bgp', speaker(), {
  host,
  port,
  limits: { maxConnections: 100, maxPerAddress: 10, whenFull: 'refuse' },
});

const told = (event: ServerEvent): string | undefined => {
  if (event.type === 'listening') return `listening on ${event.address.name}`;
  if (event.type === 'refused') return `refused ${event.address}: ${event.reason}`;
  if (event.type === 'disconnected') return `disconnected ${event.client.address}: ${event.reason}`;
  return undefined;
};

server.events.subscribe((event) => {
  const line = told(event);
  if (line !== undefined) console.log(line);
});

signals('SIGINT', 'SIGTERM').subscribe(() => {
  stopping = true;
  void server.stop({ drain: 1_000 }).then(() => process.exit(0));
});

/**
 * Dials, and again some time after it has failed or the connection was lost: ConnectRetryTime, and its jitter, are as in
 * RFC 4271, section 10. (While the peer's own dial has led to a session, ours are in vain: one session is enough.)
 */
const connect = (): void => {
  if (more.connect === '') return;
  const wait = more.retry * 1_000;
  server.connect(toHost.replaceAll(/[[\]]/g, ''), Number(toPort), {
    reconnect: { initial: wait, max: wait, jitter: 0.25 },
    onState: ({ state, address }) => {
      if (state === 'connecting') console.log(`${address}: Idle -> Connect`);
    },
  });
};

server.start().then(connect, (error: Error) => {
  console.error(error.message);
  process.exit(1);
});
