// RxJS as one writes it at first: events as an Observable, frames by `scan`, each answer a write. No backpressure.
import { type Server, type Socket, createServer } from 'node:net';
import { from, fromEvent, map, mergeMap, scan, takeUntil, tap } from 'rxjs';

interface Cut {
  readonly left: Buffer;
  readonly frames: readonly Buffer[];
}

const nothing: Cut = { left: Buffer.alloc(0), frames: [] };

const cut = ({ left }: Cut, chunk: Buffer): Cut => {
  let rest = Buffer.concat([left, chunk]);
  const frames: Buffer[] = [];
  while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
    const size = 2 + rest.readUInt16BE(0);
    frames.push(rest.subarray(2, size));
    rest = rest.subarray(size);
  }
  return { left: rest, frames };
};

const prefixed = (frame: Buffer): Buffer => {
  const header = Buffer.alloc(2);
  header.writeUInt16BE(frame.length);
  return Buffer.concat([header, frame]);
};

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
