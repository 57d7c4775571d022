import { type Socket, type TcpNetConnectOpts, connect } from 'node:net';
import { Observable, Subscription } from 'rxjs';
import { checkBoolean, checkFunction, checkHook, checkTime } from '../check.js';
import { DialFailed, DialGivenUp, DialTimeout, type TlsFailed } from '../errors.js';
import { Gate } from '../flow/gate.js';
import { inScope } from '../flow/scope.js';
import { tell } from '../hook.js';
import { clockOf } from '../time/clock.js';
import { timetableOf } from '../time/timetable.js';
import { expectLargeBuffers } from './allocator.js';
import { type Place, checkPlace, endsOf, placeName } from './address.js';
import { type Backoff, type Reconnect, backoffOf, waitOf } from './backoff.js';
import { type Connection, type ConnectionOptions, WireConnection, connectionLimits } from './connection.js';
import { BUFFER, DuplexWire } from './duplex-wire.js';
import { type Reads, readShared } from './shared-reads.js';
import { TlsDialler } from './tls-dialler.js';
import type { TlsSource } from './tls-from.js';
import { handshake } from './tls-handshake.js';
import type { TlsClientOptions } from './tls-options.js';

/** What a dial is doing. */
export type DialState =
  | { readonly state: 'connecting'; readonly address: string; readonly attempt: number }
  | { readonly state: 'connected'; readonly address: string; readonly connection: Connection }
  /** Waits `ms` before the next attempt; `error` is what the last one met, or undefined after a connection that ended. */
  | { readonly state: 'waiting'; readonly address: string; readonly ms: number; readonly error: unknown }
  | { readonly state: 'given-up'; readonly address: string; readonly attempts: number; readonly error: unknown };

/** Whom to dial, and how. */
export interface DialOptions extends Place, ConnectionOptions {
  /** How long the other side may take to answer, a TLS handshake included, in milliseconds (default 10,000). */
  readonly connectTimeout?: number;
  /** Speaks TLS: `true` where the server's root is one that Node knows, else `{ ca }` and what else it takes. */
  readonly tls?: boolean | TlsClientOptions | TlsSource;
  /** Sends what is written at once instead of waiting to fill a packet (default true). */
  readonly noDelay?: boolean;
  /** Dials again after a failure, and after each connection that has gone. Without it, once. */
  readonly reconnect?: Reconnect | boolean;
  /** Called at each change of state. */
  readonly onState?: (state: DialState) => void;
  /**
   * Where chance comes from, for the jitter: a number from 0 to 1 (default `Math.random`).
   * What it throws, or any other number, is the stream's error.
   */
  readonly random?: () => number;
}

/**
 * The client side: dials when it is subscribed to and emits the connection, of the same type as an accepted one.
 *
 *     subscribed   ^----------------------
 *                  dial({ port: 7000, reconnect: { initial: 5 } })
 *     connections  ---a--------------b----      a is lost after a while; so is the first attempt to dial again
 *
 * Without `reconnect` it completes after the one connection, and fails with `DialFailed` or `DialTimeout`. With it, it
 * emits one connection after another, the next when the last is gone, and fails with `DialGivenUp` when the attempts
 * are used up. Unsubscribing stops the dialling, and closes no connection that was emitted.
 */
