import { type IncomingMessage, type RequestListener, STATUS_CODES, type Server, createServer } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Observable } from 'rxjs';
import { type WebSocket, WebSocketServer } from 'ws';
import { checkFunction, checkHook, checkInteger, checkObject, checkText, checkTime } from '../check.js';
import { ListenFailed } from '../errors.js';
import { tell, warnThrown } from '../hook.js';
import { clockOf } from '../time/clock.js';
import { resetStream } from './duplex-wire.js';
import { type Place, checkPlace, endsOf, peerOf, placeName } from './address.js';
import { type Connection, type ConnectionOptions, WireConnection, connectionLimits } from './connection.js';
import { type ListenAddress, type ListenEvent, addressOf, checkMode, unheard } from './listen.js';
import { Shortage } from './shortage.js';
import { SocketFile } from './socket-file.js';
import { WaitingRoom } from './waiting-room.js';
import { HALF_CLOSE, LONGEST_MESSAGE, LONGEST_TIMER, WebSocketWire, readingOf } from './websocket-wire.js';

/** The version of the protocol: that of RFC 6455. */
const VERSION = '13';

/** Why one is refused who has asked. */
type Reason = 'other-path' | 'other-origin' | 'no-websocket' | 'too-many-waiting';

/** How to listen for WebSockets: on a port of one's own, or at an HTTP or HTTPS server that there is. */
export interface WebSocketListenOptions extends Place, ConnectionOptions {
  /** Who may connect to a Unix socket: the mode of its file, as for `listen` (default 0o600). */
  readonly mode?: number;
  /** A server of the program's, in place of a port. It is neither opened nor closed, and with HTTPS it is `wss:`. */
  readonly server?: Server;
  /** The path of the URL at which WebSockets are taken (default: any). */
  readonly at?: string;
  /**
   * From which pages a browser may come: origins, such as `https://example.org`, or what decides (default: those of the
   * same host and port as they ask). A program that is no browser sends no origin, and may come.
   */
  readonly origins?: readonly string[] | ((origin: string, request: IncomingMessage) => boolean);
  /** Answers plain HTTP requests on the port, such as that for the page (default: 426, upgrade required). */
  readonly onRequest?: RequestListener;
  /** How long a peer may take to ask, in milliseconds (default 10,000); on a port of one's own. */
  readonly handshakeTimeout?: number;
  /** The most bytes of a message, put together from its fragments (default 1 MiB). A longer one closes (1009). */
  readonly maxMessage?: number;
  /** How long a message may take from its first byte to its last, in milliseconds (default 30,000): `FrameTooSlow`. */
  readonly messageDeadline?: number;
  /** How many accepted connections may wait unread for a consumer that is busy (default 10,000); more are refused. */
  readonly maxWaiting?: number;
  /** Called when the port is open, that of `server` too. */
  readonly onListening?: (address: ListenAddress) => void;
  /** Called with what happens to the acceptor and ends nothing. */
  readonly onEvent?: (event: ListenEvent) => void;
}

/**
 * The acceptor for WebSockets: emits a connection for each, of the same type as `listen` does.
 *
 *     subscribed   ^------------------!
 *                  listenWebSocket({ port: 7080 })
 *     connections  ---a--b-----c-------
 *
 * The messages of a peer, text or binary, are the chunks of `reads`; what is written goes in binary messages. Frames are
 * cut as over TCP, so that one protocol serves both. A peer's close is the end of its side and of ours; between two
 * programs that agree on the subprotocol `half-close.sluice`, as `dialWebSocket` does, each side ends by itself.
 * Compression is off: what is small on the wire stays so in memory.
 *
 * Fails with `ListenFailed` when the port cannot be opened. Unsubscribing closes the port, and no connection that was
 * emitted. RFC 6455.
 */
