// Keeps lines alive: says `ping` every 10 s when nothing else is said, takes a `ping` as a sign of life, and hangs up on
// a peer that was silent for 15 s. Try it with nc 127.0.0.1 7000, type now and then, and then stop.
import * as E from 'fp-ts/lib/Either.js';
import { map } from 'rxjs';
import { line, listen, text } from 'sluice';
import { protocol, serve } from 'sluice/operators';
import { commandLine } from './arguments.js';

const { host, port, interval, hold } = commandLine(
  'npm run example -- heartbeat [--host ADDRESS] [--port N] [--interval MS] [--hold MS]',
  { host: '127.0.0.1', port: 7000, interval: 10_000, hold: 15_000 },
);

const echo = protocol({
  name: 'heartbeat',
  framing: line(),
  message: text,
  keepAlive: {
    interval,
    hold,
    probe: 'ping',
    isKeepAlive: (said) => said === 'ping',
    onEvent: (event) => console.log(`keep-alive ${event}`),
  },
  session: map((said) => `you said ${said}`),
});

listen({ host, port, onListening: ({ name }) => console.log(`listening on ${name}`) })
  .pipe(serve(echo))
  .subscribe(
    E.match(
      ({ connection, error }) => console.log(`${connection.peer} failed: ${String(error)}`),
      (connection) => console.log(`${connection.peer} has left`),
    ),
  );
