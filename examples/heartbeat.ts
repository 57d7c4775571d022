// Keeps lines alive: says `ping` every 10 s when nothing else is said, takes a `ping` as a sign of life, and hangs up on
// a peer that was silent for 15 s: see heartbeat-protocol.ts. Try it with nc 127.0.0.1 7000, type now and then, and then stop.
import * as E from 'fp-ts/lib/Either.js';
import { listen } from 'sluice';
import { type KeepAliveEvent, serve } from 'sluice/operators';
import { commandLine } from './arguments.js';
import { heartbeat } from './heartbeat-protocol.js';

const { host, port, interval, hold } = commandLine(
  'npm run example -- heartbeat [--host ADDRESS] [--port N] [--interval MS] [--hold MS]',
  { host: '127.0.0.1', port: 7000, interval: 10_000, hold: 15_000 },
);

const onEvent = (event: KeepAliveEvent): void => console.log(`keep-alive ${event}`);

listen({ host, port, onListening: ({ name }) => console.log(`listening on ${name}`) })
  .pipe(serve(heartbeat({ interval, hold, onEvent })))
  .subscribe(
    E.match(
      ({ connection, error }) => console.log(`${connection.peer} failed: ${String(error)}`),
      (connection) => console.log(`${connection.peer} has left`),
    ),
  );