export const listenWebSocket = (options: WebSocketListenOptions): Observable<Connection> => {
  const { server: given, at } = checkObject('options', options);
  const place = given === undefined ? checkPlace(options, 0) : {};
  const mode = checkMode(options);
  if (given !== undefined && (options.port !== undefined || options.path !== undefined)) {
    throw new TypeError('give either a server or a place of its own, got both');
  }
  if (given !== undefined && typeof (given as Server | null)?.on !== 'function') {
    throw new TypeError(`server must be an HTTP server, got ${JSON.stringify(given)}`);
  }
  if ((options as { readonly tls?: unknown }).tls !== undefined) {
    throw new TypeError('tls goes with an HTTPS server of its own: give that as server');
  }
  const limits = connectionLimits(options);
  const path = at === undefined ? undefined : checkPathOfUrl(at);
  const mayCome = originsOf(options.origins);
  const onRequest = checkFunction('onRequest', options.onRequest ?? upgradeRequired);
  const handshakeTimeout = checkTime('handshakeTimeout', options.handshakeTimeout ?? 10_000);
  const maxMessage = checkInteger('maxMessage', options.maxMessage ?? 1024 * 1024, 1, LONGEST_MESSAGE);
  const messageDeadline = checkTime('messageDeadline', options.messageDeadline ?? 30_000);
  const maxWaiting = checkInteger('maxWaiting', options.maxWaiting ?? 10_000, 0);
  const onListening = checkHook('onListening', options.onListening);
  const onEvent = checkHook('onEvent', options.onEvent);

  return new Observable((subscriber) => {
    const sockets = new WebSocketServer({
      ...readingOf(maxMessage, limits),
      noServer: true,
      clientTracking: false,
      handleProtocols: (offered) => offered.has(HALF_CLOSE) && HALF_CLOSE,
    });
    const room = new WaitingRoom<WebSocketWire>(maxWaiting, (wire) => {
      subscriber.next(new WireConnection(wire, limits));
    });

    const refuse = (socket: Duplex, status: number, reason: Reason): void => {
      const { peer, port } = endsOf(socket as Socket, place.path);
      // Whoever keeps its side open would keep a descriptor of ours.
      socket.once('finish', () => socket.destroy());
      socket.end(
        `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nconnection: close\r\ncontent-length: 0\r\n` +
          `sec-websocket-version: ${VERSION}\r\n\r\n`,
      );
      tell('onEvent', onEvent, { type: 'refused', peer: peerOf(peer, port), reason });
    };

    const asked = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
      socket.on('error', ignore);
      if (path !== undefined && pathOf(request) !== path) {
        // Whoever else listens at the server may want it; where nobody does, one of us refuses.
        if (given === undefined || isLast(given, path, pathOf(request))) refuse(socket, 404, 'other-path');
        return;
      }
      // Others, which `ws` speaks too, tell their origin elsewhere.
      if (request.headers['sec-websocket-version'] !== VERSION) return refuse(socket, 400, 'no-websocket');
      if (!mayCome(request)) return refuse(socket, 403, 'other-origin');
      if (room.full) return refuse(socket, 503, 'too-many-waiting');
      sockets.handleUpgrade(request, socket, head, (webSocket) => opened(webSocket, socket));
    };

    const opened = (webSocket: WebSocket, socket: Duplex): void => {
      const halfCloses = webSocket.protocol === HALF_CLOSE;
      const terms = { halfCloses, maxMessage, messageDeadline, scheduler: limits.scheduler };
      const wire = new WebSocketWire(webSocket, socket, endsOf(socket as Socket, place.path), terms);
      if (!room.take(wire)) wire.destroy();
    };

    sockets.on('wsClientError', (_, socket) => refuse(socket, 400, 'no-websocket'));

    if (given !== undefined) {
      const paths = pathsAt(given);
      if (paths.has(path) || paths.has(undefined) || (path === undefined && paths.size > 0)) {
        return subscriber.error(new ListenFailed(`${path ?? 'any path'} of the server`, 'EADDRINUSE'));
      }
      paths.add(path);
      const listening = (): void => tell('onListening', onListening, addressOf(given.address(), undefined));
      given.on('upgrade', asked);
      if (given.listening) listening();
      else given.once('listening', listening);
      return () => {
        paths.delete(path);
        given.off('upgrade', asked).off('listening', listening);
        room.leave((wire) => wire.destroy());
      };
    }

    // Node takes whole milliseconds.
    const patience = Math.ceil(handshakeTimeout);
    const http = createServer(
      { headersTimeout: patience, requestTimeout: patience, connectionsCheckingInterval: 500 },
      onRequest,
    );
    // A page that somebody has asked for and does not read.
    http.setTimeout(Math.min(limits.writeDeadline, LONGEST_TIMER), (socket) => {
      if (socket.writableLength > 0) socket.destroy();
    });

    const shortage = new Shortage(clockOf(limits.scheduler), (code, wait) =>
      tell('onEvent', onEvent, { type: 'accept-failed', code, wait }),
    );
    http.prependListener('connection', (socket: Socket) => {
      if (!shortage.lasts) return shortage.looks();
      const { peer, port } = endsOf(socket, place.path, '');
      resetStream(unheard(socket));
      tell('onEvent', onEvent, { type: 'refused', peer: peerOf(peer, port), reason: 'backing-off' });
    });

    let open = false;
    const failed = (error: unknown): void =>
      subscriber.error(new ListenFailed(placeName(place), (error as NodeJS.ErrnoException).code, error));
    const listening = (): void => {
      if (subscriber.closed) return;
      open = true;
      tell('onListening', onListening, addressOf(http.address(), place.path));
    };
    let file: SocketFile | undefined;
    http.on('upgrade', asked);
    http.on('error', (error) => (open ? shortage.failed(error) : failed(error)));
    http.on('listening', () => (file === undefined ? listening() : void file.place().then(listening, failed)));
    try {
      if (mode !== undefined) file = new SocketFile(place.path as string, mode);
      http.listen({ ...place, ...(file && { path: file.hidden }) });
    } catch (error) {
      failed(error);
    }
    return () => {
      file?.remove();
      shortage.leave();
      http.close();
      http.closeAllConnections();
      room.leave((wire) => wire.destroy());
    };
  });
};

