/* oxlint-disable -- untyped: what it is made of is installed apart, see package.json here */
// length-prefixed-stream: Node streams in a pipeline, lengths as varints. What it writes in a turn is one system call.
import lengthPrefixedStream from 'length-prefixed-stream';
import { corkedServer } from './corked.mjs';

const server = corkedServer((socket) => {
  const frames = lengthPrefixedStream.decode();
  const answers = lengthPrefixedStream.encode();
  frames.on('data', (frame) => answers.write(frame) || frames.pause());
  answers.on('drain', () => frames.resume());
  frames.on('end', () => answers.end());
  socket.pipe(frames);
  answers.pipe(socket);
});
server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log('listening'));
