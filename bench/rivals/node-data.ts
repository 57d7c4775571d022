// Node's `net` tuned by hand, over `data` events: all answers to a chunk are encoded into one buffer and leave in one write.
import { createServer } from 'node:net';
import { Answers, MOST, READ } from './answers.js';
import { keepFreedMemory } from './keep-freed-memory.js';

keepFreedMemory();

/** What all connections encode their answers into. One that the system has not taken at once is left to its write. */
let out = new Uint8Array(MOST);

const server = createServer({ noDelay: true, highWaterMark: READ }, (socket) => {
  const answers = new Answers();
  socket.on('data', (chunk: Buffer) => {
    const length = answers.encode(chunk, chunk.length, out);
    if (length === 0) return;
    socket.write(out.subarray(0, length));
    if (socket.writableLength === 0) return;
    out = new Uint8Array(MOST);
    if (socket.writableLength > READ) socket.pause();
  });
  socket.on('drain', () => socket.resume());
  socket.on('error', () => {});
});
server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log('listening'));
