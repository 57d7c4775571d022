// RxJS as one writes it at first: what one says goes into a Subject that all are subscribed to, and nobody is waited for.
import { type Server, type Socket, createServer } from 'node:net';
import { Subject, from, fromEvent, mergeMap, scan, takeUntil } from 'rxjs';
import { cut, nothing, prefixed } from './rxjs-frames.js';

const room = new Subject<Buffer>();
const server: Server = createServer({ noDelay: true });
fromEvent(server, 'connection').subscribe((connection) => {
  const socket = connection as Socket;
  const gone = fromEvent(socket, 'close');
  socket.on('error', () => {});
  room.pipe(takeUntil(gone)).subscribe((bytes) => socket.write(bytes));
  fromEvent(socket, 'data')
    .pipe(
      takeUntil(gone),
      scan((before, chunk) => cut(before, chunk as Buffer), nothing),
      mergeMap(({ frames }) => from(frames)),
    )
    .subscribe((frame) => (frame.length === 0 ? socket.write(prefixed(frame)) : room.next(prefixed(frame))));
});
server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log('listening'));
