import type { Duplex } from 'node:stream';
import { checkObject, checkText } from '../check.js';
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
 * Makes a connection of any Node `Duplex` of bytes: a child process's stdio, a serial port, a stream of another library.
 *
 * The same laws hold as over TCP, so far as the stream has what they speak of: note that `abort` can only destroy it.
 * The stream is the connection's from here on, and half-open is allowed on it whatever it was made with. For a child
 * process: `fromDuplex(Duplex.from({ readable: child.stdout, writable: child.stdin }), { peer: 'child' })`.
 */
export const fromDuplex = (stream: Duplex, options: DuplexOptions = {}): Connection => {
  const peer = checkText('peer', checkObject('options', options).peer ?? 'stream');
  const local = checkText('local', options.local ?? 'local');
  const limits = connectionLimits(options);
  const why = whyNot(stream);
  if (why !== undefined) throw new TypeError(`fromDuplex takes an open Duplex stream of bytes, got ${why}`);
  return new WireConnection(new DuplexWire(stream, { peer, local }), limits);
};

/** What speaks against a stream. */
const whyNot = (stream: Duplex): string | undefined => {
  if (typeof stream?.pipe !== 'function' || typeof stream.write !== 'function') return 'no stream';
  if (!stream.readable || !stream.writable) return 'one that is over, or has one side only';
  if (stream.readableObjectMode || stream.writableObjectMode) return 'one of objects';
  return stream.readableEncoding ? `one of ${stream.readableEncoding} text` : undefined;
};
