// What one says goes to everybody, encoded once; an empty frame goes back to its sender only.
import { endWith, filter, ignoreElements, merge, share, takeUntil } from 'rxjs';
import { listen, topic } from 'sluice';
import { broadcast, frameLengthPrefixed, prefixLength, serve } from 'sluice/operators';

const room = topic<Uint8Array>();

listen({ port: Number(process.argv[2]), host: '127.0.0.1', onListening: () => console.log('listening') })
  .pipe(
    serve((bytes) => {
      const frames = bytes.pipe(frameLengthPrefixed(2), share());
      const probes = frames.pipe(
        filter(({ length }) => length === 0),
        prefixLength(2),
      );
      const said = frames.pipe(
        filter(({ length }) => length > 0),
        prefixLength(2),
        broadcast(room),
      );
      const gone = frames.pipe(ignoreElements(), endWith(null));
      return merge(room.stream().pipe(takeUntil(gone)), probes, said);
    }),
  )
  .subscribe();
