import * as t from 'io-ts';
import { checkOneOf } from '../check.js';
import { formatIp, isMapped, parseIp } from './ip-address.js';
import { type ProxyTlvs, Unreadable, readTlvs, writeTlvs } from './proxy-tlvs.js';
import { decodeUtf8, encodeUtf8 } from './utf8.js';

/** One end of a connection, as a PROXY header names it: an address and a port, or the path of a Unix socket. */
export type ProxyEnd = { readonly host: string; readonly port: number } | { readonly path: string };

/** What a proxy says of a connection that it passes on, before the first byte of it. */
export interface ProxyHeader {
  /** 1 is a line of text without TLVs, 2 is binary. */
  readonly version: 1 | 2;
  /** `local`: the connection is the proxy's own, a health check for instance, and its ends are what they are. */
  readonly command: 'proxy' | 'local';
  /** Who has connected to the proxy, and where. Both, or neither: of what it is, the proxy does not know or say. */
  readonly source?: ProxyEnd | undefined;
  readonly destination?: ProxyEnd | undefined;
  /** What the client speaks to the proxy: TCP or a Unix stream (default), or datagrams. */
  readonly transport?: 'stream' | 'datagram' | undefined;
  /** What else the proxy says, in version 2. */
  readonly tlvs?: ProxyTlvs | undefined;
}

/** Both ends, where the header names them. */
interface Ends {
  readonly source: ProxyEnd;
  readonly destination: ProxyEnd;
}

const SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);
const FIXED = 16;
const UNIX_PATH = 108;

// -- version 1 -------------------------------------------------------------------------------------------------------

const PORT = /^(0|[1-9]\d{0,4})$/;

const readPort = (text: string | undefined): number => {
  const port = text !== undefined && PORT.test(text) ? Number(text) : NaN;
  if (port <= 0xffff) return port;
  throw new Unreadable('a port that is none');
};

const readHost = (text: string | undefined, bytes: 4 | 16): string => {
  const address = parseIp(text ?? '');
  if (address?.length === bytes) return formatIp(address);
  throw new Unreadable('an address that is none');
};

/** `line` without its CR LF. */
const readLine = (line: string): ProxyHeader => {
  const [word, family = '', source, destination, sourcePort, destinationPort, ...more] = line.split(' ');
  const header = { version: 1, command: 'proxy', tlvs: {} } as const;
  if (word !== 'PROXY' || line.includes('\r') || line.includes('\n')) throw new Unreadable('no PROXY line');
  if (family === 'UNKNOWN') return header;
  if ((family !== 'TCP4' && family !== 'TCP6') || more.length > 0) throw new Unreadable('no PROXY line');
  const size = family === 'TCP4' ? 4 : 16;
  return {
    ...header,
    source: { host: readHost(source, size), port: readPort(sourcePort) },
    destination: { host: readHost(destination, size), port: readPort(destinationPort) },
    transport: 'stream',
  };
};

const writeLine = (header: ProxyHeader): Uint8Array => {
  const { tlvs = {}, transport = 'stream' } = header;
  if (Object.values(tlvs).some((value) => value !== undefined)) throw new RangeError('tlvs need version 2');
  if (transport === 'datagram') throw new RangeError('transport "datagram" needs version 2');
  const ends = endsOf(header);
  if (ends === undefined || header.command === 'local') return encodeUtf8('PROXY UNKNOWN\r\n');
  const { source, destination } = ends;
  if ('path' in source || 'path' in destination) throw new RangeError('the path of a Unix socket needs version 2');
  const [from, to] = alike(addressOf('source', source.host), addressOf('destination', destination.host));
  const ports = `${checkPort('source', source.port)} ${checkPort('destination', destination.port)}`;
  return encodeUtf8(`PROXY TCP${from.length === 4 ? 4 : 6} ${inFull(from)} ${inFull(to)} ${ports}\r\n`);
};

/** As hex digits throughout, which every receiver reads; not with an IPv4 address at the end. */
const inFull = (address: Uint8Array): string =>
  isMapped(address) ? `::ffff:${hexOf(address, 12)}:${hexOf(address, 14)}` : formatIp(address);

const hexOf = (bytes: Uint8Array, at: number): string => (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)).toString(16);

// -- version 2 -------------------------------------------------------------------------------------------------------

const readPath = (bytes: Uint8Array): string => {
  const end = bytes.indexOf(0);
  const path = decodeUtf8(end < 0 ? bytes : bytes.subarray(0, end));
  if (path !== undefined) return path;
  throw new Unreadable('a path that is not UTF-8');
};

/** The addresses in a header, by the bytes that one of them has. */
const readEnds = (bytes: Uint8Array, size: number): Ends => {
  const [from, to] = [bytes.subarray(FIXED, FIXED + size), bytes.subarray(FIXED + size, FIXED + 2 * size)];
  if (size === UNIX_PATH) return { source: { path: readPath(from) }, destination: { path: readPath(to) } };
  const ports = new DataView(bytes.buffer, bytes.byteOffset + FIXED + 2 * size, 4);
  return {
    source: { host: formatIp(from), port: ports.getUint16(0) },
    destination: { host: formatIp(to), port: ports.getUint16(2) },
  };
};

/** The bytes of one address, by family. */
const SIZES = [0, 4, 16, UNIX_PATH] as const;

