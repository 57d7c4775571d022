/* oxlint-disable -- untyped: what it is made of is installed apart, see package.json here */
// it-length-prefixed: async iterables in and out, lengths as varints. What it writes in a turn is one system call.
import { decode, encode } from 'it-length-prefixed';
import { corkedServer } from './corked.mjs';

async function* answers(frames) {
  for await (const frame of frames) yield frame;
}

const drained = (socket) =>
  new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
  });

const server = corkedServer(async (socket) => {
  try {
    for await (const bytes of encode(answers(decode(socket)))) {
      if (!socket.write(bytes.subarray())) await drained(socket);
    }
    socket.end();
  } catch {
    socket.destroy();
  }
});
server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log('listening'));
