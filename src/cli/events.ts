import { inspect } from 'node:util';
import type { DialledState } from '../server/dialled.js';
import type { ServerEvent } from '../server/events.js';
import { plain } from './table.js';

/** Characters of a message that are shown. */
const SHOWN = 200;

/** A message in a line: a text in quotes, bytes as the text that they are or in hex, anything else as Node shows it. */
export const messageShown = (message: unknown): string => {
  if (message instanceof Uint8Array) return bytesShown(message);
  const text = typeof message === 'string' ? JSON.stringify(message) : inspect(message, { breakLength: Infinity });
  return plain(text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text);
};

const strict = new TextDecoder('utf-8', { fatal: true });

/** Bytes as text in quotes, where they are text, and else in hex. */
export const bytesShown = (bytes: Uint8Array): string => {
  try {
    const text = strict.decode(bytes);
    if (!/[^\P{Cc}\t\r\n]/u.test(text)) return messageShown(text);
  } catch {
    // No UTF-8.
  }
  const hex = Buffer.from(bytes.subarray(0, SHOWN / 2)).toString('hex');
  return `0x${hex}${bytes.length > SHOWN / 2 ? '...' : ''}`;
};

/** What an event tells besides its type, its server and its client. */
const detailsOf = (event: ServerEvent): Readonly<Record<string, string | number>> => {
  switch (event.type) {
    case 'listening':
      return { address: event.address.name };
    case 'disconnected':
      return { reason: event.reason };
    case 'message':
      return { direction: event.direction, message: messageShown(event.message) };
    case 'frame-refused':
      return { why: event.why.join('; ') };
    case 'refused':
      return { address: event.address, reason: event.reason };
    case 'accept-failed':
      return { code: event.code, wait: event.wait };
    case 'handler-error':
    case 'failed':
      return { error: String(event.error) };
    case 'dial':
      return dialDetails(event.state);
    case 'drained': {
      const { ended, cut, took } = event.report;
      return { ended, cut: cut.length, took: Math.round(took) };
    }
    case 'admitted':
      return event.client.name === event.client.address ? {} : { name: event.client.name };
    case 'attempt-failed':
      return { attempt: event.attempt };
    case 'connected':
    case 'keep-alive-sent':
    case 'keep-alive-received':
    case 'keep-alive-pending':
    case 'keep-alive-expired':
    case 'dropped':
      break;
  }
  return {};
};

const dialDetails = (state: DialledState): Readonly<Record<string, string | number>> => ({
  address: state.address,
  state: state.state,
  ...(state.state === 'waiting' ? { ms: state.ms } : {}),
});

/** Details in words: texts as they are, numbers behind their names. */
const inWords = (details: Readonly<Record<string, string | number>>): string =>
  Object.entries(details)
    .map(([name, value]) => (typeof value === 'number' ? `${name} ${value}` : value))
    .join(' ');

/** What a dial is doing, in words: `127.0.0.1:7001 waiting ms 200`. */
export const dialShown = (state: DialledState): string => inWords(dialDetails(state));

/** An event in a line: `12:00:01.123 lobby message 3 127.0.0.1:51512 in "hello"`. */
export const eventLine = (event: ServerEvent, at: Date): string => {
  const client = 'client' in event ? `${event.client.id} ${event.client.address}` : '';
  const words = [timeOf(at), event.server, event.type, client, inWords(detailsOf(event))];
  return plain(words.filter((word) => word !== '').join(' '));
};

/** The time of a day, to the millisecond. */
export const timeOf = (at: Date): string =>
  `${at.toTimeString().slice(0, 8)}.${String(at.getMilliseconds()).padStart(3, '0')}`;

/** An event as one line of JSON. */
export const eventJson = (event: ServerEvent, at: Date): string => {
  const { type, server } = event;
  const client =
    'client' in event ? { id: event.client.id, address: event.client.address, name: event.client.name } : undefined;
  return JSON.stringify({ at: at.toISOString(), server, type, client, ...detailsOf(event) });
};
