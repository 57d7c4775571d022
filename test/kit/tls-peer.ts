import { once } from 'node:events';
import { type AddressInfo, type NetConnectOpts, type Socket, connect, createServer as createNetServer } from 'node:net';
import { Duplex } from 'node:stream';
import {
  type ConnectionOptions as TlsConnectOptions,
  type TLSSocket,
  type TlsOptions,
  createServer,
  connect as tlsConnect,
} from 'node:tls';
import { StreamPeer, type Where } from './peer.js';

/** What carries a peer's TLS, where the peer has a hand in it: it can end or reset it under the TLS. */
class Carrier extends Duplex {
  readonly socket: Socket;

  constructor(socket: Socket) {
    super({ allowHalfOpen: true });
    // After a handshake a system is slow to acknowledge, and a small segment waits for that of the one before.
    this.socket = socket
      .setNoDelay()
      .on('data', (chunk) => {
        if (!this.push(chunk)) socket.pause();
      })
      .on('end', () => this.push(null))
      .on('error', (error) => this.destroy(error));
  }

  override _read(): void {
    this.socket.resume();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, written: (error?: Error | null) => void): void {
    this.socket.write(chunk, written);
  }

  override _final(done: () => void): void {
    this.socket.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.socket.destroy();
    done(error);
  }
}

/** A peer that speaks TLS by Node's own means. */
export class TlsPeer extends StreamPeer {
  readonly tls: TLSSocket;
  readonly #carrier: Socket;

  constructor(tls: TLSSocket, carrier: Socket) {
    super(tls);
    this.tls = tls;
    this.#carrier = carrier;
  }

  override reset(): void {
    if (this.#carrier.remoteFamily !== undefined) this.#carrier.resetAndDestroy();
    else this.#carrier.destroy();
  }

  /** Ends the connection and not the TLS, as somebody on the way might. */
  cut(): void {
    this.#carrier.end();
  }
}

/** Connects by Node's own client, its handshake not begun. */
export const carrierTo = async (where: Where): Promise<Carrier> => {
  const how = { ...where, allowHalfOpen: true, highWaterMark: 16 * 1024 };
  const socket = connect(how as NetConnectOpts);
  await once(socket, 'connect');
  return new Carrier(socket);
};

/** Two streams that are no sockets, each the other's peer. What one writes the other reads a moment later. */
export const carrierPair = async (): Promise<readonly [Carrier, Carrier]> => {
  const server = createNetServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepting = once(server, 'connection') as Promise<[Socket]>;
  const dialled = await carrierTo({ port: (server.address() as AddressInfo).port });
  const [accepted] = await accepting;
  server.close();
  return [new Carrier(accepted), dialled];
};

/** Speaks TLS over a carrier, as a client. */
export const over = async (carrier: Carrier, options: TlsConnectOptions): Promise<TlsPeer> => {
  const how = { highWaterMark: 16 * 1024, ...options, socket: carrier };
  const tls = tlsConnect(how as TlsConnectOptions);
  await once(tls, 'secureConnect');
  return new TlsPeer(tls, carrier.socket);
};

/** Speaks TLS over an accepted socket, as a server. */
export const acceptOver = async (socket: Socket, options: TlsOptions): Promise<TlsPeer> => {
  const server = createServer(options);
  server.emit('connection', new Carrier(socket));
  const [tls] = (await once(server, 'secureConnection')) as [TLSSocket];
  return new TlsPeer(tls, socket);
};

/** Dials by Node's own client. Fails where the handshake does. */
export const dialTls = async (where: Where, options: TlsConnectOptions): Promise<TlsPeer> =>
  over(await carrierTo(where), options);
