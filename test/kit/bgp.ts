import { type Entry, type Message, type Open, fourOctetAs, message, twoOctetAs } from '../../examples/bgp/messages.js';
import { messageRule } from '../../examples/bgp/message-rule.js';

/** The OPEN of a speaker of AS 65002, with some things otherwise; the AS number may be one of four bytes. */
export const open = ({ as = 65_002, ...otherwise }: Partial<Open> = {}): Open => ({
  type: 'open',
  version: 4,
  as: twoOctetAs(as),
  hold: 9,
  id: '10.0.0.2',
  capabilities: [fourOctetAs(as)],
  others: [],
  ...otherwise,
});

export const keepalive: Message = { type: 'keepalive' };

export const update = (body: readonly number[] = [0, 0, 0, 0]): Message => ({
  type: 'update',
  body: Uint8Array.from(body),
});

export const notification = (code: number, subcode: number, data: readonly number[] = []): Message => ({
  type: 'notification',
  code,
  subcode,
  data: Uint8Array.from(data),
});

/** Something that is known by its code. */
export const entry = (code: number, ...value: readonly number[]): Entry => ({ code, value: Uint8Array.from(value) });

/** What the rule passes on of a message. */
export const payload = (said: Message): Uint8Array => Uint8Array.from(message.encode(said));

/** A message as it is on the wire. */
export const wire = (said: Message): Uint8Array => messageRule.encode(message.encode(said));

/** Bytes that are written as hex, with spaces where one likes; `M` is a marker. */
export const hex = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replaceAll('M', 'ff'.repeat(16)).replaceAll(' ', ''), 'hex'));
