// The messages of BGP-4 as values, and the codec between them and their bytes (RFC 4271, sections 4.2 to 4.5). How long a
// message may be is the rule's business; what it means, the session's.
import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import { array, struct, u16, u8 } from 'sluice';

/** What a capability, or a parameter of an OPEN, says; `code` is what kind it is. */
export interface Entry {
  readonly code: number;
  readonly value: Uint8Array;
}

/** Who a speaker is, and what it can do. */
export interface Open {
  readonly type: 'open';
  readonly version: number;
  /** As the two bytes for it have it: `asOf` tells the real one. */
  readonly as: number;
  /** In seconds. */
  readonly hold: number;
  /** Four bytes that are written as an IPv4 address. */
  readonly id: string;
  readonly capabilities: readonly Entry[];
  /** Optional parameters that are no capabilities. */
  readonly others: readonly Entry[];
}

/** Routes, which are not looked into. */
export interface Update {
  readonly type: 'update';
  readonly body: Uint8Array;
}

/** Why a session ends. */
export interface Notification {
  readonly type: 'notification';
  readonly code: number;
  readonly subcode: number;
  readonly data: Uint8Array;
}

export interface Keepalive {
  readonly type: 'keepalive';
}

export type Message = Open | Update | Notification | Keepalive;

export const VERSION = 4;

export const keepalive: Keepalive = { type: 'keepalive' };

// ── capabilities (RFC 5492) ─────────────────────────────────────────────────────────────────────────────────────────

/** Routes of IPv4 unicast, by the multiprotocol extensions (RFC 4760). Some speakers insist on it. */
export const ipv4Unicast: Entry = { code: 1, value: Uint8Array.of(0, 1, 0, 1) };

// ── AS numbers of four bytes (RFC 6793) ─────────────────────────────────────────────────────────────────────────────

const FOUR_OCTET_AS = 65;

/** Stands where an AS number does not fit into two bytes. */
const AS_TRANS = 23_456;

export const fourOctetAs = (as: number): Entry => ({
  code: FOUR_OCTET_AS,
  value: Uint8Array.of(as >>> 24, as >>> 16, as >>> 8, as),
});

export const twoOctetAs = (as: number): number => (as > 0xffff ? AS_TRANS : as);

const numberIn = (bytes: Iterable<number>): number => [...bytes].reduce((number, byte) => number * 256 + byte, 0);

/** The AS number of who sends an OPEN. */
export const asOf = ({ as, capabilities }: Open): number => {
  const wide = capabilities.find(({ code }) => code === FOUR_OCTET_AS);
  return wide === undefined ? as : numberIn(wide.value);
};

// ── identifiers ─────────────────────────────────────────────────────────────────────────────────────────────────────

const isId = (id: string): boolean => /^\d{1,3}(\.\d{1,3}){3}$/.test(id) && id.split('.').every((part) => +part < 256);

/** An identifier as a number, to be compared. Undefined where it is none. */
export const idNumber = (id: string): number | undefined =>
  isId(id) ? numberIn(id.split('.').map(Number)) : undefined;

// ── bytes ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const TYPES = ['open', 'update', 'notification', 'keepalive'] as const;

/** What every OPEN begins with, behind its type. */
const Fixed = struct({ version: u8, as: u16, hold: u16, id: array(u8, 4), parameters: u8 });

const CAPABILITIES = 2;

/** Entries as they stand one after another: a code, a length, and so many bytes. Undefined where the last is cut short. */
const entriesIn = (bytes: Uint8Array): readonly Entry[] | undefined => {
  const entries: Entry[] = [];
  for (let at = 0; at < bytes.length;) {
    const [code = 0, length = Infinity] = bytes.subarray(at, at + 2);
    const end = at + 2 + length;
    if (end > bytes.length) return undefined;
    entries.push({ code, value: new Uint8Array(bytes.subarray(at + 2, end)) });
    at = end;
  }
  return entries;
};

const bytesOf = (entries: readonly Entry[]): number[] =>
  entries.flatMap(({ code, value }) => [code, value.length, ...value]);

/** The optional parameters of an OPEN; a text says what is wrong with them. */
const parametersIn = (bytes: Uint8Array): Pick<Open, 'capabilities' | 'others'> | string => {
  const parameters = entriesIn(bytes);
  if (parameters === undefined) return 'a parameter is cut short';
  const capabilities: Entry[] = [];
  for (const { value } of parameters.filter(({ code }) => code === CAPABILITIES)) {
    const some = entriesIn(value);
    if (some === undefined) return 'a capability is cut short';
    capabilities.push(...some);
  }
  const isWrong = ({ code, value }: Entry): boolean => code === FOUR_OCTET_AS && value.length !== 4;
  if (capabilities.some(isWrong)) return 'an AS number of four bytes has not four bytes';
  return { capabilities, others: parameters.filter(({ code }) => code !== CAPABILITIES) };
};

const openIn = (bytes: Uint8Array): Open | string => {
  const fixed = Fixed.decode(bytes.subarray(0, Fixed.size));
  if (E.isLeft(fixed)) return 'it is cut short';
  const { version, as, hold, id, parameters } = fixed.right;
  const open: Open = { type: 'open', version, as, hold, id: id.join('.'), capabilities: [], others: [] };
  // Nobody knows what stands behind the version in another one.
  if (version !== VERSION) return open;
  if (bytes.length !== Fixed.size + parameters) return `${parameters} bytes of parameters are announced`;
  const found = parametersIn(bytes.subarray(Fixed.size));
  return typeof found === 'string' ? found : { ...open, ...found };
};

const openBytes = ({ version, as, hold, id, capabilities, others }: Open): Uint8Array => {
  const some = capabilities.length === 0 ? [] : [{ code: CAPABILITIES, value: Uint8Array.from(bytesOf(capabilities)) }];
  const parameters = bytesOf([...some, ...others]);
  const fixed = Fixed.encode({ version, as, hold, id: id.split('.').map(Number), parameters: parameters.length });
  return Uint8Array.of(1, ...fixed, ...parameters);
};

const messageIn = (frame: Uint8Array): Message | string => {
  const body = frame.subarray(1);
  const type = TYPES[(frame[0] ?? 0) - 1];
  if (type === 'open') return openIn(body);
  if (type === 'update') return { type, body };
  if (type === 'notification')
    return { type, code: body[0] ?? 0, subcode: body[1] ?? 0, data: new Uint8Array(body.subarray(2)) };
  return type === 'keepalive' ? keepalive : 'it is of no known type';
};

/** Bytes from the type on, as the rule cuts them. The body of an UPDATE is a view of them; all else is a copy. */
export const message = new t.Type<Message, Uint8Array, Uint8Array>(
  'BGP message',
  (value): value is Message => t.UnknownRecord.is(value) && (TYPES as readonly unknown[]).includes(value['type']),
  (frame, context) => {
    const found = messageIn(frame);
    return typeof found === 'string' ? t.failure(frame, context, found) : t.success(found);
  },
  (said) => {
    if (said.type === 'open') return openBytes(said);
    if (said.type === 'update') return Buffer.concat([Uint8Array.of(2), said.body]);
    if (said.type === 'notification') return Uint8Array.of(3, said.code, said.subcode, ...said.data);
    return Uint8Array.of(4);
  },
);
