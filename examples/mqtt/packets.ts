// The packets of MQTT 3.1.1 as values, and the codec between them and their bytes: sections 2 and 3 of the standard.
import * as t from 'io-ts';
import { isFilter, isTopic } from './topics.js';

/** How surely a message arrives: at most once, at least once, exactly once. */
export type Qos = 0 | 1 | 2;

/** What is published. */
export interface Message {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: Qos;
  readonly retain: boolean;
}

/** Who comes. `keepAlive` is in seconds, and 0 is for ever. */
export interface Connect {
  readonly type: 'connect';
  readonly clientId: string;
  readonly clean: boolean;
  readonly keepAlive: number;
  readonly will?: Message;
  readonly username?: string;
  readonly password?: Uint8Array;
}

/** Who comes and speaks another version: nothing else of it is read. */
export interface Foreign {
  readonly type: 'foreign';
  readonly level: number;
}

/** What a connection is answered: welcome, another version please, no such client, not now, wrong password, not you. */
export type ConnectCode = 0 | 1 | 2 | 3 | 4 | 5;

export interface Connack {
  readonly type: 'connack';
  readonly sessionPresent: boolean;
  readonly code: ConnectCode;
}

/** `id` is 0 where `qos` is. */
export interface Publish extends Message {
  readonly type: 'publish';
  readonly id: number;
  readonly dup: boolean;
}

export interface Ack {
  readonly type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp' | 'unsuback';
  readonly id: number;
}

export interface Subscription {
  readonly filter: string;
  readonly qos: Qos;
}

export interface Subscribe {
  readonly type: 'subscribe';
  readonly id: number;
  readonly subscriptions: readonly Subscription[];
}

/** What was granted, or 0x80: refused. */
export type SubscribeCode = Qos | 0x80;

export interface Suback {
  readonly type: 'suback';
  readonly id: number;
  readonly codes: readonly SubscribeCode[];
}

export interface Unsubscribe {
  readonly type: 'unsubscribe';
  readonly id: number;
  readonly filters: readonly string[];
}

export interface Bare {
  readonly type: 'pingreq' | 'pingresp' | 'disconnect';
}

export type Packet = Connect | Foreign | Connack | Publish | Ack | Subscribe | Suback | Unsubscribe | Bare;

// ── the first byte ──────────────────────────────────────────────────────────────────────────────────────────────────

/** By the number in the upper half of the first byte. */
const TYPES = [
  undefined,
  'connect',
  'connack',
  'publish',
  'puback',
  'pubrec',
  'pubrel',
  'pubcomp',
  'subscribe',
  'suback',
  'unsubscribe',
  'unsuback',
  'pingreq',
  'pingresp',
  'disconnect',
  undefined,
] as const;

type Type = NonNullable<(typeof TYPES)[number]>;

/** The lower half, where the standard leaves no choice: only a PUBLISH has flags of its own. */
const flagsOf = (type: Type): number => (type === 'pubrel' || type === 'subscribe' || type === 'unsubscribe' ? 2 : 0);

const firstByte = (type: Type): number => (TYPES.indexOf(type) << 4) | flagsOf(type);

const DUP = 8;
const RETAIN = 1;

/** What is wrong with a first byte, if anything is: a packet is refused by it before the rest has come. */
export const faultOf = (first: number): string | undefined => {
  const type = TYPES[first >> 4];
  const flags = first & 15;
  if (type === undefined) return `a packet of type ${first >> 4}`;
  if (type !== 'publish') return flags === flagsOf(type) ? undefined : `${type} with flags ${flags}`;
  const qos = (flags >> 1) & 3;
  if (qos === 3) return 'publish with QoS 3';
  return qos === 0 && flags >= DUP ? 'publish with QoS 0, sent again' : undefined;
};

// ── bytes to packets ────────────────────────────────────────────────────────────────────────────────────────────────

/** No packet is like this: becomes a failure of the codec. */
class Malformed extends Error {}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads the fields of a packet one after another. */
class Fields {
  readonly #bytes: Uint8Array;
  #at = 1;

  /** Begins behind the length. */
  constructor(packet: Uint8Array) {
    this.#bytes = packet;
    while (this.u8() >= 128);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new Malformed('cut short');
    return byte;
  }

  u16(): number {
    return (this.u8() << 8) | this.u8();
  }

  id(): number {
    const id = this.u16();
    if (id === 0) throw new Malformed('packet identifier 0');
    return id;
  }

