import { type NetConnectOpts, Socket, connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Subscription } from 'rxjs';
import { type Connection, fromAsyncIterable } from '../../src/index.js';
import { Consumer } from '../../src/flow/consumer.js';
import { Ear, type Over } from '../../src/testing/ear.js';
import type { ServerPlace } from '../../src/testing/plain-client.js';

export type { Over };

/** The far end of a connection under test. It reads nothing until it is told to. */
export interface Peer {
  send(bytes: Uint8Array | string): void;
  end(): void;
  /** As rude as the transport allows. */
  reset(): void;
  /** Goes without a word: no more than a system's own closing of what is open. */
  leave(): void;
  /** Reads from now on, for as long as there is something to read. */
  read(): this;
  /** Reads only a little, now. */
  sip(): void;
  /** Bytes that were sent and have left this end. */
  readonly sent: number;
  /** What was read, as one character a byte. */
  readonly text: string;
  /** What was read, once there are so many bytes of it. */
  heard(count: number): Promise<string>;
  /** How it was over; known only to one who reads. */
  readonly over: Promise<Over>;
}

const bytesOf = (bytes: Uint8Array | string): Uint8Array =>
  typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;

const plain = (bytes: Buffer): string => bytes.toString('latin1');

/** A peer that is nothing but a Node stream, so that it cannot share a bug with the code. */
export class StreamPeer implements Peer {
  readonly stream: Duplex;
  readonly #ear = new Ear();
  readonly over = this.#ear.over;
  #sent = 0;

  constructor(stream: Duplex) {
    this.stream = stream
      .pause()
      .on('data', (chunk: Uint8Array) => this.#ear.hear(chunk))
      .on('end', () => this.#ear.end('end'))
      .on('error', () => this.#ear.end('reset'));
  }

  send(bytes: Uint8Array | string): void {
    const chunk = bytesOf(bytes);
    this.stream.write(chunk);
    this.#sent += chunk.length;
  }

  end(): void {
    this.stream.end();
  }

  reset(): void {
    if (this.stream instanceof Socket && this.stream.remoteFamily !== undefined) this.stream.resetAndDestroy();
    else this.stream.destroy(this.stream instanceof Socket ? undefined : new Error('cut'));
  }

  leave(): void {
    this.stream.destroy();
  }

  read(): this {
    this.stream.resume();
    return this;
  }

  sip(): void {
    this.stream.read(1);
  }

  get sent(): number {
    return this.#sent - this.stream.writableLength;
  }

  /** What it is called at the other end of a TCP connection. */
  get name(): string {
    const { localAddress, localPort } = this.stream as Socket;
    return `${localAddress}:${localPort}`;
  }

  get text(): string {
    return plain(this.#ear.bytes);
  }

  async heard(count: number): Promise<string> {
    return plain(await this.#ear.heard(count));
  }
}

/** A peer that is the other end of a pair in memory. */
export class MemoryPeer implements Peer {
  readonly connection: Connection;
  readonly #ear = new Ear();
  readonly over = this.#ear.over;
  readonly #consumer = new Consumer('peer', 1);
  readonly #outbox: Uint8Array[] = [];
  readonly #writing: Subscription;
  #sipping = true;
  #ended = false;
  #wake = (): void => {};

  constructor(connection: Connection) {
    this.connection = connection;
    this.#consumer.valve.close();
    this.#consumer.subscribe(() =>
      connection.reads.subscribe({
        next: (chunk) => {
          this.#ear.hear(chunk);
          if (this.#sipping) this.#consumer.valve.close();
        },
        error: () => this.#ear.end('reset'),
        complete: () => this.#ear.end('end'),
      }),
    );
    this.#writing = fromAsyncIterable(this.#sending())
      .pipe(connection.writes)
      .subscribe({ error: () => {} });
  }

  async *#sending(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = this.#outbox.shift();
      if (chunk !== undefined) yield chunk;
      else if (this.#ended) return;
      else {
        await new Promise<void>((woken) => {
          this.#wake = woken;
        });
      }
    }
  }

  send(bytes: Uint8Array | string): void {
    this.#outbox.push(bytesOf(bytes));
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  reset(): void {
    this.connection.abort();
  }

  leave(): void {
    this.#writing.unsubscribe();
  }

  read(): this {
    this.#sipping = false;
    this.#consumer.valve.open();
    return this;
  }

  sip(): void {
    this.#consumer.valve.open();
  }

  get sent(): number {
    return this.connection.statistics.bytesOut;
  }

  get text(): string {
    return plain(this.#ear.bytes);
  }

  async heard(count: number): Promise<string> {
    return plain(await this.#ear.heard(count));
  }
}

/** Where to dial. */
export type Where = ServerPlace;

/** Dials by Node's own client, and does not wait for an answer. */
export const knock = (where: Where): StreamPeer => {
  // Node 20's own size: with the larger one of later Nodes, a sip of one byte would have it read a whole chunk more.
  const how = { ...where, allowHalfOpen: true, highWaterMark: 16 * 1024 };
  return new StreamPeer(connect(how as NetConnectOpts));
};

/** Dials by Node's own client. Fails when nobody answers. */
export const dialRaw = (where: Where): Promise<StreamPeer> =>
  new Promise((done, failed) => {
    const peer = knock(where);
    peer.stream.once('error', failed).once('connect', () => {
      peer.stream.off('error', failed);
      done(peer);
    });
  });
