// A proxy, as examples/proxy.ts: to the port that is the first argument.
import { mergeMap } from 'rxjs';
import { dial, listen } from 'sluice';
import { serve } from 'sluice/operators';

const [to, port] = process.argv.slice(2).map(Number) as [number, number];

listen({ port, host: '127.0.0.1', onListening: () => console.log('listening') })
  .pipe(
    serve((bytes) =>
      dial({ port: to, host: '127.0.0.1' }).pipe(
        mergeMap((far) => {
          bytes.pipe(far.writes).subscribe({ error: () => {} });
          return far.reads;
        }),
      ),
    ),
  )
  .subscribe();
