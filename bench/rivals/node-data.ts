// Node's `net` tuned by hand, over `data` events: all answers to a chunk are encoded into one buffer and leave in one write.
import { createServer } from 'node:net';
import { Answers, READ } from './answers.js';

const server = createServer({ noDelay: true, highWaterMark: READ }, (socket) => {
  const answers = new Answers();
  socket.on('data', (chunk: Buffer) => {
    const bytes = answers.to(chunk, chunk.length);
    if (bytes.length === 0) return;
    socket.write(bytes);
    if (socket.writableLength === 0) return; // the system has taken all of it
    Answers.keep();
    if (socket.writableLength > READ) socket.pause();
  });
  socket.on('drain', () => socket.resume());
  socket.on('error', () => {});
});
server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log('listening'));