export const dial = (options: DialOptions): Observable<Connection> => {
  const place = checkPlace(options, 1);
  const limits = connectionLimits(options);
  const timeout = checkTime('connectTimeout', options.connectTimeout ?? 10_000);
  const noDelay = checkBoolean('noDelay', options.noDelay ?? true);
  const backoff = backoffOf(options.reconnect);
  const onState = checkHook('onState', options.onState);
  const random = checkFunction('random', options.random ?? Math.random);
  const address = placeName(place);
  const tls = options.tls ? new TlsDialler(options.tls, place.host ?? 'localhost') : undefined;

  return new Observable((subscriber) => {
    const clock = clockOf(limits.scheduler);
    const gate = new Gate();
    let failures = 0;

    /** What is under way: an attempt, a wait, or a connection that is watched. One at a time. */
    let current = Subscription.EMPTY;
    const proceed = (next: () => Subscription): void => {
      if (!subscriber.closed) current = next();
    };

    const state = (now: DialState): void => tell('onState', onState, now);

    // Made anew for each attempt: a connection that was lost has no more to do with what the next one reads.
    let reads: Reads | undefined;

    const attempt = (): void => {
      reads = limits.readBuffer === 'shared' && tls === undefined ? { take: ignore } : undefined;
      const shared = reads === undefined ? {} : readShared(reads);
      state({ state: 'connecting', address, attempt: failures + 1 });
      proceed(() =>
        connecting({ ...place, noDelay, ...shared }, clock.after(timeout, late), secure, connected, refused),
      );
    };

    const secure: Secure | undefined =
      tls &&
      ((raw, done, gone) => handshake(tls.shake, raw, timetableOf(limits.scheduler), tls.handshakeTimeout, done, gone));

    const refused = (error: NodeJS.ErrnoException): void => failed(new DialFailed(address, error.code, error));

    const late = (): void => {
      current.unsubscribe();
      failed(new DialTimeout(address, timeout));
    };

    const failed = (error: unknown): void => {
      failures++;
      if (backoff === null) return subscriber.error(error);
      if (failures < backoff.attempts) return again(error);
      state({ state: 'given-up', address, attempts: failures, error });
      subscriber.error(new DialGivenUp(address, failures, error));
    };

    const again = (error?: unknown): void => {
      let ms: number;
      try {
        ms = waitOf(backoff as Backoff, failures, random);
      } catch (thrown) {
        return subscriber.error(thrown);
      }
      state({ state: 'waiting', address, ms, error });
      proceed(() => clock.after(ms, () => gate.wait(attempt)));
    };

    const connected = (socket: Socket): void => {
      failures = 0;
      const wire = new DuplexWire(socket, endsOf(socket, place.path), reads);
      const connection = new WireConnection(wire, limits);
      state({ state: 'connected', address, connection });
      if (subscriber.closed) return connection.abort();
      if (backoff !== null) proceed(() => connection.closed.subscribe({ complete: again }));
      inScope({ ...gate.scope, drain: null }, () => subscriber.next(connection));
      if (backoff === null) subscriber.complete();
    };

    subscriber.add(() => {
      gate.forget(attempt);
      gate.leave();
      current.unsubscribe();
    });
    gate.wait(attempt);
  });
};

/** What is done to a socket before it is a connection. */
type Secure = (raw: Socket, done: (socket: Socket) => void, failed: (error: TlsFailed) => void) => Subscription;

/** One attempt. Unsubscribing gives it up; `limit` is what does so when it takes too long. */
const connecting = (
  place: Place & Partial<TcpNetConnectOpts>,
  limit: Subscription,
  secure: Secure | undefined,
  connected: (socket: Socket) => void,
  refused: (error: NodeJS.ErrnoException) => void,
): Subscription => {
  expectLargeBuffers();
  const socket = connect({ ...place, allowHalfOpen: true, highWaterMark: BUFFER } as TcpNetConnectOpts);
  let ours = true;
  const done = (connection: Socket): void => {
    ours = false;
    attempting.unsubscribe();
    connected(connection);
  };
  const onConnect = (): void => {
    if (secure === undefined) return done(socket);
    socket.off('error', onError).on('error', ignore);
    attempting.add(secure(socket, done, onError));
  };
  const onError = (error: NodeJS.ErrnoException): void => {
    attempting.unsubscribe();
    refused(error);
  };
  const attempting = new Subscription(() => {
    limit.unsubscribe();
    socket.off('connect', onConnect).off('error', onError);
    if (!ours) return;
    socket.on('error', ignore);
    socket.destroy();
  });
  socket.once('connect', onConnect).once('error', onError);
  return attempting;
};

const ignore = (): void => {};