const readBinary = (bytes: Uint8Array): ProxyHeader => {
  const [command, kind] = [bytes[12] as number, bytes[13] as number];
  if (bytes.length !== FIXED + (((bytes[14] as number) << 8) | (bytes[15] as number)))
    throw new Unreadable('cut short');
  if (command === 0x20) return { version: 2, command: 'local', tlvs: {} };
  const size = SIZES[kind >> 4];
  const protocol = kind & 0xf;
  if (command !== 0x21 || size === undefined || protocol > 2) throw new Unreadable('an unknown version or family');
  const addresses = 2 * size + (size === 4 || size === 16 ? 4 : 0);
  if (bytes.length < FIXED + addresses) throw new Unreadable('addresses that are cut short');
  const header = { version: 2, command: 'proxy', tlvs: readTlvs(bytes, FIXED + addresses) } as const;
  if (size === 0 || protocol === 0) return header;
  return { ...header, ...readEnds(bytes, size), transport: protocol === 1 ? 'stream' : 'datagram' };
};

const writeBinary = (header: ProxyHeader): Uint8Array => {
  const local = header.command === 'local';
  const ends = local ? undefined : endsOf(header);
  const block = ends === undefined ? { family: 0, bytes: [] } : addressesOf(ends);
  const protocol = ends === undefined ? 0 : header.transport === 'datagram' ? 2 : 1;
  const kind = (block.family << 4) | protocol;
  const fixed = [...SIGNATURE, local ? 0x20 : 0x21, kind, 0, 0, ...block.bytes];
  return writeTlvs(fixed, local ? {} : (header.tlvs ?? {}));
};

const addressesOf = ({ source, destination }: Ends): { readonly family: number; readonly bytes: readonly number[] } => {
  if ('path' in source && 'path' in destination) {
    return { family: 3, bytes: [...pathBytes('source', source.path), ...pathBytes('destination', destination.path)] };
  }
  if ('path' in source || 'path' in destination) throw new RangeError('source and destination must be of one kind');
  const [from, to] = alike(addressOf('source', source.host), addressOf('destination', destination.host));
  const ports = [checkPort('source', source.port), checkPort('destination', destination.port)];
  return {
    family: from.length === 4 ? 1 : 2,
    bytes: [...from, ...to, ...ports.flatMap((port) => [port >> 8, port & 0xff])],
  };
};

const pathBytes = (name: string, path: string): Uint8Array => {
  const bytes = encodeUtf8(path);
  if (bytes.length > UNIX_PATH || bytes.includes(0)) {
    throw new RangeError(`${name}.path must have ${UNIX_PATH} bytes at most and no NUL, got ${bytes.length}`);
  }
  const padded = new Uint8Array(UNIX_PATH);
  padded.set(bytes);
  return padded;
};

// -- both ------------------------------------------------------------------------------------------------------------

const endsOf = ({ source, destination }: ProxyHeader): Ends | undefined => {
  if (source !== undefined && destination !== undefined) return { source, destination };
  if (source === undefined && destination === undefined) return undefined;
  throw new RangeError('source and destination go together');
};

const addressOf = (name: string, host: unknown): Uint8Array => {
  const address = parseIp(String(host));
  if (address !== undefined) return address;
  throw new RangeError(`${name}.host must be an IP address, got ${JSON.stringify(host)}`);
};

const checkPort = (name: string, port: number): number => {
  if (Number.isInteger(port) && port >= 0 && port <= 0xffff) return port;
  throw new RangeError(`${name}.port must be a whole number from 0 to 65535, got ${port}`);
};

/** Two addresses of one family: an IPv4 address beside one of IPv6 is written as IPv6. */
const alike = (one: Uint8Array, other: Uint8Array): readonly [Uint8Array, Uint8Array] => {
  if (one.length === other.length) return [one, other];
  const wide = (address: Uint8Array): Uint8Array =>
    address.length === 16 ? address : Uint8Array.of(...new Uint8Array(10), 0xff, 0xff, ...address);
  return [wide(one), wide(other)];
};

const isBinary = (bytes: Uint8Array): boolean =>
  bytes.length >= FIXED && SIGNATURE.every((byte, index) => bytes[index] === byte);

const read = (bytes: Uint8Array): ProxyHeader => {
  if (isBinary(bytes)) return readBinary(bytes);
  const line = decodeUtf8(bytes);
  if (line?.endsWith('\r\n') === true) return readLine(line.slice(0, -2));
  throw new Unreadable('no PROXY header');
};

/**
 * The header of the PROXY protocol as bytes, whole: what `proxyFrame` cuts.
 *
 * Of version 2 the TLVs are decoded, and a CRC32c that is there has to be right. Of a `local` header nothing else is
 * looked at. Addresses come in one form (RFC 5952), however they were written.
 *
 * @throws RangeError from `encode`, for what its version cannot say.
 */
export const proxyHeader: t.Type<ProxyHeader, Uint8Array, Uint8Array> = new t.Type<ProxyHeader, Uint8Array, Uint8Array>(
  'proxyHeader',
  (value): value is ProxyHeader => t.type({ version: t.number, command: t.string }).is(value),
  (bytes, context) => {
    try {
      return t.success(read(bytes));
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      return t.failure(bytes, context, error.message);
    }
  },
  (header) => {
    checkOneOf('command', header.command, ['proxy', 'local']);
    if (header.version === 1) return writeLine(header);
    if (header.version === 2) return writeBinary(header);
    throw new RangeError(`version must be 1 or 2, got ${String(header.version)}`);
  },
);
