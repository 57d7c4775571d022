import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { Socket } from 'node:net';
import { Observable } from 'rxjs';
import { WebSocket } from 'ws';
import { checkInteger, checkObject, checkText, checkTime } from '../check.js';
import { DialFailed, DialTimeout } from '../errors.js';
import { flow, inScope } from '../flow/scope.js';
import { clockOf } from '../time/clock.js';
import { endsOf } from './address.js';
import { type Connection, type ConnectionOptions, WireConnection, connectionLimits } from './connection.js';
import { HALF_CLOSE, LONGEST_MESSAGE, WebSocketWire, readingOf } from './websocket-wire.js';

/** How to dial a WebSocket. */
export interface WebSocketDialOptions extends ConnectionOptions {
  /** How long the other side may take to answer, in milliseconds (default 10,000). */
  readonly connectTimeout?: number;
  /** The most bytes of a message (default 1 MiB). */
  readonly maxMessage?: number;
  /** How long a message may take from its first byte to its last, in milliseconds (default 30,000): `FrameTooSlow`. */
  readonly messageDeadline?: number;
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
  if (!URL.canParse(checkText('url', url)) || !/^wss?:$/.test(new URL(url).protocol) || new URL(url).hash !== '') {
    throw new TypeError(`url must be a WebSocket's, such as ws://127.0.0.1:80, got ${JSON.stringify(url)}`);
  }
  const address = shownOf(url);
  const limits = connectionLimits(checkObject('options', options));
  const timeout = checkTime('connectTimeout', options.connectTimeout ?? 10_000);
  const maxMessage = checkInteger('maxMessage', options.maxMessage ?? 1024 * 1024, 1, LONGEST_MESSAGE);
  const messageDeadline = checkTime('messageDeadline', options.messageDeadline ?? 30_000);
  const headers = checkHeaders(options.headers ?? {});
  const ca = options.ca === undefined ? undefined : checkText('ca', options.ca);

  return new Observable((subscriber) => {
    const { scope } = flow;
    const socket = new WebSocket(url, [HALF_CLOSE], {
      ...readingOf(maxMessage, limits),
      headers,
      followRedirects: false,
      ...(ca !== undefined && { ca }),
    });
    let raw: Socket | undefined;
    let halfCloses = false;
    let ours = true;
    const late = clockOf(limits.scheduler).after(timeout, () => subscriber.error(new DialTimeout(address, timeout)));
    const failed = (error: NodeJS.ErrnoException): void => subscriber.error(new DialFailed(address, error.code, error));
    socket.on('error', failed);
    socket.on('upgrade', (response) => {
      raw = response.socket;
      // Who agrees on no subprotocol is welcome all the same (RFC 6455, 4.1); only `ws` will have none of that.
      halfCloses = response.headers['sec-websocket-protocol'] !== undefined;
      response.headers['sec-websocket-protocol'] ??= HALF_CLOSE;
    });
    socket.on('open', () => {
      ours = false;
      late.unsubscribe();
      socket.off('error', failed);
      const terms = { halfCloses, maxMessage, messageDeadline, scheduler: limits.scheduler };
      const wire = new WebSocketWire(socket, raw as Socket, endsOf(raw as Socket, undefined), terms);
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

/** What is dialled, as it may be told to anybody: without a password, and without what is asked for. */
const shownOf = (url: string): string => {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
};

const checkHeaders = (headers: Readonly<Record<string, string>>): Record<string, string> => {
  for (const [name, value] of Object.entries(checkObject('headers', headers))) {
    validateHeaderName(name);
    validateHeaderValue(name, value);
  }
  return { ...headers };
};
