import type { Socket } from 'node:net';
import { checkInteger, checkObject, checkText } from '../check.js';
import { parseIp } from '../codec/ip-address.js';

/** Where to listen or to dial: a port of a host, or a Unix socket. */
export interface Place {
  /** The port, 0 to 65,535; for `listen`, 0 takes a free one. */
  readonly port?: number;
  /** A name or an address (default 127.0.0.1). To be reached from elsewhere, listen on `0.0.0.0` or `::`. */
  readonly host?: string;
  /** The path of a Unix socket, in place of `port` and `host`: 107 bytes at most, and 103 on macOS. */
  readonly path?: string;
}

/** The bytes that a system has room for in the path of a Unix socket. What is longer it cuts off, and says nothing. */
export const LONGEST_PATH = process.platform === 'darwin' ? 103 : 107;

const checkPath = (path: string): string => {
  const length = Buffer.byteLength(checkText('path', path));
  if (length <= LONGEST_PATH) return path;
  throw new RangeError(`path must have ${LONGEST_PATH} bytes at most, got ${length}`);
};

/** Checks a place: exactly one of `port` and `path`. */
export const checkPlace = (place: Place, leastPort: number): Place => {
  const { port, path, host } = checkObject('options', place);
  if ((port === undefined) === (path === undefined)) {
    throw new TypeError(`give either a port or a path, got ${port === undefined ? 'neither' : 'both'}`);
  }
  if (path !== undefined && host !== undefined) throw new TypeError('host goes with a port, and a path was given');
  if (path !== undefined) return { path: checkPath(path) };
  return { port: checkInteger('port', port, leastPort, 65_535), host: checkText('host', host ?? '127.0.0.1') };
};

/** `127.0.0.1:80`, `[::1]:80`; an IPv4 address that came in over IPv6 is shown as what it is. */
export const hostAndPort = (host: string, port: number): string => {
  const plain = host.startsWith('::ffff:') && host.includes('.') ? host.slice(7) : host;
  return plain.includes(':') ? `[${plain}]:${port}` : `${plain}:${port}`;
};

/** What `hostAndPort` has shown, read back; nothing where it is anything else. A zone (`%eth0`) is left out. */
export const hostAndPortOf = (shown: string): { readonly host: string; readonly port: number } | undefined => {
  const [, inBrackets, plain = '', port] = /^(?:\[(.*)\]|(.*)):(\d+)$/.exec(shown) ?? [];
  const host = (inBrackets ?? plain).replace(/%.*/, '');
  return parseIp(host) === undefined ? undefined : { host, port: Number(port) };
};

/** A place as it is shown to people. */
export const placeName = ({ host, port, path }: Place): string => path ?? hostAndPort(host ?? '127.0.0.1', port ?? 0);

/** The two ends of a connection. */
export interface Ends {
  /** Where the other side is: its address, if there is a port, or all of its name. */
  readonly peer: string;
  readonly port?: number;
  /** The name of this side. */
  readonly local: string;
}

/**
 * The two ends of a connected socket. `path` is the Unix socket it came by, which has no names for its clients; `local`
 * is this side's, where it is known already: to ask takes a call of the system.
 */
export const endsOf = (socket: Socket, path: string | undefined, local?: string): Ends =>
  path === undefined
    ? {
        peer: socket.remoteAddress ?? 'unknown',
        port: socket.remotePort ?? 0,
        local: local ?? hostAndPort(socket.localAddress ?? 'unknown', socket.localPort ?? 0),
      }
    : { peer: path, local: path };

/** The other side as it is shown to people. */
export const peerOf = (peer: string, port: number | undefined): string =>
  port === undefined ? peer : hostAndPort(peer, port);

/** The name that all connections of a listener have for this side: none where it takes whatever address they dialled. */
export const oneLocal = (host: string, port: number): string | undefined =>
  host === '0.0.0.0' || host === '::' ? undefined : hostAndPort(host, port);
