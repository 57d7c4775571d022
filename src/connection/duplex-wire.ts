import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Reads } from './shared-reads.js';
import type { Wire, WireListener } from './wire.js';

/** What a socket of ours reads and holds at once, in bytes: the `highWaterMark` of Node 22 and later, on every Node. */
export const BUFFER = 64 * 1024;

/** Where a stream has the listener of its wire: so one function of each kind listens to all streams there are. */
const listenerOf = Symbol('listener');

type Wired = Duplex & { [listenerOf]: WireListener };

function tellReceived(this: Wired, chunk: Uint8Array): void {
  this[listenerOf].received(chunk);
}

function tellEnded(this: Wired): void {
  this[listenerOf].ended();
}

function tellDrained(this: Wired): void {
  this[listenerOf].drained();
}

function tellFinished(this: Wired): void {
  this[listenerOf].finished();
}

function tellFailed(this: Wired, error: unknown): void {
  this[listenerOf].failed(error);
}

/** A Node socket, or any other `Duplex`, as a wire. */
export class DuplexWire implements Wire {
  readonly peer: string;
  readonly local: string;
  readonly #stream: Duplex;
  /** A socket says when the bytes have left. Another stream may call them written and pass them on as they are. */
  readonly #keepsChunks: boolean;
  #listener!: WireListener;
  #gone = false;

  readonly #reads: Reads | undefined;

  /** `reads`: where the chunks of a socket come from that has no `data` events for them. */
  constructor(stream: Duplex, peer: string, local: string, reads?: Reads) {
    this.#reads = reads;
    this.peer = peer;
    this.local = local;
    this.#stream = stream;
    this.#keepsChunks = !(stream instanceof Socket);
    // An end of the peer's is not yet ours.
    stream.allowHalfOpen = true;
    // Listening for `data` would set it flowing: nothing is read before somebody reads.
    stream.pause();
  }

  get pending(): number {
    return this.#stream.writableLength;
  }

  attach(listener: WireListener): void {
    this.#listener = listener;
    if (this.#reads !== undefined) this.#reads.take = (chunk) => listener.received(chunk);
    const stream = this.#stream as Wired;
    stream[listenerOf] = listener;
    stream
      .on('data', tellReceived)
      .on('end', tellEnded)
      .on('drain', tellDrained)
      .on('finish', tellFinished)
      .on('error', tellFailed)
      .on('close', this.#tellGone);
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
      return this.#stream.write(this.#keepsChunks ? new Uint8Array(chunk) : chunk) || this.pending === 0;
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
    process.nextTick(() => this.#listener.failed(error));
    return true;
  }

  #destroyBy(work: () => void): void {
    let closes = false;
    this.#attempt(() => {
      work();
      closes = emitsClose(this.#stream);
    });
    // The last that is heard of a stream that does not tell when it is closed, or cannot even be destroyed.
    if (!closes) process.nextTick(this.#tellGone);
  }

  readonly #tellGone = (): void => {
    if (this.#gone) return;
    this.#gone = true;
    this.#listener.gone();
  };
}

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
  if (stream instanceof Socket && stream.remoteFamily !== undefined && !('encrypted' in stream) && !ending)
    stream.resetAndDestroy();
  else stream.destroy();
};
