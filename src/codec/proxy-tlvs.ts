import { crc32c } from './crc32c.js';
import { decodeUtf8, encodeUtf8 } from './utf8.js';

/** A part of a PROXY header that has no name here: 0xE0 to 0xEF are an application's own. */
export interface ProxyTlv {
  readonly type: number;
  readonly value: Uint8Array;
}

/** What a proxy that speaks TLS with the client says of it. */
export interface ProxySsl {
  /** The client came by TLS. */
  readonly tls: boolean;
  /** It gave a certificate, on this connection, or on an earlier one of the same TLS session. */
  readonly certificate: 'none' | 'session' | 'connection';
  /** It gave one, and the proxy has verified it. */
  readonly verified: boolean;
  /** `TLSv1.3`. */
  readonly version?: string | undefined;
  /** The common name in the client's certificate. */
  readonly commonName?: string | undefined;
  /** The cipher, such as `ECDHE-RSA-AES128-GCM-SHA256`. */
  readonly cipher?: string | undefined;
  /** How the proxy's own certificate is signed, such as `RSA-SHA256`. */
  readonly signature?: string | undefined;
  /** The kind of key in the proxy's own certificate, such as `RSA2048`. */
  readonly key?: string | undefined;
  /** All else. */
  readonly others?: readonly ProxyTlv[] | undefined;
}

/** What a PROXY header of version 2 says besides the addresses: type-length-values. */
export interface ProxyTlvs {
  /** The protocol that was agreed on with the client, such as `h2`: a character a byte. */
  readonly alpn?: string | undefined;
  /** The name that the client asked for: SNI. */
  readonly authority?: string | undefined;
  /** What the proxy calls this connection: 128 bytes at most. */
  readonly uniqueId?: Uint8Array | undefined;
  /** What TLS says of the client. */
  readonly ssl?: ProxySsl | undefined;
  /** The network namespace. */
  readonly netns?: string | undefined;
  /** The header has a checksum (CRC32c), and it is right. */
  readonly crc32c?: boolean | undefined;
  /** All else, in order. */
  readonly others?: readonly ProxyTlv[] | undefined;
}

/** @internal Thrown where bytes are no PROXY header, and says why. */
export class Unreadable extends Error {}

const ALPN = 0x01;
const AUTHORITY = 0x02;
const CRC32C = 0x03;
const NOOP = 0x04;
const UNIQUE_ID = 0x05;
const SSL = 0x20;
const NETNS = 0x30;

const SSL_VERSION = 0x21;
const SSL_COMMON_NAME = 0x22;
const SSL_CIPHER = 0x23;
const SSL_SIGNATURE = 0x24;
const SSL_KEY = 0x25;

const LONGEST_ID = 128;

// -- reading ---------------------------------------------------------------------------------------------------------

/** Takes `bytes` apart from `from` on. */
const split = (bytes: Uint8Array, from: number): ProxyTlv[] => {
  const tlvs: ProxyTlv[] = [];
  for (let at = from; at < bytes.length;) {
    const length = ((bytes[at + 1] ?? NaN) << 8) | (bytes[at + 2] ?? NaN);
    const end = at + 3 + length;
    if (at + 3 > bytes.length || end > bytes.length) throw new Unreadable('a TLV that is cut short');
    tlvs.push({ type: bytes[at] as number, value: bytes.subarray(at + 3, end) });
    at = end;
  }
  return tlvs;
};

/** Takes those of `type` out of a list: none or one. Two of a kind could be read in two ways. */
const taking = (tlvs: ProxyTlv[]) => {
  return (type: number): Uint8Array | undefined => {
    const at = tlvs.findIndex((tlv) => tlv.type === type);
    if (at < 0) return undefined;
    const [tlv] = tlvs.splice(at, 1);
    if (tlvs.some((other) => other.type === type)) throw new Unreadable(`two TLVs of type ${type}`);
    return tlv?.value;
  };
};

const textOf = (bytes: Uint8Array | undefined): string | undefined => {
  const text = bytes && decodeUtf8(bytes);
  if (bytes !== undefined && text === undefined) throw new Unreadable('a text that is not UTF-8');
  return text;
};

const checkSum = (bytes: Uint8Array, given: Uint8Array): true => {
  if (given.length !== 4) throw new Unreadable('a checksum of another size');
  const zeroed = Uint8Array.from(bytes);
  zeroed.fill(0, given.byteOffset - bytes.byteOffset, given.byteOffset - bytes.byteOffset + 4);
  const sum = new DataView(given.buffer, given.byteOffset, 4).getUint32(0);
  if (sum !== crc32c(zeroed)) throw new Unreadable('a checksum that is wrong');
  return true;
};

