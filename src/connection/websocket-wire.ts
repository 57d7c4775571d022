import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { SchedulerLike } from 'rxjs';
import type { WebSocket } from 'ws';
import { ConnectionReset, FrameTooSlow } from '../errors.js';
import { Queue } from '../flow/queue.js';
import { Alarm, timetableOf } from '../time/timetable.js';
import { type Ends, peerOf } from './address.js';
import type { ConnectionLimits } from './connection.js';
import { resetStream } from './duplex-wire.js';
import { type TlsInfo, noteAgreed, tlsOf } from './tls-info.js';
import { Boundary } from './websocket-boundary.js';
import type { Wire, WireListener } from './wire.js';

/**
 * The subprotocol in which each side ends by itself, as over TCP: an empty message is a side's end. Without it a close
 * ends both sides at once, for a WebSocket has nothing else.
 */
export const HALF_CLOSE = 'half-close.sluice';

/** The most fragments of a message, and chunks in which one frame comes, unless a message may be a large one. */
const FRAGMENTS = 1_024;
const CHUNKS = 4_096;

/** How `ws` is to read. A type of our own: its types do not know all of it yet. */
interface Reading {
  readonly perMessageDeflate: false;
  readonly maxPayload: number;
  readonly maxFragments: number;
  readonly maxBufferedChunks: number;
  readonly closeTimeout: number;
}

/**
 * How `ws` is to read: no compression, and not without end. Each fragment may keep all of the chunk that it came in, and
 * `ws` takes a frame that came in many chunks together in quadratic time. A peer has as long to answer a close as it has
 * to end its side over TCP.
 */
export const readingOf = (maxMessage: number, { halfClose }: ConnectionLimits): Reading => ({
  perMessageDeflate: false,
  maxPayload: maxMessage,
  maxFragments: Math.max(FRAGMENTS, Math.ceil(maxMessage / 1_024)),
  maxBufferedChunks: Math.max(CHUNKS, Math.ceil(maxMessage / 256)),
  closeTimeout: Math.min(halfClose, LONGEST_TIMER),
});

/** The longest that a timer of Node's can wait, in milliseconds. */
export const LONGEST_TIMER: number = 2 ** 31 - 1;

/** The most that can be asked for as `maxMessage`: `ws` takes what is more for no limit. */
export const LONGEST_MESSAGE: number = 2 ** 31 - 1;

/** How long a peer that has been told that it is over may take to be gone, in milliseconds. */
const LAST_WORD = 1_000;

/** Bytes that may wait in a WebSocket before it is full. */
const HIGH_WATER = 64 * 1024;

/** The codes of a close that is no failure: normal, going away, none given. Those from 4,000 on are programs' own. */
const isClean = (code: number): boolean => code === 1000 || code === 1001 || code === 1005 || code >= 4_000;

const END = new Uint8Array();
const BINARY = { binary: true, compress: false };