  /** A copy: it may be kept for long, and what was read may be far more than it. */
  take(length: number = this.left): Uint8Array {
    if (length > this.left) throw new Malformed('cut short');
    const from = this.#at;
    this.#at += length;
    return new Uint8Array(this.#bytes.subarray(from, this.#at));
  }

  binary(): Uint8Array {
    return this.take(this.u16());
  }

  text(): string {
    let text: string;
    try {
      text = utf8.decode(this.binary());
    } catch (error) {
      throw error instanceof Malformed ? error : new Malformed('a text that is not UTF-8');
    }
    if (text.includes('\0')) throw new Malformed('a text with U+0000');
    return text;
  }

  topic(): string {
    const name = this.text();
    if (!isTopic(name)) throw new Malformed(`no topic: ${JSON.stringify(name)}`);
    return name;
  }

  filter(): string {
    const filter = this.text();
    if (!isFilter(filter)) throw new Malformed(`no topic filter: ${JSON.stringify(filter)}`);
    return filter;
  }

  qos(byte: number): Qos {
    if (byte > 2) throw new Malformed(`QoS ${byte}`);
    return byte as Qos;
  }

  /** Reads one thing after another to the end of the packet; one at least. */
  all<A>(read: () => A): A[] {
    const list = [read()];
    while (this.left > 0) list.push(read());
    return list;
  }
}

const USERNAME = 128;
const PASSWORD = 64;
const WILL_RETAIN = 32;
const WILL = 4;
const CLEAN = 2;
const RESERVED = 1;

const connect = (fields: Fields): Connect | Foreign => {
  const protocol = fields.text();
  if (protocol !== 'MQTT') throw new Malformed(`the protocol ${JSON.stringify(protocol)}`);
  const level = fields.u8();
  if (level !== 4) {
    fields.take();
    return { type: 'foreign', level };
  }
  const flags = fields.u8();
  const has = (flag: number): boolean => (flags & flag) !== 0;
  const qos = fields.qos((flags >> 3) & 3);
  if (has(RESERVED)) throw new Malformed('connect with its reserved flag set');
  if (!has(WILL) && (qos > 0 || has(WILL_RETAIN))) throw new Malformed('flags of a will, and no will');
  if (has(PASSWORD) && !has(USERNAME)) throw new Malformed('a password, and no user name');
  const keepAlive = fields.u16();
  const clientId = fields.text();
  const will = has(WILL)
    ? { will: { topic: fields.topic(), payload: fields.binary(), qos, retain: has(WILL_RETAIN) } }
    : {};
  const username = has(USERNAME) ? { username: fields.text() } : {};
  const password = has(PASSWORD) ? { password: fields.binary() } : {};
  return { type: 'connect', clientId, clean: has(CLEAN), keepAlive, ...will, ...username, ...password };
};

const connack = (fields: Fields): Connack => {
  const flags = fields.u8();
  const code = fields.u8();
  if (flags > 1 || code > 5 || (code > 0 && flags > 0)) throw new Malformed(`connack ${flags} ${code}`);
  return { type: 'connack', sessionPresent: flags === 1, code: code as ConnectCode };
};

const publish = (fields: Fields, flags: number): Publish => {
  const qos = fields.qos((flags >> 1) & 3);
  const topic = fields.topic();
  const id = qos === 0 ? 0 : fields.id();
  const payload = fields.take();
  return { type: 'publish', topic, payload, qos, retain: (flags & RETAIN) !== 0, id, dup: flags >= DUP };
};

const suback = (fields: Fields): Suback => ({
  type: 'suback',
  id: fields.id(),
  codes: fields.all(() => {
    const code = fields.u8();
    return code === 0x80 ? code : fields.qos(code);
  }),
});

const packetOf = (bytes: Uint8Array): Packet => {
  const first = bytes[0] ?? 0;
  const fault = faultOf(first);
  const type = TYPES[first >> 4];
  if (fault !== undefined || type === undefined) throw new Malformed(fault);
  const fields = new Fields(bytes);
  const body = (): Packet => {
    switch (type) {
      case 'connect':
        return connect(fields);
      case 'connack':
        return connack(fields);
      case 'publish':
        return publish(fields, first & 15);
      case 'subscribe':
        return {
          type,
          id: fields.id(),
          subscriptions: fields.all(() => ({ filter: fields.filter(), qos: fields.qos(fields.u8()) })),
        };
      case 'suback':
        return suback(fields);
      case 'unsubscribe':
        return { type, id: fields.id(), filters: fields.all(() => fields.filter()) };
      case 'pingreq':
      case 'pingresp':
      case 'disconnect':
        return { type };
      case 'puback':
      case 'pubrec':
      case 'pubrel':
      case 'pubcomp':
      case 'unsuback':
        break;
    }
    return { type, id: fields.id() };
  };
  const packet = body();
  if (fields.left > 0) throw new Malformed(`${type} with ${fields.left} bytes to spare`);
  return packet;
};

// ── packets to bytes ────────────────────────────────────────────────────────────────────────────────────────────────

const encoder = new TextEncoder();

const u16 = (number: number): Uint8Array => Uint8Array.of(number >> 8, number & 255);

const binary = (bytes: Uint8Array): Uint8Array[] => {
  if (bytes.length > 65_535) throw new RangeError(`a field has 65535 bytes at most, got ${bytes.length}`);
  return [u16(bytes.length), bytes];
};

const text = (said: string): Uint8Array[] => binary(encoder.encode(said));

/** Seven bits a byte, the lowest first: where `varint` of the package allows ten bytes, MQTT allows four. */
const lengthBytes = (length: number): number[] => {
  if (length > 268_435_455) throw new RangeError(`a packet has 268435455 bytes at most, got ${length}`);
  const bytes: number[] = [];
  for (let rest = length; ; rest >>= 7) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest & 127) | 128);
  }
};