const ignore = (): void => {};

const checkPathOfUrl = (at: string): string => {
  if (/^\/[^?#]*$/.test(checkText('at', at))) return at;
  throw new TypeError(`at must be a path that begins with "/", and has no "?" and no "#", got ${JSON.stringify(at)}`);
};

const upgradeRequired: RequestListener = (_, response) => {
  response.writeHead(426, { upgrade: 'websocket', connection: 'close' }).end('this is a WebSocket\n');
};

/** The paths at which we listen at servers of the program's; undefined: at all. A WebSocket is taken once. */
const taken = new WeakMap<Server, Set<string | undefined>>();

const pathsAt = (server: Server): Set<string | undefined> => {
  const paths = taken.get(server) ?? new Set();
  taken.set(server, paths);
  return paths;
};

/** Whether nobody at a server wants what asks for `wanted`, and who listens at `path` is the one to say so. */
const isLast = (server: Server, path: string, wanted: string): boolean => {
  const [first] = pathsAt(server);
  return first === path && !pathsAt(server).has(wanted) && server.listenerCount('upgrade') === pathsAt(server).size;
};

const pathOf = ({ url = '' }: IncomingMessage): string => url.replace(/\?.*$/s, '');

const originsOf = (origins: WebSocketListenOptions['origins']): ((request: IncomingMessage) => boolean) => {
  if (Array.isArray(origins)) {
    const known = new Set((origins as readonly unknown[]).map((origin) => checkText('origins', origin)));
    return ({ headers: { origin } }) => origin === undefined || known.has(origin);
  }
  if (origins !== undefined) {
    const decide = checkFunction('origins', origins as (origin: string, request: IncomingMessage) => unknown);
    return (request) => {
      const { origin } = request.headers;
      try {
        // A promise, say, is no answer, and lets nobody in.
        return origin === undefined || decide(origin, request) === true;
      } catch (error) {
        // Who cannot be judged does not come: that is no reason to serve nobody any more.
        warnThrown('origins', error);
        return false;
      }
    };
  }
  return ({ headers: { origin, host } }) => origin === undefined || hostOf(origin) === host;
};

/** The host and port of an origin, as a browser puts them into `Host`. */
const hostOf = (origin: string): string | undefined => (URL.canParse(origin) ? new URL(origin).host : undefined);
