import type { Socket } from 'node:net';
import { Observable } from 'rxjs';
import { WebSocket } from 'ws';
import { checkInteger, checkObject, checkText, checkTime } from '../check.js';
import { DialFailed, DialTimeout } from '../errors.js';
import { flow, inScope } from '../flow/scope.js';
import { clockOf } from '../time/clock.js';
import { endsOf } from './address.js';
import { type Connection, type ConnectionOptions, WireConnection, connectionLimits } from './connection.js';
import { HALF_CLOSE, READING, WebSocketWire } from './websocket-wire.js';

/** How to dial a WebSocket. */
export interface WebSocketDialOptions extends ConnectionOptions {
  /** How long the other side may take to answer, in milliseconds (default 10,000). */
  readonly connectTimeout?: number;
  /** The most bytes of a message (default 1 MiB). */
  readonly maxMessage?: number;
  /** Headers of the request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Roots that are trusted besides those that Node knows, for `wss:`; PEM. */
  readonly ca?: string;
}

/**
 * Dials a WebSocket, `ws://host:port/path` or `wss:`, when it is subscribed to, emits the connection and completes.
 *
 *     subscribed   ^---
 *                  dialWebSocket('ws://127.0.0.1:7080')
 *     connections  --(a|)
 *
 * Fails with `DialFailed` or `DialTimeout`; `retry` tries again. The counterpart of `listenWebSocket`, and of any other
 * server of WebSockets.
 */
export const dialWebSocket = (url: string, options: WebSocketDialOptions = {}): Observable<Connection> => {
  if (!URL.canParse(checkText('url', url)) || !/^wss?:$/.test(new URL(url).protocol)) {
    throw new TypeError(`url must be a WebSocket's, such as ws://127.0.0.1:80, got ${JSON.stringify(url)}`);
  }
  const limits = connectionLimits(checkObject('options', options));
  const timeout = checkTime('connectTimeout', options.connectTimeout ?? 10_000);
  const maxPayload = checkInteger('maxMessage', options.maxMessage ?? 1024 * 1024, 1);
  const { headers = {}, ca } = options;

  return new Observable((subscriber) => {
    const { scope } = flow;
    const socket = new WebSocket(url, [HALF_CLOSE], {
      ...READING,
      headers: { ...headers },
      maxPayload,
      followRedirects: false,
      ...(ca !== undefined && { ca }),
    });
    let raw: Socket | undefined;
    let ours = true;
    const late = clockOf(limits.scheduler).after(timeout, () => subscriber.error(new DialTimeout(url, timeout)));
    const failed = (error: NodeJS.ErrnoException): void => subscriber.error(new DialFailed(url, error.code, error));
    socket.on('error', failed);
    socket.on('upgrade', (response) => {
      raw = response.socket;
    });
    socket.on('open', () => {
      ours = false;
      late.unsubscribe();
      socket.off('error', failed);
      const wire = new WebSocketWire(socket, raw as Socket, endsOf(raw as Socket, undefined));
      inScope({ ...scope, drain: null }, () => subscriber.next(new WireConnection(wire, limits)));
      subscriber.complete();
    });
    return () => {
      late.unsubscribe();
      if (!ours) return;
      socket.off('error', failed).on('error', ignore);
      socket.terminate();
    };
  });
};

const ignore = (): void => {};
