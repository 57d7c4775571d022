import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Wire, WireListener } from './wire.js';

/** A Node socket, or any other `Duplex`, as a wire. */
export class DuplexWire implements Wire {
  readonly peer: string;
  readonly local: string;
  readonly #stream: Duplex;

  constructor(stream: Duplex, peer: string, local: string) {
    this.peer = peer;
    this.local = local;
    this.#stream = stream;
    // An end of the peer's is not yet ours.
    stream.allowHalfOpen = true;
    // Listening for `data` would set it flowing: nothing is read before somebody reads.
    stream.pause();
  }

  get pending(): number {
    return this.#stream.writableLength;
  }

  attach(listener: WireListener): void {
    this.#stream
      .on('data', (chunk: Uint8Array) => listener.received(chunk))
      .on('end', () => listener.ended())
      .on('drain', () => listener.drained())
      .on('finish', () => listener.finished())
      .on('error', (error: unknown) => listener.failed(error))
      .on('close', () => listener.gone());
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  unread(chunk: Uint8Array): void {
    this.#stream.unshift(chunk);
  }

  write(chunk: Uint8Array): boolean {
    // A socket says when the bytes have left. Another stream may call them written and pass them on as they are.
    return this.#stream.write(this.#stream instanceof Socket ? chunk : new Uint8Array(chunk));
  }

  end(): void {
    this.#stream.end();
  }

  destroy(): void {
    this.#stream.destroy();
  }

  reset(): void {
    resetStream(this.#stream);
  }
}

/** Destroys a stream; if it is a TCP socket, with a reset. Unix sockets know no reset, and under TLS it must not be. */
export const resetStream = (stream: Duplex): void => {
  if (stream instanceof Socket && stream.remoteFamily !== undefined && !('encrypted' in stream))
    stream.resetAndDestroy();
  else stream.destroy();
};
