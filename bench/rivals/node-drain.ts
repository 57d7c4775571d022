// Node's `net`: SIGTERM ends every connection, and the process once all are gone.
import { type Socket, createServer } from 'node:net';

const open = new Set<Socket>();
const server = createServer({ noDelay: true }, (socket) => {
  open.add(socket);
  socket.on('data', (chunk: Buffer) => socket.write(chunk));
  socket.on('error', () => {});
  socket.on('close', () => open.delete(socket));
});
process.once('SIGTERM', () => {
  server.close(() => process.exit(0));
  for (const socket of open) socket.end();
});
server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log('listening'));
