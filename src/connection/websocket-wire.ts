import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { ConnectionReset } from '../errors.js';
import { Queue } from '../flow/queue.js';
import { type Ends, peerOf } from './address.js';
import { resetStream } from './duplex-wire.js';
import { type TlsInfo, tlsOf } from './tls-info.js';
import type { Wire, WireListener } from './wire.js';

/**
 * The subprotocol in which each side ends by itself, as over TCP: an empty message is a side's end. Without it a close
 * ends both sides at once, for a WebSocket has nothing else.
 */
export const HALF_CLOSE = 'half-close.sluice';

/** How `ws` is to read: no compression, and the peer has two seconds to answer our close. */
export const READING: { readonly perMessageDeflate: false } = Object.assign(
  { perMessageDeflate: false } as const,
  // An option that its types do not know yet.
  { closeTimeout: 2_000 },
);

/** Bytes that may wait in a WebSocket before it is full. */
const HIGH_WATER = 64 * 1024;

/** The codes of a close that is no failure: normal, going away, none given. Those from 4,000 on are programs' own. */
const isClean = (code: number): boolean => code === 1000 || code === 1001 || code === 1005 || code >= 4_000;

const END = new Uint8Array();
const BINARY = { binary: true, compress: false };

/**
 * A WebSocket as a wire: each message that comes is a chunk, whether it is text or binary, and each write is a binary
 * message. Where one message ends and the next begins means nothing: frame what you send.
 *
 * RFC 6455; the messages are read and written by `ws`.
 */
export class WebSocketWire implements Wire {
  readonly copies = false;
  readonly local: string;
  readonly #ends: Ends;
  readonly #socket: WebSocket;
  /** What carries the WebSocket. */
  readonly #raw: Duplex;
  readonly #halfCloses: boolean;
  /** Nobody yet, while it waits to be taken. */
  #listener: WireListener | undefined;
  /** What broke it while nobody listened. */
  #lost: unknown;
  /** What has come and was not wanted yet: `ws` goes on with what it has read when it is told to pause. */
  readonly #inbox = new Queue<Uint8Array>();
  #paused = true;
  #delivering = false;
  /** It was full, and has not been empty since. */
  #full = false;
  /** The end of the peer's side is behind what is in the inbox; it was told. Our own was asked for; it has left. */
  #endComing = false;
  #endTold = false;
  #ending = false;
  #endSent = false;
  #destroyed = false;
  /** The WebSocket is closed; that was told. */
  #closed = false;
  #gone = false;

  constructor(socket: WebSocket, raw: Duplex, ends: Ends) {
    this.#socket = socket;
    this.#raw = raw;
    this.#ends = ends;
    this.local = ends.local;
    this.#halfCloses = socket.protocol === HALF_CLOSE;
    socket.on('message', this.#came).on('error', this.#broke).on('close', this.#closedBy);
    socket.pause();
  }

  get peer(): string {
    return peerOf(this.#ends.peer, this.#ends.port);
  }

  get tls(): TlsInfo | undefined {
    return tlsOf(this.#raw);
  }

  get pending(): number {
    return this.#closed ? 0 : this.#socket.bufferedAmount;
  }

  attach(listener: WireListener): void {
    this.#listener = listener;
    if (this.#lost === undefined) return;
    process.nextTick(() => {
      listener.failed(this.#lost);
      if (this.#closed) this.#tellGone();
    });
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#goOn();
  }

  unread(chunk: Uint8Array): void {
    const later = [chunk];
    for (let next = this.#inbox.shift(); next !== undefined; next = this.#inbox.shift()) later.push(next);
    for (const next of later) this.#inbox.push(next);
  }

  write(chunk: Uint8Array): boolean {
    if (this.#socket.readyState !== this.#socket.OPEN) {
      process.nextTick(this.#broke, new ConnectionReset('EPIPE'));
      return true;
    }
    this.#socket.send(chunk, BINARY, this.#sent);
    this.#full = this.pending >= HIGH_WATER;
    return !this.#full;
  }

  end(): void {
    if (this.#ending) return;
    this.#ending = true;
    if (this.#closed) process.nextTick(this.#finished);
    else if (this.#halfCloses) this.#socket.send(END, BINARY, this.#finished);
    else {
      this.#socket.close(1000);
      // `ws` says nothing when its close is on its way: that is so when what is written behind it is.
      this.#raw.write('', this.#finished);
    }
  }

  destroy(): void {
    this.#destroyed = true;
    if (this.#closed) process.nextTick(this.#tellGone);
    else if (this.#endSent && this.#endTold) {
      this.#socket.close(1000);
      this.#socket.resume();
      // Both sides have said all: the peer need not answer.
      if (this.#halfCloses) this.#raw.end(() => this.#raw.destroy());
    } else this.#socket.terminate();
  }

  reset(): void {
    this.#destroyed = true;
    if (this.#closed) process.nextTick(this.#tellGone);
    else resetStream(this.#raw);
  }

  // -- what it hears -------------------------------------------------------------------------------------------------

  readonly #came = (message: unknown): void => {
    // What `ws` gives as long as it is not asked for anything else.
    const chunk = message as Uint8Array;
    if (this.#destroyed || this.#endComing) return;
    if (chunk.length > 0) this.#inbox.push(chunk);
    else if (this.#halfCloses) this.#endComing = true;
    if (!this.#delivering) this.#deliver();
  };

  readonly #sent = (error?: Error | null): void => {
    if (error) return this.#broke(error);
    if (!this.#full || this.pending > 0) return;
    this.#full = false;
    this.#listener?.drained();
  };

  readonly #finished = (error?: Error | null): void => {
    if (error) return this.#broke(error);
    this.#endSent = true;
    this.#listener?.finished();
    if (this.#closed) this.#goneIfOver();
  };

  readonly #broke = (error: unknown): void => {
    this.#lost ??= error;
    this.#listener?.failed(error);
  };

  readonly #closedBy = (code: number): void => {
    this.#closed = true;
    if (this.#destroyed) return this.#tellGone();
    if (!isClean(code)) {
      this.#broke(new ConnectionReset(`WebSocket ${code}`));
      return this.#tellGone();
    }
    this.#endComing = true;
    this.#goOn();
  };

  // -- what it tells -------------------------------------------------------------------------------------------------

  /** In a turn of its own: whoever resumes is not told of something at once. */
  #goOn(): void {
    setImmediate(() => this.#deliver());
  }

  #deliver(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    while (!this.#paused && !this.#destroyed) {
      const next = this.#inbox.shift();
      if (next === undefined) break;
      this.#listener?.received(next);
    }
    this.#delivering = false;
    if (this.#paused || this.#destroyed) return;
    if (!this.#endComing) return this.#socket.resume();
    if (!this.#endTold) {
      this.#endTold = true;
      this.#listener?.ended();
    }
    if (this.#closed) this.#goneIfOver();
    // In half-close, what comes behind the end is the close.
    else this.#socket.resume();
  }

  /** Closed by the peer, which was told: our own side may still come to its end. */
  #goneIfOver(): void {
    if (this.#endSent && this.#endTold) this.#tellGone();
  }

  readonly #tellGone = (): void => {
    if (this.#gone || this.#listener === undefined) return;
    this.#gone = true;
    this.#listener.gone();
  };
}
