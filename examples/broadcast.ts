// What one client says, in lines, goes to all others, and is printed. When it is stopped it says Quit to each.
import * as E from 'fp-ts/lib/Either.js';
import { concat, defer, ignoreElements, of, tap } from 'rxjs';
import { line, listen, signals, text } from 'sluice';
import { drain, protocol, serve } from 'sluice/operators';
import { commandLine } from './arguments.js';

const { host, port } = commandLine('npm run example -- broadcast [--host ADDRESS] [--port N]', {
  host: '127.0.0.1',
  port: 7000,
});
const stop = signals('SIGINT', 'SIGTERM');

const relay = protocol({
  name: 'broadcast',
  framing: line(),
  message: text,
  // Who only listens is welcome.
  firstMessage: 0,
  session: (lines, peer) =>
    concat(
      lines.pipe(
        tap((said) => {
          console.log(`${peer.address} ${said}`);
          peer.broadcast(said);
        }),
        ignoreElements(),
      ),
      defer(() => of('Quit')),
    ),
});

listen({ host, port, onListening: ({ name }) => console.log(`listening on ${name}`) })
  .pipe(drain(stop, 5_000, serve(relay)))
  .subscribe({
    next: E.match(
      ({ connection, error }) => console.log(`${connection.peer} failed: ${String(error)}`),
      (connection) => console.log(`${connection.peer} has left`),
    ),
    complete: () => process.exit(0),
  });
