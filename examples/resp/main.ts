// A store that Redis clients take for Redis: npm run example -- resp, then redis-cli -p 6400. See docs/resp.md.
import * as E from 'fp-ts/lib/Either.js';
import { signals } from 'sluice';
import { commandLine } from '../arguments.js';
import { respServer } from './resp-server.js';

const { host, port, password, maxBulk } = commandLine(
  'npm run example -- resp [--host ADDRESS] [--port N] [--password WORD] [--max-bulk BYTES]',
  { host: '127.0.0.1', port: 6400, password: '', maxBulk: 512 * 1024 * 1024 },
);

const server = respServer({
  host,
  port,
  limited: { bulk: maxBulk },
  ...(password === '' ? {} : { password }),
});

server.outcomes.subscribe((outcome) => {
  if (E.isLeft(outcome)) console.log(`${outcome.left.connection.peer}: ${String(outcome.left.error)}`);
});

signals('SIGINT', 'SIGTERM').subscribe(() => void server.stop().then(() => process.exit(0)));

server.start().then(
  ({ name }) => console.log(`listening on ${name}`),
  (error: Error) => {
    console.error(error.message);
    process.exit(1);
  },
);
