import type { Duplex } from 'node:stream';
import type { TlsInfo } from './tls-info.js';

/**
 * What carries the bytes of a connection: a socket, a pair in memory, later TLS or a WebSocket.
 *
 * The seam between the laws of a connection, which `connection.ts` keeps once for all, and the ways to move bytes.
 */
export interface Wire {
  /** Where the other side is, for people: `127.0.0.1:51512`, `[::1]:51512`, a path, a word. */
  readonly peer: string;
  /** Where this side is. */
  readonly local: string;
  /** What is known of the TLS that it speaks, if it does. */
  readonly tls?: TlsInfo | undefined;
  /** Bytes taken by `write` that have not left for good: while there are some, they must stay as they are. */
  readonly pending: number;
  /** Whether `write` copies what it is given, so that it need not stay as it is. */
  readonly copies: boolean;
  /** Gives the wire the one who listens to it. Called once; the wire starts paused, and brings nothing until `resume`. */
  attach(listener: WireListener): void;
  pause(): void;
  resume(): void;
  /** Takes back bytes that came just now and could not be used: they come again, first of all, after `resume`. */
  unread(chunk: Uint8Array): void;
  /** Takes bytes to be sent. False: enough for now, `drained` will follow. */
  write(chunk: Uint8Array): boolean;
  /** Sends the end after all that was written; `finished` follows. */
  end(): void;
  /** Gives everything up at once; `gone` follows. Also called when both sides have ended, and may be called again. */
  destroy(): void;
  /** The same, so that the other side sees a reset wherever the wire has such a thing. */
  reset(): void;
}

/** A wire that can have another stream, made of the one it has, carry what comes and goes. */
export interface ChangingWire extends Wire {
  /** Bytes that have come, and that the one who listens was not told of. */
  readonly unheard: number;
  /**
   * Hands over the stream, which is paused. `made` is to be called with the one that takes its place, and is paused
   * too; until then nothing may be written, and nothing is told but that it is gone.
   */
  change(make: (stream: Duplex, made: (next: Duplex) => void) => void): void;
}

export const canChange = (wire: Wire): wire is ChangingWire => 'change' in wire;

/** What a wire has to tell. */
export interface WireListener {
  received(chunk: Uint8Array): void;
  /** The other side has ended: no more bytes will come. */
  ended(): void;
  /** All that was written has left, and more is welcome. */
  drained(): void;
  /** All that was written has left, and the end after it. */
  finished(): void;
  /** The wire broke. It will be destroyed. */
  failed(error: unknown): void;
  /** Nothing of it is left. Told once, last of all. */
  gone(): void;
}
