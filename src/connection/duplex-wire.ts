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
    return this.#stream.write(chunk);
  }

  end(): void {
    this.#stream.end();
  }

  destroy(): void {
    this.#stream.destroy();
  }

  reset(): void {
    if (this.#stream instanceof Socket) this.#stream.resetAndDestroy();
    else this.#stream.destroy();
  }
}
