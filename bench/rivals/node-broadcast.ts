// Node's `net`: what one says goes to everybody, in a loop; an empty frame goes back to its sender only.
import { type Socket, createServer } from 'node:net';

const open = new Set<Socket>();
const server = createServer({ noDelay: true }, (socket) => {
  let left: Buffer = Buffer.alloc(0);
  open.add(socket);
  socket.on('data', (chunk: Buffer) => {
    left = left.length === 0 ? chunk : Buffer.concat([left, chunk]);
    while (left.length >= 2) {
      const size = 2 + left.readUInt16BE(0);
      if (left.length < size) break;
      const message = left.subarray(0, size);
      left = left.subarray(size);
      if (size === 2) socket.write(message);
      else for (const to of open) to.write(message);
    }
  });
  socket.on('error', () => {});
  socket.on('close', () => open.delete(socket));
});
server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log('listening'));
