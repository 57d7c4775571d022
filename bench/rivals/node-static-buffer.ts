// Node's `net` tuned by hand, over one read buffer that all connections share: nothing is allocated for a read. Node has
// that (`onread`) only for sockets that one makes, so each accepted one is made anew from its handle.
import { Socket, type SocketConstructorOpts, createServer } from 'node:net';
import { Answers, READ } from './answers.js';

const buffer = new Uint8Array(READ);

const server = createServer({ pauseOnConnect: true, noDelay: true, highWaterMark: READ }, (accepted) => {
  const answers = new Answers();
  const callback = (length: number): boolean => {
    const bytes = answers.to(buffer, length);
    if (bytes.length === 0) return true;
    socket.write(bytes);
    if (socket.writableLength === 0) return true; // the system has taken all of it
    Answers.keep();
    return socket.writableLength <= READ; // false: no more reads
  };
  const made = { handle: Reflect.get(accepted, '_handle'), onread: { buffer, callback }, highWaterMark: READ };
  const socket = new Socket(made as SocketConstructorOpts);
  socket.on('drain', () => socket.resume());
  socket.on('error', () => {});
});
server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log('listening'));
