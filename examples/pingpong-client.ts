// The client of pingpong: so many clients at once, ten pings each, the next ping a moment after the pong is there.
import { delay, map, mergeMap, range, startWith, takeWhile, tap } from 'rxjs';
import { type Connection, dial, text } from 'sluice';
import { decodeOr, encodeWith, endLines, frameLines } from 'sluice/operators';
import { commandLine } from './arguments.js';

const { host, port, numClients, pings, pause } = commandLine(
  'npm run example -- pingpong-client [--host ADDRESS] [--port N] [--num-clients N] [--pings N] [--pause MS]',
  { host: '127.0.0.1', port: 7000, numClients: 5, pings: 10, pause: 20 },
);

const play = (name: number) => (connection: Connection) =>
  connection.reads.pipe(
    frameLines(),
    decodeOr(text, 'end'),
    tap((pong) => console.log(`client ${name}: ${pong}`)),
    map((_, index) => index + 2),
    takeWhile((next) => next <= pings),
    delay(pause),
    startWith(1),
    map((next) => `ping ${next}`),
    encodeWith(text),
    endLines(),
    connection.writes,
  );

range(1, numClients)
  .pipe(mergeMap((name) => dial({ host, port }).pipe(mergeMap(play(name)))))
  .subscribe({
    error: (error: Error) => {
      console.error(error.message);
      process.exitCode = 1;
    },
    complete: () => console.log(`${numClients} clients are done`),
  });
