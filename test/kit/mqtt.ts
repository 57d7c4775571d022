// Packets of MQTT for tests: what clients say and what they hear, as bytes.
import { packets } from '../../examples/mqtt/packet-rule.js';
import {
  type Ack,
  type ConnectCode,
  type Connect,
  type Packet,
  type Publish,
  type Qos,
  type SubscribeCode,
  packet,
} from '../../examples/mqtt/packets.js';

/** What cuts what clients hear into packets. */
export const anyPacket = packets(268_435_455);

export const wire = (...said: readonly Packet[]): Uint8Array => Buffer.concat(said.map((one) => packet.encode(one)));

export const connect = (clientId: string, more: Partial<Connect> = {}): Uint8Array =>
  wire({ type: 'connect', clientId, clean: true, keepAlive: 0, ...more });

export const connack = (code: ConnectCode = 0, sessionPresent = false): Uint8Array =>
  wire({ type: 'connack', code, sessionPresent });

/** Welcome back. */
export const present = connack(0, true);

export const publish = (
  topic: string,
  said: string,
  qos: Qos = 0,
  id: number = 0,
  flags: Partial<Pick<Publish, 'dup' | 'retain'>> = {},
): Uint8Array =>
  wire({ type: 'publish', topic, payload: Buffer.from(said), qos, id, dup: false, retain: false, ...flags });

export const ack = (type: Ack['type'], id: number): Uint8Array => wire({ type, id });

export const subscribe = (id: number, ...filters: readonly (readonly [filter: string, qos: Qos])[]): Uint8Array =>
  wire({ type: 'subscribe', id, subscriptions: filters.map(([filter, qos]) => ({ filter, qos })) });

export const suback = (id: number, ...codes: readonly SubscribeCode[]): Uint8Array =>
  wire({ type: 'suback', id, codes });

export const unsubscribe = (id: number, ...filters: readonly string[]): Uint8Array =>
  wire({ type: 'unsubscribe', id, filters });

export const pingreq = wire({ type: 'pingreq' });
export const pingresp = wire({ type: 'pingresp' });
export const disconnect = wire({ type: 'disconnect' });

/** A will, for `connect`. */
export const will = (topic: string, said: string, qos: Qos = 0, retain = false): Pick<Connect, 'will'> => ({
  will: { topic, payload: Buffer.from(said), qos, retain },
});

/** Bytes by their hex: `10 02 00 00`. */
export const hex = (digits: string): Uint8Array => new Uint8Array(Buffer.from(digits.replaceAll(' ', ''), 'hex'));
