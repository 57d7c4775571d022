// An echo server that runs under a low `ulimit -n`. Prints its port, then every event of the acceptor as a line of JSON.
// When its input ends it stops, and prints how the connections ended and how much of the processor it used.
import { endWith, takeUntil } from 'rxjs';
import { serve } from '../../operators/index.js';
import { fromReadable, listen } from '../../src/index.js';
import { reasons } from './reasons.js';

const outcomes: Record<string, number> = {};
listen({
  port: 0,
  onListening: ({ port }) => console.log(port),
  onEvent: (event) => console.log(JSON.stringify(event)),
})
  .pipe(
    takeUntil(fromReadable(process.stdin).pipe(endWith('the end'))),
    serve((bytes) => bytes),
  )
  .subscribe({
    next: (outcome) => {
      for (const reason of reasons([outcome])) outcomes[reason] = (outcomes[reason] ?? 0) + 1;
    },
    complete: () => {
      console.log(JSON.stringify({ type: 'stopped', outcomes, cpu: process.cpuUsage() }));
      process.stdin.destroy();
    },
  });
