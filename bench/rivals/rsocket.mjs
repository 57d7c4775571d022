/* oxlint-disable -- untyped: what it is made of is installed apart, see package.json here */
// rsocket-js: request and response, binary encoders. Its frames are its own; what it writes in a turn is one system call.
import { BufferEncoders, RSocketServer } from 'rsocket-core';
import { Single } from 'rsocket-flowable';
import rsocketTcpServer from 'rsocket-tcp-server';
import { corkedServer } from './corked.mjs';

const answer = (payload) => Single.of({ data: payload.data });

const transport = new rsocketTcpServer.default(
  {
    host: '127.0.0.1',
    port: Number(process.argv[2]),
    serverFactory: (onConnection) => corkedServer(onConnection).on('listening', () => console.log('listening')),
  },
  BufferEncoders,
);
new RSocketServer({ getRequestHandler: () => ({ requestResponse: answer }), transport }).start();
