import { checkObject } from '../check.js';
import { type Socket, connect } from 'node:net';
import type { ListenAddress } from '../connection/listen.js';
import { Ear, type Over } from './ear.js';

/** Where a server is: a port (of 127.0.0.1 unless `host` is given), the path of a Unix socket, or what it says itself. */
export type ServerPlace = { readonly port: number; readonly host?: string } | { readonly path: string } | ListenAddress;

/** How a plain client behaves. */
export interface PlainClientOptions {
  /** Keeps its own side open when the server has ended (default false: an end for an end, as Node does it). */
  readonly halfOpen?: boolean;
}

/** A connected socket of Node's, paused: it reads nothing before `resume`. Fails when nobody answers. */
export const connected = (where: ServerPlace, { halfOpen = false }: PlainClientOptions = {}): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const { path, port, host } = checkObject('where', where) as Partial<ListenAddress>;
    const place = path === undefined ? { host: host ?? '127.0.0.1', port: port as number } : { path };
    const socket = connect({ ...place, allowHalfOpen: halfOpen }).pause();
    socket.once('error', reject).once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });

/**
 * A client that is nothing but Node's own socket, so that a test cannot share a bug with the code that it tests.
 *
 *     const ann = await plainClient({ port: 7000 });
 *     ann.send('hello\n');
 *     await ann.heard(/^hello\n/);
 *     ann.end();
 *     await ann.over;                          // 'end'
 *
 * It reads from the start, as fast as the server writes; `socket.pause()` stops that. Fails when nobody answers.
 */
export const plainClient = async (where: ServerPlace, options?: PlainClientOptions): Promise<PlainClient> =>
  new PlainClient(await connected(where, options));

/** What `plainClient` and the `dial` of a loopback give. */
export class PlainClient {
  /** The socket, for all that has no name here. */
  readonly socket: Socket;
  /** How it was over: `end` once the server has ended its side, `reset` when the connection broke or this side gave it up. */
  readonly over: Promise<Over>;
  readonly #ear = new Ear();

  constructor(socket: Socket) {
    this.socket = socket;
    this.over = this.#ear.over;
    socket
      .on('data', (chunk: Buffer) => this.#ear.hear(chunk))
      .on('end', () => this.#ear.end('end'))
      .on('error', () => this.#ear.end('reset'))
      .on('close', () => this.#ear.end('reset'))
      .resume();
  }

  /** Sends bytes, or a text as UTF-8. */
  send(data: Uint8Array | string): this {
    this.socket.write(data);
    return this;
  }

  /** Ends this side (FIN), after a last `data` if there is one; what the server answers is still heard. */
  end(data?: Uint8Array | string): this {
    if (data !== undefined) this.send(data);
    this.socket.end();
    return this;
  }

  /** Breaks the connection off: RST over TCP; a Unix socket has none, and is closed. */
  reset(): this {
    if (this.socket.remoteFamily === undefined) this.socket.destroy();
    else this.socket.resetAndDestroy();
    return this;
  }

  /** All bytes heard so far. */
  get bytes(): Buffer {
    return this.#ear.bytes;
  }

  /** The same as text, read as UTF-8. */
  get text(): string {
    return this.#ear.bytes.toString();
  }

  /**
   * Waits until so many bytes were heard in all, or the text of all that was heard matches; gives that text. Fails, and
   * says what was heard, when the connection is over before.
   */
  async heard(what: number | RegExp): Promise<string> {
    return (await this.#ear.heard(what)).toString();
  }
}
