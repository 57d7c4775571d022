// Answers each line `ping N` with `pong N`, for all clients at once, or for one after another.
// Start five clients against each kind and compare the order of what they print: npm run example -- pingpong-client
import * as E from 'fp-ts/lib/Either.js';
import { flow } from 'fp-ts/lib/function.js';
import { map, tap } from 'rxjs';
import { listen, text } from 'sluice';
import { decodeOr, encodeWith, endLines, frameLines, serve } from 'sluice/operators';
import { commandLine } from './arguments.js';

const { host, port, serverType } = commandLine(
  'npm run example -- pingpong [--host ADDRESS] [--port N] [--server-type sequential|multiplexed]',
  { host: '127.0.0.1', port: 7000, serverType: 'multiplexed' },
);
if (serverType !== 'sequential' && serverType !== 'multiplexed') {
  console.error(`--server-type must be sequential or multiplexed, got ${JSON.stringify(serverType)}`);
  process.exit(2);
}

listen({ host, port, onListening: ({ name }) => console.log(`listening on ${name}`) })
  .pipe(
    serve(
      (bytes, { peer }) =>
        bytes.pipe(
          frameLines(),
          decodeOr(text, 'end'),
          tap((ping) => console.log(`${peer} ${ping}`)),
          map((ping) => ping.replace('ping', 'pong')),
          flow(encodeWith(text), endLines()),
        ),
      // One after another: those who wait are connected, and not read from.
      serverType === 'sequential' ? { concurrency: 1 } : {},
    ),
  )
  .subscribe(
    E.match(
      ({ connection, error }) => console.log(`${connection.peer} failed: ${String(error)}`),
      (connection) => console.log(`${connection.peer} is done`),
    ),
  );