/** The packet of these fields. */
const packed = (first: number, fields: readonly Uint8Array[]): Uint8Array => {
  const length = fields.reduce((sum, field) => sum + field.length, 0);
  const header = lengthBytes(length);
  const bytes = new Uint8Array(1 + header.length + length);
  bytes[0] = first;
  bytes.set(header, 1);
  let at = 1 + header.length;
  for (const field of fields) {
    bytes.set(field, at);
    at += field.length;
  }
  return bytes;
};

const connectFields = ({ clientId, clean, keepAlive, will, username, password }: Connect): Uint8Array[] => {
  const flags =
    (clean ? CLEAN : 0) |
    (will === undefined ? 0 : WILL | (will.qos << 3) | (will.retain ? WILL_RETAIN : 0)) |
    (username === undefined ? 0 : USERNAME) |
    (password === undefined ? 0 : PASSWORD);
  return [
    ...text('MQTT'),
    Uint8Array.of(4, flags),
    u16(keepAlive),
    ...text(clientId),
    ...(will === undefined ? [] : [...text(will.topic), ...binary(will.payload)]),
    ...(username === undefined ? [] : text(username)),
    ...(password === undefined ? [] : binary(password)),
  ];
};

const bytesOf = (packet: Packet): Uint8Array => {
  switch (packet.type) {
    case 'connect':
      return packed(firstByte('connect'), connectFields(packet));
    case 'foreign':
      return packed(firstByte('connect'), [...text('MQTT'), Uint8Array.of(packet.level)]);
    case 'connack':
      return packed(firstByte('connack'), [Uint8Array.of(packet.sessionPresent ? 1 : 0, packet.code)]);
    case 'publish': {
      const { topic, payload, qos, retain, dup, id } = packet;
      const first = firstByte('publish') | (dup ? DUP : 0) | (qos << 1) | (retain ? RETAIN : 0);
      return packed(first, [...text(topic), ...(qos === 0 ? [] : [u16(id)]), payload]);
    }
    case 'subscribe':
      return packed(firstByte('subscribe'), [
        u16(packet.id),
        ...packet.subscriptions.flatMap(({ filter, qos }) => [...text(filter), Uint8Array.of(qos)]),
      ]);
    case 'suback':
      return packed(firstByte('suback'), [u16(packet.id), Uint8Array.from(packet.codes)]);
    case 'unsubscribe':
      return packed(firstByte('unsubscribe'), [u16(packet.id), ...packet.filters.flatMap(text)]);
    case 'pingreq':
    case 'pingresp':
    case 'disconnect':
      return packed(firstByte(packet.type), []);
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp':
    case 'unsuback':
      break;
  }
  return packed(firstByte(packet.type), [u16(packet.id)]);
};

/** Whole packets, header included, to values and back. */
export const packet: t.Type<Packet, Uint8Array, Uint8Array> = new t.Type(
  'MQTT packet',
  (value): value is Packet => {
    const { type } = (value ?? {}) as Partial<Packet>;
    return type !== undefined && (type === 'foreign' || TYPES.includes(type));
  },
  (bytes, context) => {
    try {
      return t.success(packetOf(bytes));
    } catch (error) {
      if (error instanceof Malformed) return t.failure(bytes, context, error.message);
      throw error;
    }
  },
  bytesOf,
);
