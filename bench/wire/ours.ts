// What is measured: an echo of frames with a 2-byte length through the public API, with all defaults.
// Arguments: options of `listen` as JSON, if any, then the port.
import { flow } from 'fp-ts/lib/function.js';
import { map } from 'rxjs';
import { listen } from 'sluice';
import { frameLengthPrefixed, prefixLength, serve } from 'sluice/operators';

const port = Number(process.argv.at(-1));
const options = JSON.parse(process.argv.slice(2, -1).at(0) ?? '{}') as object;
const answer = (frame: Uint8Array): Uint8Array => frame;

listen({ ...options, port, host: '127.0.0.1', onListening: () => console.log('listening') })
  .pipe(serve(flow(frameLengthPrefixed(2), map(answer), prefixLength(2))))
  .subscribe();
