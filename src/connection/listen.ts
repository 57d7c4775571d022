import { type AddressInfo, type Socket, createServer } from 'node:net';
import { dirname } from 'node:path';
import { Observable } from 'rxjs';
import { checkBoolean, checkHook, checkInteger } from '../check.js';
import { ListenFailed, type TlsFailed } from '../errors.js';
import { tell } from '../hook.js';
import { timetableOf } from '../time/timetable.js';
import { expectLargeBuffers } from './allocator.js';
import {
  type Ends,
  LONGEST_PATH,
  type Place,
  checkPlace,
  endsOf,
  hostAndPort,
  oneLocal,
  peerOf,
  placeName,
} from './address.js';
import { type Connection, type ConnectionOptions, WireConnection, connectionLimits } from './connection.js';
import { BUFFER, DuplexWire, resetStream } from './duplex-wire.js';
import { type Reads, remade } from './shared-reads.js';
import { Shortage } from './shortage.js';
import { HIDDEN_LENGTH, SocketFile, isFile } from './socket-file.js';
import { TlsAcceptor } from './tls-acceptor.js';
import type { TlsSource } from './tls-from.js';
import { Handshakes } from './tls-handshakes.js';
import type { TlsServerOptions } from './tls-options.js';
import { WaitingRoom } from './waiting-room.js';

/** Where a server listens, once it does. */
export interface ListenAddress {
  /** `host:port` or a path, as it is shown to people. */
  readonly name: string;
  /** The port, also when 0 was asked for. Undefined for a Unix socket. */
  readonly port: number | undefined;
  /** The address. Undefined for a Unix socket. */
  readonly host: string | undefined;
  /** The path of a Unix socket. */
  readonly path: string | undefined;
}

/** What happens to an acceptor that is no connection and ends nothing. */
export type ListenEvent =
  /**
   * The system could not accept (`code` has its word for why), or the connection that came took the last descriptor
   * (`EMFILE`, `ENFILE`). It and all that come within `wait` ms are refused, so that one is left for the program.
   * A peer that was gone again before it was accepted (`ECONNABORTED`) is told with a `wait` of 0.
   */
  | { readonly type: 'accept-failed'; readonly code: string; readonly wait: number }
  /** A connection was refused: while backing off, or because too many wait already. */
  | { readonly type: 'refused'; readonly peer: string; readonly reason: 'backing-off' | 'too-many-waiting' }
  /** A TLS handshake came to nothing, or was given up because too many others were under way. */
  | {
      readonly type: 'refused';
      readonly peer: string;
      readonly reason: 'handshake-failed' | 'too-many-handshakes';
      readonly error: TlsFailed;
    }
  /** A `proxyProtocol` that was given this hook has refused it. */
  | {
      readonly type: 'refused';
      readonly peer: string;
      readonly reason: 'untrusted' | 'no-header';
      readonly error: unknown;
    }
  /** It asked `listenWebSocket` for another path, came from a page of somebody else's, or spoke no WebSocket. */
  | {
      readonly type: 'refused';
      readonly peer: string;
      readonly reason: 'other-path' | 'other-origin' | 'no-websocket';
    };

/** How to listen. A port, or a path, is all that is needed. */
export interface ListenOptions extends Place, ConnectionOptions {
  /**
   * Who may connect to a Unix socket: the mode of its file (default 0o600, this user and root). To connect takes the
   * right to write. The file is there with this mode or not at all; one that a dead process left is replaced, one at
   * which somebody listens never is (`EADDRINUSE`), and it is taken away at the end.
   */
  readonly mode?: number;
  /**
   * Speaks TLS: `{ key, cert }`, or what `tlsFrom` gives. A connection is emitted when its handshake is done; one that
   * fails, or says nothing, is an event, and keeps nobody waiting. What it says first may be read a little ahead.
   */
  readonly tls?: TlsServerOptions | TlsSource;
  /** How many dials the system may keep for us before we accept them (default 511). */
  readonly backlog?: number;
  /** How many accepted connections may wait unread for a consumer that is busy (default 10,000); more are refused. */
  readonly maxWaiting?: number;
  /** Sends what is written at once instead of waiting to fill a packet (default true). */
  readonly noDelay?: boolean;
  /** On `::`, takes no IPv4 (default false). */
  readonly ipv6Only?: boolean;
  /** Called when the port is open. */
  readonly onListening?: (address: ListenAddress) => void;
  /** Called with what happens to the acceptor and ends nothing. */
  readonly onEvent?: (event: ListenEvent) => void;
}

/**
 * The acceptor: opens the port when it is subscribed to and emits each connection as it comes.
 *
 *     subscribed   ^------------------!
 *                  listen({ port: 7000 })
 *     connections  ---a--b-----c-------
 *
 * Nothing of a connection is read before its `reads` is subscribed to. Unsubscribing closes the port, refuses those
 * that still waited, and closes no connection that was emitted. While a consumer below has its valve closed,
 * connections wait, unread and in order, up to `maxWaiting`.
 *
 * Fails with `ListenFailed` when the port cannot be opened; after that no peer and no shortage of descriptors ends it:
 * such things are events. For several addresses, `merge(listen(a), listen(b))`.
 */
