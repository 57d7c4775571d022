// Node's `net` tuned by hand, over one read buffer that all connections share: nothing is allocated for a read. Node has
// that (`onread`) only for sockets that one makes, so each accepted one is made anew from its handle.
import { Socket, type SocketConstructorOpts, createServer } from 'node:net';
import { Answers, MOST, READ } from './answers.js';

const buffer = new Uint8Array(READ);

/** What all connections encode their answers into. One that the system has not taken at once is left to its write. */
let out = new Uint8Array(MOST);

const server = createServer({ pauseOnConnect: true, noDelay: true, highWaterMark: READ }, (accepted) => {
  const answers = new Answers();
  const callback = (read: number): boolean => {
    const length = answers.encode(buffer, read, out);
    if (length === 0) return true;
    socket.write(out.subarray(0, length));
    if (socket.writableLength === 0) return true;
    out = new Uint8Array(MOST);
    return socket.writableLength <= READ; // false: no more reads
  };
  const handle: unknown = Reflect.get(accepted, '_handle');
  const socket = new Socket({ handle, onread: { buffer, callback }, highWaterMark: READ } as SocketConstructorOpts);
  socket.on('drain', () => socket.resume());
  socket.on('error', () => {});
});
server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log('listening'));