/** What was agreed on with the peer, and what it may send. */
export interface Terms {
  /** Whether each side ends by itself. */
  readonly halfCloses: boolean;
  readonly maxMessage: number;
  /** How long a message may take from its first byte to its last, in milliseconds, and by what that is measured. */
  readonly messageDeadline: number;
  readonly scheduler: SchedulerLike;
}

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
  readonly #terms: Terms;
  /** Where in its frames the peer is, and what goes off when it is too slow. */
  readonly #boundary = new Boundary();
  readonly #late: Alarm;
  /** Nobody yet, while it waits to be taken. */
  #listener: WireListener | undefined;
  /** What broke it while nobody listened. */
  #lost: unknown;
  /** What has come and was not wanted yet: `ws` goes on with what it has read when it is told to pause. */
  readonly #inbox = new Queue<Uint8Array>();
  #paused = true;
  #delivering = false;
  /** Writes that have not left. */
  #leaving = 0;
  /** It was full, and has not been empty since. */
  #full = false;
  /** The end of the peer's side is behind what is in the inbox; it was told. Our own was asked for; it has left. */
  #endComing = false;
  #endTold = false;
  #ending = false;
  #endSent = false;
  #destroyed = false;
  /** The peer broke the protocol; `ws` is telling it so, and forgets what still comes. */
  #violated = false;
  /** The WebSocket is closed; that was told. */
  #closed = false;
  #gone = false;

  constructor(socket: WebSocket, raw: Duplex, ends: Ends, terms: Terms) {
    this.#socket = socket;
    this.#raw = raw;
    this.#ends = ends;
    this.local = ends.local;
    this.#terms = terms;
    this.#late = new Alarm(timetableOf(terms.scheduler), this);
    if ('encrypted' in raw && !raw.destroyed) noteAgreed(raw as TLSSocket);
    socket.on('message', this.#came).on('error', this.#refused).on('close', this.#closedBy);
    // Both have closed, and `ws` waits for the peer to end what carries it.
    raw.once('finish', this.#cutOff);
    raw.on('data', this.#passed);
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
    this.#late.clear();
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#boundary.unfinished) this.#late.set(this.#terms.messageDeadline);
    this.#goOn();
  }

  /** The alarm: a message is late, unless the rest of it has come meanwhile and only was not read yet. */
  due(): void {
    timetableOf(this.#terms.scheduler).clock.afterReads(() => {
      if (this.#paused || this.#closed || this.#late.pending || !this.#boundary.unfinished) return;
      this.#broke(new FrameTooSlow(this.#terms.messageDeadline));
    });
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
    this.#leaving++;
    this.#socket.send(chunk, BINARY, this.#sent);
    this.#full = this.pending >= HIGH_WATER;
    return !this.#full;
  }

  end(): void {
    if (this.#ending) return;
    this.#ending = true;
    if (this.#closed) process.nextTick(this.#finished);
    // The peer has closed: `ws` has answered, and all that is left is to be gone.
    else if (this.#socket.readyState !== this.#socket.OPEN) return;
    else if (this.#terms.halfCloses) this.#socket.send(END, BINARY, this.#finished);
    else {
      this.#socket.close(1000);
      // `ws` says nothing when its close is on its way: that is so when what is written behind it is.
      this.#raw.write('', this.#finished);
    }
  }

  destroy(): void {
    this.#destroyed = true;
    this.#late.clear();
    if (this.#closed) process.nextTick(this.#tellGone);
    else if (this.#endSent && this.#endTold) {
      this.#socket.close(1000);
      this.#socket.resume();
      // Both sides have said all: the peer need not answer.
      if (this.#terms.halfCloses) this.#raw.end(() => this.#raw.destroy());
    } else if (!this.#violated) this.#socket.terminate();
  }

  reset(): void {
    this.#destroyed = true;
    this.#late.clear();
    if (this.#closed) process.nextTick(this.#tellGone);
    else resetStream(this.#raw);
  }

  // -- what it hears -------------------------------------------------------------------------------------------------

  readonly #passed = (chunk: Uint8Array): void => {
    const anew = this.#boundary.pass(chunk);
    if (!this.#boundary.unfinished || this.#paused || this.#destroyed) this.#late.clear();
    else if (anew || !this.#late.pending) this.#late.set(this.#terms.messageDeadline);
  };

  readonly #came = (message: unknown): void => {
    // What `ws` gives as long as it is not asked for anything else.
    const chunk = message as Uint8Array;
    if (this.#destroyed || this.#endComing) return;
    if (chunk.length > 0) this.#inbox.push(chunk);
    else if (this.#terms.halfCloses) this.#endComing = true;
    if (!this.#delivering) this.#deliver();
  };

  readonly #sent = (error?: Error | null): void => {
    this.#leaving--;
    if (error) return this.#broke(error);
    // There may be answers to pings behind them, of which nobody tells when they have left.
    if (!this.#full || this.#leaving > 0) return;
    this.#full = false;
    this.#listener?.drained();
  };

  readonly #finished = (error?: Error | null): void => {
    if (error) return this.#broke(error);
    if (this.#endSent) return;
    this.#endSent = true;
    this.#listener?.finished();
    if (this.#closed) this.#goneIfOver();
  };

  readonly #cutOff = (): void => {
    setTimeout(() => this.#raw.destroy(), LAST_WORD).unref();
  };

  /** Its bytes are not what they have to be. */
  readonly #refused = (error: Error & { readonly code?: string }): void => {
    this.#violated = true;
    this.#cutOff();
    const tooLong = error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
    const what = tooLong ? `a message of more than ${this.#terms.maxMessage} bytes` : error.message;
    this.#broke(new ConnectionReset(`${error.code}: ${what}`, error));
  };

  readonly #broke = (error: unknown): void => {
    this.#lost ??= error;
    this.#listener?.failed(error);
  };

  readonly #closedBy = (code: number): void => {
    this.#closed = true;
    this.#late.clear();
    if (this.#destroyed) return this.#tellGone();
    if (!isClean(code)) {
      this.#broke(new ConnectionReset(`WebSocket ${code}`));
      return this.#tellGone();
    }
    this.#endComing = true;
    if (this.#ending && !this.#endSent) this.#finished();
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
