// Node's `net` as one writes it at first: what came is put behind what was left, and each answer is a write.
import { createServer } from 'node:net';

const server = createServer({ noDelay: true }, (socket) => {
  let left: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    left = Buffer.concat([left, chunk]);
    while (left.length >= 2) {
      const size = 2 + left.readUInt16BE(0);
      if (left.length < size) break;
      const frame = left.subarray(2, size);
      left = left.subarray(size);
      const header = Buffer.alloc(2);
      header.writeUInt16BE(frame.length);
      socket.write(Buffer.concat([header, frame]));
    }
  });
  socket.on('error', () => {});
});
server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log('listening'));
