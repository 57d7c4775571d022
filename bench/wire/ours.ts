// What is measured: an echo of frames with a 2-byte length through the public API, with all defaults.
import { flow } from 'fp-ts/lib/function.js';
import { map } from 'rxjs';
import { listen } from 'sluice';
import { frameLengthPrefixed, prefixLength, serve } from 'sluice/operators';

const answer = (frame: Uint8Array): Uint8Array => frame;

listen({ port: Number(process.argv[2]), host: '127.0.0.1', onListening: () => console.log('listening') })
  .pipe(serve(flow(frameLengthPrefixed(2), map(answer), prefixLength(2))))
  .subscribe();
