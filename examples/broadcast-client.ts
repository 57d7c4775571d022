// The client of broadcast: so many processes, each of which says its pid and a text each second and prints what it
// wrote and what it read, until it is told Quit.
import { fork } from 'node:child_process';
import { endWith, filter, interval, map, mergeMap, startWith, takeUntil, tap } from 'rxjs';
import { type Connection, dial, text } from 'sluice';
import { decodeOr, encodeWith, endLines, frameLines } from 'sluice/operators';
import { commandLine } from './arguments.js';

const { host, port, count, every } = commandLine(
  'npm run example -- broadcast-client [--host ADDRESS] [--port N] [--count N] [--every MS]',
  { host: '127.0.0.1', port: 7000, count: 1, every: 1_000 },
);

const talk = (connection: Connection) => {
  const told = connection.reads.pipe(
    frameLines(),
    decodeOr(text, 'end'),
    tap((said) => console.log(`${process.pid} read  ${said}`)),
    filter((said) => said === 'Quit'),
    endWith('Quit'), // a server that is gone says nothing more either
  );
  return interval(every).pipe(
    startWith(-1),
    map((number) => `${process.pid} text ${number + 2}`),
    takeUntil(told),
    tap((said) => console.log(`${process.pid} wrote ${said}`)),
    encodeWith(text),
    endLines(),
    connection.writes,
  );
};

if (count > 1) {
  const self = process.argv[1] as string;
  for (let child = 0; child < count; child++) {
    fork(self, ['broadcast-client', '--host', host, '--port', String(port), '--every', String(every)]);
  }
} else {
  process.once('disconnect', () => process.exit()); // started by the lines above, and those are gone
  dial({ host, port })
    .pipe(mergeMap(talk))
    .subscribe({
      error: (error: Error) => {
        console.error(error.message);
        process.exit(1);
      },
      complete: () => process.exit(0),
    });
}
