import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TlsTruncated } from '../errors.js';
import { type Ends, peerOf } from './address.js';
import type { Reads } from './shared-reads.js';
import { type TlsInfo, tlsOf, wasCut } from './tls-info.js';
import type { ChangingWire, WireListener } from './wire.js';

/** What a socket of ours reads and holds at once, in bytes: the `highWaterMark` of Node 22 and later, on every Node. */
export const BUFFER = 64 * 1024;

/** Where a stream has its wire: so one function of each kind listens to all streams there are. */
const wireOf = Symbol('wire');

type Wired = Duplex & { [wireOf]: DuplexWire };

/** Streams that others are at work on. Under TLS they must not be reset either: Node 20 does not survive it. */
const handedOver = new WeakSet<Duplex>();

function tellReceived(this: Wired, chunk: Uint8Array): void {
  this[wireOf].listener.received(chunk);
}

function tellEnded(this: Wired): void {
  const { listener } = this[wireOf];
  if (wasCut(this)) listener.failed(new TlsTruncated());
  else listener.ended();
}

function tellDrained(this: Wired): void {
  this[wireOf].listener.drained();
}

function tellFinished(this: Wired): void {
  this[wireOf].listener.finished();
}

function tellFailed(this: Wired, error: unknown): void {
  this[wireOf].listener.failed(error);
}

function tellGone(this: Wired): void {
  this[wireOf].tellGone();
}

/** A Node socket, or any other `Duplex`, as a wire. */
export class DuplexWire implements ChangingWire {
  /** @internal Who listens to it. */
  listener!: WireListener;
  #stream!: Duplex;
  /** A socket says when the bytes have left. Another stream may call them written and pass them on as they are. */
  copies!: boolean;
  #gone = false;
  readonly local: string;
  /** As in `Ends`: of thousands that wait hardly one is asked for its name. */
  readonly #peer: string;
  readonly #port: number | undefined;
  readonly #reads: Reads | undefined;

  /** `reads`: where the chunks of a socket come from that has no `data` events for them. */
  constructor(stream: Duplex, { peer, port, local }: Ends, reads?: Reads) {
    this.#reads = reads;
    this.#peer = peer;
    this.#port = port;
    this.local = local;
    this.#take(stream);
  }

  #take(stream: Duplex): void {
    this.#stream = stream;
    this.copies = !(stream instanceof Socket);
    // An end of the peer's is not yet ours.
    stream.allowHalfOpen = true;
    // Listening for `data` would set it flowing: nothing is read before somebody reads.
    stream.pause();
  }

  get peer(): string {
    return peerOf(this.#peer, this.#port);
  }

  get tls(): TlsInfo | undefined {
    return tlsOf(this.#stream);
  }

  get pending(): number {
    return this.#stream.writableLength;
  }

  attach(listener: WireListener): void {
    this.listener = listener;
    if (this.#reads !== undefined) this.#reads.take = (chunk) => listener.received(chunk);
    this.#listen();
  }

  #listen(): void {
    const stream = this.#stream as Wired;
    stream[wireOf] = this;
    stream
      .on('data', tellReceived)
      .on('end', tellEnded)
      .on('drain', tellDrained)
      .on('finish', tellFinished)
      .on('error', tellFailed)
      .on('close', tellGone);
    // Under TLS it is read before somebody listens, and what is told once is not told again.
    if (stream.readableEnded || stream.closed) process.nextTick(() => this.#tellPast());
  }

  #tellPast(): void {
    const stream = this.#stream as Wired;
    if (stream.errored !== null) tellFailed.call(stream, stream.errored);
    else if (stream.readableEnded) tellEnded.call(stream);
    if (stream.closed) this.tellGone();
  }

  get unheard(): number {
    return this.#stream.readableLength;
  }

  change(make: (stream: Duplex, made: (next: Duplex) => void) => void): void {
    const before = this.#stream as Wired;
    handedOver.add(before);
    before
      .off('data', tellReceived)
      .off('end', tellEnded)
      .off('drain', tellDrained)
      .off('finish', tellFinished)
      .off('error', tellFailed)
      .on('error', ignore);
    make(before, (next) => {
      before.off('close', tellGone);
      this.#take(next);
      this.#listen();
    });
  }

  pause(): void {
    this.#attempt(() => this.#stream.pause());
  }

  resume(): void {
    this.#attempt(() => this.#stream.resume());
  }

  unread(chunk: Uint8Array): void {
    this.#attempt(() => this.#stream.unshift(chunk));
  }

  write(chunk: Uint8Array): boolean {
    try {
      // A write as large as the stream's high-water mark is "full" even when all of it has left.
      return this.#stream.write(this.copies ? new Uint8Array(chunk) : chunk) || this.pending === 0;
    } catch (error) {
      return this.#threw(error);
    }
  }

  end(): void {
    this.#attempt(() => this.#stream.end());
  }

  destroy(): void {
    this.#destroyBy(() => this.#stream.destroy());
  }

  reset(): void {
    this.#destroyBy(() => resetStream(this.#stream));
  }

  #attempt(work: () => unknown): void {
    try {
      work();
    } catch (error) {
      this.#threw(error);
    }
  }

  /** What a stream throws is its failure, told a moment later as streams do. Whether it was full does not matter then. */
  #threw(error: unknown): true {
    process.nextTick(() => this.listener.failed(error));
    return true;
  }

  #destroyBy(work: () => void): void {
    let closes = false;
    this.#attempt(() => {
      work();
      closes = emitsClose(this.#stream);
    });
    // The last that is heard of a stream that does not tell when it is closed, or cannot even be destroyed.
    if (!closes) process.nextTick(() => this.tellGone());
  }

  /** @internal Nothing is left of the stream. */
  tellGone(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.listener.gone();
  }
}

const ignore = (): void => {};

/** Whether it will say that it is closed. One made with `emitClose: false` does not, and only its inside tells so. */
const emitsClose = (stream: Duplex): boolean => {
  const { _writableState: inside } = stream as { readonly _writableState?: { readonly emitClose?: boolean } };
  return inside?.emitClose !== false;
};

/**
 * Destroys a stream; if it is a TCP socket, with a reset. Unix sockets know no reset, and under TLS it must not be. Nor
 * while the end is on its way: the system takes no reset then, and Node would lose the socket, still open.
 */
export const resetStream = (stream: Duplex): void => {
  const ending = stream.writableEnded && stream.writableLength === 0 && !stream.writableFinished;
  const tls = 'encrypted' in stream || handedOver.has(stream);
  if (stream instanceof Socket && stream.remoteFamily !== undefined && !tls && !ending) stream.resetAndDestroy();
  else stream.destroy();
};
