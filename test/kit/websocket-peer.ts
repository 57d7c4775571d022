import { type Server, createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';

/** The subprotocol in which an empty message is the end of a side. Named again here: a test must not learn it from us. */
const HALF_CLOSE = 'half-close.sluice';

/** A WebSocket as a plain stream of Node's, made of what `ws` has and nothing of ours. */
export const streamOf = (socket: WebSocket): Duplex => {
  const inbox: Buffer[] = [];
  let wanted = false;
  let over = false;
  const give = (): void => {
    while (wanted && inbox.length > 0) wanted = stream.push(inbox.shift());
    if (wanted && over && !stream.readableEnded) stream.push(null);
    if (!wanted) socket.pause();
  };
  const stream = new Duplex({
    allowHalfOpen: true,
    read: () => {
      wanted = true;
      socket.resume();
      setImmediate(give);
    },
    write: (chunk: Buffer, _, done) => socket.send(chunk, done),
    final: (done) => socket.send(Buffer.alloc(0), done),
    destroy: (error, done) => {
      socket.terminate();
      done(error);
    },
  });
  socket.on('message', (message) => {
    const bytes = message as Buffer;
    if (bytes.length === 0) over = true;
    else inbox.push(bytes);
    give();
  });
  socket.on('error', () => {});
  socket.on('close', (code) => {
    if (code === 1006 && !over) stream.destroy(new Error('cut'));
    over = true;
    give();
    if (stream.writableFinished) stream.destroy();
  });
  socket.pause();
  return stream;
};

/** Dials a WebSocket. */
export const knock = (url: string, protocols: readonly string[] = [HALF_CLOSE]): WebSocket =>
  new WebSocket(url, [...protocols], { perMessageDeflate: false });

/** Dials a WebSocket, and waits until it is open. */
export const dialled = async (url: string, protocols?: readonly string[]): Promise<WebSocket> => {
  const socket = knock(url, protocols);
  await once(socket, 'open');
  return socket;
};

/** A server of `ws`, and the first who comes to it. Most know nothing of our subprotocol. */
export const server = async (
  halfCloses = true,
): Promise<{
  readonly url: string;
  readonly first: Promise<WebSocket>;
  readonly http: Server;
}> => {
  const http = createServer();
  const sockets = new WebSocketServer({ server: http, handleProtocols: () => halfCloses && HALF_CLOSE });
  const first = once(sockets, 'connection').then(([socket]: readonly WebSocket[]) => socket as WebSocket);
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return { url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}`, first, http };
};

/** What carries a WebSocket: `ws` keeps it to itself. */
export const rawOf = (socket: WebSocket): Duplex => Reflect.get(socket, '_socket') as Duplex;
