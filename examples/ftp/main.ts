// A server for files that FTP clients know: curl, lftp, Python's ftplib. The protocol is in protocol.ts;
// here it gets a folder, a port, and somebody who may log in, and is stopped in order.
import { signals } from 'sluice';
import { type ServerEvent, createServer } from 'sluice/server';
import { commandLine } from '../arguments.js';
import { Files } from './files.js';
import { ftp } from './protocol.js';

const usage = [
  'npm run example -- ftp --root DIR [--host ADDRESS] [--port N] [--writable]',
  '                       --user NAME --password WORD | --anonymous',
].join('\n');

const { root, host, port, user, password, anonymous, writable } = commandLine(usage, {
  root: '',
  host: '127.0.0.1',
  port: 2121,
  user: '',
  password: '',
  anonymous: false,
  writable: false,
});

const refuse = (reason: string): never => {
  console.error(`${reason}\n${usage}`);
  return process.exit(2);
};

if (root === '') refuse('--root says which folder is served');
if (anonymous === (user !== '')) refuse('it takes either --user and --password, or --anonymous');
if (user !== '' && password === '') refuse('--user takes a --password');

const files = await Files.at(root).catch((error: Error) => refuse(error.message));
const accounts = anonymous ? 'anonymous' : { user, password };

const server = createServer('ftp', ftp({ files, accounts, writable }), {
  host,
  port,
  limits: { maxConnections: 500, maxPerAddress: 50, whenFull: 'refuse' },
  farewell: '421 There are too many clients, come back later',
});

const shown = (event: ServerEvent): string | undefined => {
  if (event.type === 'listening') return `listening on ${event.address.name}`;
  if (event.type === 'refused') return `refused ${event.address}: ${event.reason}`;
  if (event.type === 'connected') return `connected ${event.client.address}`;
  if (event.type === 'disconnected') return `disconnected ${event.client.name}: ${event.reason}`;
  if (event.type !== 'message' || event.direction === 'out') return undefined;
  const { verb, argument } = event.message as { readonly verb: string; readonly argument: string };
  return `${event.client.name}: ${verb} ${JSON.stringify(argument)}`;
};

server.events.subscribe((event) => {
  const line = shown(event);
  if (line !== undefined) console.log(line);
});

signals('SIGINT', 'SIGTERM').subscribe(() => void server.stop().then(() => process.exit(0)));

server.start().catch((error: Error) => {
  console.error(error.message);
  process.exit(1);
});
