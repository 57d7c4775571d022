import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { Subscription } from 'rxjs';
import { TlsFailed } from '../errors.js';
import { Alarm, type Timetable } from '../time/timetable.js';
import { noteTls } from './tls-info.js';

/** How two sides come to terms over a stream. Calls one of the two, once, or neither if the stream is destroyed before. */
export type Shake = (raw: Duplex, secured: (socket: TLSSocket) => void, failed: (error: TlsFailed) => void) => void;

/** A failure in words of ours. */
export const failureOf = (error: unknown, code?: unknown): TlsFailed => {
  const known = code ?? (error as { readonly code?: unknown } | null)?.code;
  return new TlsFailed(typeof known === 'string' ? known : undefined, error);
};

/**
 * One handshake, which may take `ms` milliseconds. Calls one of the two, once; unsubscribing gives it up. The stream of one
 * that fails or is given up is destroyed, and not reset: under TLS that must not be.
 */
export const handshake = (
  shake: Shake,
  raw: Duplex,
  timetable: Timetable,
  ms: number,
  secured: (socket: TLSSocket) => void,
  failed: (error: TlsFailed) => void,
): Subscription => {
  let inVain = true;
  const underWay = new Subscription(() => {
    alarm.clear();
    if (inVain) raw.destroy();
  });
  const fail = (error: TlsFailed): void => {
    if (underWay.closed) return;
    underWay.unsubscribe();
    failed(error);
  };
  const alarm = new Alarm(timetable, {
    // What has arrived while nobody could look is looked at first.
    due: () => timetable.clock.afterReads(() => fail(new TlsFailed('ERR_TLS_HANDSHAKE_TIMEOUT'))),
  });
  alarm.set(ms);
  // The peer's end in mid-handshake is the end of it.
  raw.allowHalfOpen = false;
  const done = (socket: TLSSocket): void => {
    // A client is through once more when its server has negotiated again: Node turns that off for servers alone.
    if (underWay.closed) return void socket.destroy(new TlsFailed('ERR_TLS_RENEGOTIATION_DISABLED'));
    try {
      noteTls(socket, raw);
    } catch (error) {
      return fail(failureOf(error));
    }
    inVain = false;
    underWay.unsubscribe();
    raw.allowHalfOpen = socket.allowHalfOpen = true;
    // Node ends the process over an error that nobody hears.
    socket.on('error', ignore);
    secured(socket);
  };
  try {
    shake(raw, done, fail);
  } catch (error) {
    fail(failureOf(error));
  }
  return underWay;
};

const ignore = (): void => {};
