// The echo with a shutdown in order: SIGTERM drains it.
import { flow } from 'fp-ts/lib/function.js';
import { listen, signals } from 'sluice';
import { drain, frameLengthPrefixed, prefixLength, serve } from 'sluice/operators';

listen({ port: Number(process.argv[2]), host: '127.0.0.1', onListening: () => console.log('listening') })
  .pipe(drain(signals('SIGTERM'), 60_000, serve(flow(frameLengthPrefixed(2), prefixLength(2)))))
  .subscribe({ complete: () => process.exit(0) });
