import type { Duplex } from 'node:stream';
import { type Connection, type ConnectionOptions, WireConnection, connectionLimits } from './connection.js';
import { DuplexWire } from './duplex-wire.js';

/** What to call the two ends of a stream that has no addresses. */
export interface DuplexOptions extends ConnectionOptions {
  /** What the other end is called (default `stream`). */
  readonly peer?: string;
  /** What this end is called (default `local`). */
  readonly local?: string;
}

/**
 * Makes a connection of any Node `Duplex`: a child process's stdio, a serial port, a stream of another library.
 *
 * The same laws hold as over TCP, so far as the stream has what they speak of: give it `allowHalfOpen: true` (Node's
 * default) for a half-close that is served, and note that `abort` can only destroy it. For a child process:
 * `fromDuplex(Duplex.from({ readable: child.stdout, writable: child.stdin }), { peer: 'child' })`.
 */
export const fromDuplex = (
  stream: Duplex,
  { peer = 'stream', local = 'local', ...options }: DuplexOptions = {},
): Connection => {
  if (typeof stream?.pipe !== 'function' || typeof stream.write !== 'function') {
    throw new TypeError('fromDuplex takes a Node Duplex stream: something to read from and to write to');
  }
  return new WireConnection(new DuplexWire(stream, peer, local), connectionLimits(options));
};
