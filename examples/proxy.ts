// A proxy to another host and port. Backpressure goes through it: while one side does not read, the other is not read from.
import * as E from 'fp-ts/lib/Either.js';
import { mergeMap } from 'rxjs';
import { dial, listen } from 'sluice';
import { serve } from 'sluice/operators';
import { commandLine } from './arguments.js';

const { host, port, toHost, toPort } = commandLine(
  'npm run example -- proxy [--host ADDRESS] [--port N] [--to-host ADDRESS] [--to-port N]',
  { host: '127.0.0.1', port: 8000, toHost: '127.0.0.1', toPort: 7000 },
);

listen({ host, port, onListening: ({ name }) => console.log(`listening on ${name}`) })
  .pipe(
    serve((bytes) =>
      dial({ host: toHost, port: toPort }).pipe(
        mergeMap((far) => {
          // The way up is a subscription of its own: it goes on after the way down has ended, and the other way round.
          // Where it fails, so does the way down, which is told.
          bytes.pipe(far.writes).subscribe({ error: () => {} });
          return far.reads;
        }),
      ),
    ),
  )
  .subscribe(
    E.match(
      ({ connection, error }) => console.log(`${connection.peer} failed: ${String(error)}`),
      ({ peer, statistics }) =>
        console.log(`${peer} is done: ${statistics.bytesIn} bytes up, ${statistics.bytesOut} down`),
    ),
  );
