// RxJS as one writes it at first: events as an Observable, frames by `scan`, each answer a write. No backpressure.
import { type Server, type Socket, createServer } from 'node:net';
import { from, fromEvent, map, mergeMap, scan, takeUntil, tap } from 'rxjs';
import { cut, nothing, prefixed } from './rxjs-frames.js';

const server: Server = createServer({ noDelay: true });
fromEvent(server, 'connection')
  .pipe(
    mergeMap((connection) => {
      const socket = connection as Socket;
      socket.on('error', () => {});
      return fromEvent(socket, 'data').pipe(
        takeUntil(fromEvent(socket, 'close')),
        scan((before, chunk) => cut(before, chunk as Buffer), nothing),
        mergeMap(({ frames }) => from(frames)),
        map(prefixed),
        tap((bytes) => socket.write(bytes)),
      );
    }),
  )
  .subscribe();
server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log('listening'));