export const listen = (options: ListenOptions): Observable<Connection> => {
  const place = checkPlace(options, 0);
  const limits = connectionLimits(options);
  const backlog = checkInteger('backlog', options.backlog ?? 511, 1, 65_535);
  const maxWaiting = checkInteger('maxWaiting', options.maxWaiting ?? 10_000, 0);
  const mode = checkMode(options);
  const tls = options.tls === undefined ? undefined : new TlsAcceptor(options.tls);
  const noDelay = checkBoolean('noDelay', options.noDelay ?? true);
  const ipv6Only = checkBoolean('ipv6Only', options.ipv6Only ?? false);
  const onListening = checkHook('onListening', options.onListening);
  const onEvent = checkHook('onEvent', options.onEvent);

  return new Observable((subscriber) => {
    const timetable = timetableOf(limits.scheduler);
    const room = new WaitingRoom<Socket>(maxWaiting, (socket) => emit(socket));
    const shortage = new Shortage(timetable.clock, (code, wait) =>
      tell('onEvent', onEvent, { type: 'accept-failed', code, wait }),
    );
    let opened = false;
    let home: string | undefined;

    expectLargeBuffers();
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay, highWaterMark: BUFFER });

    const handshakes = tls && new Handshakes(tls, limits.scheduler);

    const peerName = (socket: Socket): string => {
      const { peer, port } = endsOf(socket, place.path, '');
      return peerOf(peer, port);
    };

    const emit = (socket: Socket): void => {
      const ends = endsOf(socket, place.path, home);
      const shares = limits.readBuffer === 'shared' && tls === undefined;
      const wire = shares ? sharingWire(socket, ends) : new DuplexWire(socket, ends);
      const connection = new WireConnection(wire, limits, timetable);
      subscriber.next(connection);
    };

    const refuse = (socket: Socket, reason: 'backing-off' | 'too-many-waiting'): void => {
      const peer = peerName(socket);
      resetStream(unheard(socket));
      tell('onEvent', onEvent, { type: 'refused', peer, reason });
    };

    const arrived = (socket: Socket): void => {
      if (room.busy) unheard(socket);
      if (!room.take(socket)) refuse(socket, 'too-many-waiting');
    };

    server.on('connection', (socket) => {
      if (shortage.lasts) return refuse(socket, 'backing-off');
      shortage.looks();
      // There is no need to shake hands with one who is refused.
      if (handshakes === undefined || room.full) return arrived(socket);
      const peer = peerName(socket);
      handshakes.begin(unheard(socket), arrived, (reason, error) =>
        tell('onEvent', onEvent, { type: 'refused', peer, reason, error }),
      );
    });

    const failed = (error: unknown): void =>
      subscriber.error(new ListenFailed(placeName(place), (error as NodeJS.ErrnoException).code, error));

    server.on('error', (error: NodeJS.ErrnoException) => {
      if (opened) shortage.failed(error);
      else failed(error);
    });

    const listening = (): void => {
      if (subscriber.closed) return;
      opened = true;
      const address = addressOf(server.address(), place.path);
      const { host, port } = address;
      home = host === undefined || port === undefined ? undefined : oneLocal(host, port);
      tell('onListening', onListening, address);
    };

    let file: SocketFile | undefined;
    server.on('listening', () => (file === undefined ? listening() : void file.place().then(listening, failed)));
    try {
      if (mode !== undefined) file = new SocketFile(place.path as string, mode);
      server.listen({ ...place, ...(file && { path: file.hidden }), backlog, ipv6Only });
    } catch (error) {
      failed(error);
    }

    return () => {
      file?.remove();
      shortage.leave();
      server.close();
      handshakes?.leave();
      room.leave(resetStream);
    };
  });
};

/** @internal The mode of the file of a Unix socket, where there is one. */
export const checkMode = ({ path, mode }: Pick<ListenOptions, 'path' | 'mode'>): number | undefined => {
  if (path === undefined || !isFile(path)) {
    if (mode === undefined) return undefined;
    throw new TypeError('mode goes with the path of a file');
  }
  const directory = Buffer.byteLength(dirname(path));
  const most = LONGEST_PATH - HIDDEN_LENGTH;
  if (directory <= most) return checkInteger('mode', mode ?? 0o600, 0, 0o777);
  throw new RangeError(`path must have a directory of ${most} bytes at most, got ${directory}`);
};

/** A socket that is read into the buffer that all share. */
const sharingWire = (accepted: Socket, ends: Ends): DuplexWire => {
  const reads: Reads = { take: ignore };
  const socket = remade(accepted, reads);
  return socket === undefined ? new DuplexWire(accepted, ends) : new DuplexWire(socket, ends, reads);
};

const ignore = (): void => {};

/** @internal A socket that nobody listens to yet: Node ends the process over an error that nobody hears. */
export const unheard = (socket: Socket): Socket => socket.on('error', ignore);

/** @internal Where a server of Node's listens. */
export const addressOf = (address: AddressInfo | string | null, path: string | undefined): ListenAddress =>
  typeof address === 'object' && address !== null
    ? { name: hostAndPort(address.address, address.port), host: address.address, port: address.port, path: undefined }
    : { name: path ?? '', host: undefined, port: undefined, path };
