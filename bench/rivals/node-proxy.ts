// Node's `net`: a proxy to the port that is the first argument, by `pipe` both ways.
import { connect, createServer } from 'node:net';

const [to, port] = process.argv.slice(2).map(Number) as [number, number];
const both = { noDelay: true, allowHalfOpen: true, highWaterMark: 64 * 1024 };

const server = createServer(both, (near) => {
  const far = connect({ ...both, port: to, host: '127.0.0.1' });
  near.pipe(far).pipe(near);
  near.on('error', () => far.destroy());
  far.on('error', () => near.destroy());
});
server.listen(port, '127.0.0.1', () => console.log('listening'));
