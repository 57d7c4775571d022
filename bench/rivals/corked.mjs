/* oxlint-disable -- untyped: what it is made of is installed apart, see package.json here */
import { createServer } from 'node:net';

/** A server whose sockets gather what is written in a turn of the event loop into one system call. */
export const corkedServer = (onConnection) =>
  createServer({ noDelay: true, highWaterMark: 64 * 1024 }, (socket) => {
    socket.on('error', () => {});
    const write = socket.write.bind(socket);
    let corked = false;
    const uncork = () => {
      corked = false;
      socket.uncork();
    };
    socket.write = (...args) => {
      if (!corked) {
        corked = true;
        socket.cork();
        setImmediate(uncork);
      }
      return write(...args);
    };
    onConnection(socket);
  });