const sslOf = (bytes: Uint8Array): ProxySsl => {
  if (bytes.length < 5) throw new Unreadable('what it says of TLS is cut short');
  const [flags = 0] = bytes;
  const tlvs = split(bytes, 5);
  const take = taking(tlvs);
  const certificate = (flags & 2) !== 0 ? 'connection' : (flags & 4) !== 0 ? 'session' : 'none';
  return pruned({
    tls: (flags & 1) !== 0,
    certificate,
    verified: certificate !== 'none' && bytes.subarray(1, 5).every((byte) => byte === 0),
    version: textOf(take(SSL_VERSION)),
    commonName: textOf(take(SSL_COMMON_NAME)),
    cipher: textOf(take(SSL_CIPHER)),
    signature: textOf(take(SSL_SIGNATURE)),
    key: textOf(take(SSL_KEY)),
    others: kept(tlvs),
  });
};

/** A copy of what is left, where something is. */
const kept = (tlvs: readonly ProxyTlv[]): readonly ProxyTlv[] | undefined =>
  tlvs.length === 0 ? undefined : tlvs.map(({ type, value }) => ({ type, value: Uint8Array.from(value) }));

/** Without what is undefined: so that it is shown as short as it is. */
const pruned = <A extends object>(value: A): A =>
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as A;

/** @internal The TLVs in a header, from `from` to its end. */
export const readTlvs = (bytes: Uint8Array, from: number): ProxyTlvs => {
  const tlvs = split(bytes, from).filter(({ type }) => type !== NOOP);
  const take = taking(tlvs);
  const [sum, ssl, id, alpn] = [take(CRC32C), take(SSL), take(UNIQUE_ID), take(ALPN)];
  if (id !== undefined && id.length > LONGEST_ID) throw new Unreadable(`a unique id of ${id.length} bytes`);
  return pruned({
    alpn: alpn && String.fromCharCode(...alpn),
    authority: textOf(take(AUTHORITY)),
    uniqueId: id && Uint8Array.from(id),
    ssl: ssl && sslOf(ssl),
    netns: textOf(take(NETNS)),
    crc32c: sum && checkSum(bytes, sum),
    others: kept(tlvs),
  });
};

// -- writing ---------------------------------------------------------------------------------------------------------

const joined = (tlvs: readonly (ProxyTlv | undefined)[]): number[] =>
  tlvs.flatMap((tlv) => {
    if (tlv === undefined) return [];
    const { type, value } = tlv;
    if (!Number.isInteger(type) || type < 0 || type > 0xff) {
      throw new RangeError(`the type of a TLV must be a whole number from 0 to 255, got ${type}`);
    }
    if (value.length > 0xffff) throw new RangeError(`a TLV must have 65535 bytes at most, got ${value.length}`);
    return [type, value.length >> 8, value.length & 0xff, ...value];
  });

const ofText = (type: number, text: string | undefined): ProxyTlv | undefined =>
  text === undefined ? undefined : { type, value: encodeUtf8(text) };

const ofBytes = (type: number, value: Uint8Array | undefined): ProxyTlv | undefined => value && { type, value };

const FLAGS = { none: 0, session: 4, connection: 2 } as const;

const ofSsl = ({ tls, certificate, verified, others = [], ...texts }: ProxySsl): Uint8Array =>
  Uint8Array.of(
    (tls ? 1 : 0) | FLAGS[certificate],
    ...[0, 0, 0, verified ? 0 : 1],
    ...joined([
      ofText(SSL_VERSION, texts.version),
      ofText(SSL_COMMON_NAME, texts.commonName),
      ofText(SSL_CIPHER, texts.cipher),
      ofText(SSL_SIGNATURE, texts.signature),
      ofText(SSL_KEY, texts.key),
      ...others,
    ]),
  );

const bytesOfAlpn = (alpn: string | undefined): Uint8Array | undefined =>
  alpn === undefined ? undefined : Uint8Array.from(alpn, (letter) => letter.charCodeAt(0));

/** @internal A header with its TLVs, from what comes before them; puts in its length, and its checksum if it is to have one. */
export const writeTlvs = (before: readonly number[], tlvs: ProxyTlvs): Uint8Array => {
  const { uniqueId, ssl, others = [] } = tlvs;
  if (uniqueId !== undefined && uniqueId.length > LONGEST_ID) {
    throw new RangeError(`uniqueId must have ${LONGEST_ID} bytes at most, got ${uniqueId.length}`);
  }
  const sum = tlvs.crc32c === true ? [CRC32C, 0, 4, 0, 0, 0, 0] : [];
  const bytes = Uint8Array.of(
    ...before,
    ...sum,
    ...joined([
      ofBytes(ALPN, bytesOfAlpn(tlvs.alpn)),
      ofText(AUTHORITY, tlvs.authority),
      ofBytes(UNIQUE_ID, uniqueId),
      ofBytes(SSL, ssl && ofSsl(ssl)),
      ofText(NETNS, tlvs.netns),
      ...others,
    ]),
  );
  const view = new DataView(bytes.buffer);
  if (bytes.length > 16 + 0xffff)
    throw new RangeError(`a PROXY header must have 65551 bytes at most, got ${bytes.length}`);
  view.setUint16(14, bytes.length - 16);
  if (sum.length > 0) view.setUint32(before.length + 3, crc32c(bytes));
  return bytes;
};
