// What a request says: its arguments, the name of the command first.
import { ProtocolError, RequestError } from './request-error.js';
import { integerOf } from './integer.js';
import { latin1, nameOf } from './names.js';
import type { RequestRule } from './request-rule.js';

const [STAR, QUOTE, APOSTROPHE, BACKSLASH] = [0x2a, 0x22, 0x27, 0x5c];

/** Bytes as a text that has a character for each of them: what keys, fields and members are kept as. */
export const textOf = (bytes: Uint8Array): string => latin1(bytes, 0, bytes.length);

/**
 * A request: places in the bytes of its frame. An argument is made a text, a number or bytes of its own by the command
 * that wants it to be one, and not before. All of it is lent: it is good until its command has run.
 */
export class Request {
  readonly frame: Uint8Array;
  /** Where each argument begins and ends. */
  readonly #places: readonly number[];
  /** How many arguments, the name of the command included. */
  readonly length: number;

  constructor(frame: Uint8Array, places: readonly number[], length: number) {
    this.frame = frame;
    this.#places = places;
    this.length = length;
  }

  start(index: number): number {
    return this.#places[index * 2] as number;
  }

  end(index: number): number {
    return this.#places[index * 2 + 1] as number;
  }

  /** How many bytes an argument has. */
  size(index: number): number {
    return this.end(index) - this.start(index);
  }

  /** An argument as a text with a character for each byte. */
  text(index: number): string {
    if (this.size(index) > MAX_TEXT) throw new RequestError('ERR string exceeds maximum allowed size');
    return latin1(this.frame, this.start(index), this.end(index));
  }

  /** The name of a key, a channel or a client. Not longer than 64 KiB: a thousand patterns may be held against it. */
  name(index: number): string {
    if (this.size(index) > MAX_NAME) throw new RequestError(`ERR a name has ${MAX_NAME} bytes at most`);
    return nameOf(this.frame, this.start(index), this.end(index));
  }

  /** The names from an argument on: all, or every second. */
  names(from: number, step = 1): readonly string[] {
    const names: string[] = [];
    for (let index = from; index < this.length; index += step) names.push(this.name(index));
    return names;
  }

  /** A pattern of names. */
  pattern(index: number): string {
    if (this.size(index) > MAX_PATTERN) throw new RequestError(`ERR a pattern has ${MAX_PATTERN} bytes at most`);
    return this.text(index);
  }

  /** An argument that is a word of the protocol. */
  word(index: number): string {
    return this.size(index) > MAX_WORD ? '' : this.text(index).toUpperCase();
  }

  /** An argument as bytes of its own, to be kept. */
  bytes(index: number): Uint8Array {
    return this.frame.slice(this.start(index), this.end(index));
  }

  /** A 64-bit number that stands there in full. */
  bigint(index: number): bigint {
    const value = this.size(index) > MAX_WORD ? undefined : integerOf(this.text(index));
    if (value === undefined) throw new RequestError('ERR value is not an integer or out of range');
    return value;
  }

  /** The same where a number beyond 2^53 is as good as one near by. */
  integer(index: number): number {
    return Number(this.bigint(index));
  }

  /** A request of its own, to be kept. */
  keep(): Request {
    return new Request(this.frame.slice(), this.#places.slice(0, this.length * 2), this.length);
  }
}

/** The longest text that there can be: a few characters shorter than the longest bulk. */
const MAX_TEXT = 2 ** 29 - 24;
export const MAX_NAME = 64 * 1024;
const MAX_PATTERN = 1024;
const MAX_WORD = 128;

/** The request that a frame is, cut just now by this rule. `ProtocolError` where an inline one is none. */
export const requestOf = (frame: Uint8Array, { places, count }: RequestRule): Request =>
  frame[0] === STAR ? new Request(frame, places, count) : (requestOfWords(frame) ?? requestOfLine(frame));

const isSpace = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === undefined || (byte >= 0x09 && byte <= 0x0d) || byte === 0;

/** What `\n`, `\r`, `\t`, `\b` and `\a` stand for, by the byte of the letter. */
const escapes = new Map([
  [0x6e, 10],
  [0x72, 13],
  [0x74, 9],
  [0x62, 8],
  [0x61, 7],
]);

const isHex = (byte: number | undefined): boolean => /^[\da-f]$/i.test(String.fromCharCode(byte ?? 0));

/** Of a line without quotes, the words are where they stand. */
const requestOfWords = (line: Uint8Array): Request | undefined => {
  const places: number[] = [];
  for (let at = 0; ;) {
    while (at < line.length && isSpace(line[at])) at++;
    if (at === line.length) return new Request(line, places, places.length / 2);
    places.push(at);
    for (; !isSpace(line[at]); at++) if (line[at] === QUOTE || line[at] === APOSTROPHE) return undefined;
    places.push(at);
  }
};

/** Words with spaces between them; in "..." also spaces and escapes, `\x00` among them, in '...' only `\'`. */
const requestOfLine = (line: Uint8Array): Request => {
  const said: number[] = [];
  const places: number[] = [];
  let at = 0;

  const escaped = (): number => {
    const next = line[at + 1];
    if (next === 0x78 && isHex(line[at + 2]) && isHex(line[at + 3])) {
      at += 4;
      return Number.parseInt(String.fromCharCode(line[at - 2] as number, line[at - 1] as number), 16);
    }
    at += 2;
    return escapes.get(next as number) ?? (next as number);
  };
  const quoted = (quote: number): void => {
    for (at++; line[at] !== quote;) {
      if (at >= line.length) throw new ProtocolError('unbalanced quotes in request');
      const more = at + 1 < line.length;
      if (quote === QUOTE && line[at] === BACKSLASH && more) said.push(escaped());
      else if (quote === APOSTROPHE && line[at] === BACKSLASH && line[at + 1] === APOSTROPHE) {
        said.push(APOSTROPHE);
        at += 2;
      } else said.push(line[at++] as number);
    }
    at++;
    if (!isSpace(line[at])) throw new ProtocolError('unbalanced quotes in request');
  };

  for (;;) {
    while (at < line.length && isSpace(line[at])) at++;
    if (at >= line.length) return new Request(Uint8Array.from(said), places, places.length / 2);
    places.push(said.length);
    while (!isSpace(line[at])) {
      const byte = line[at] as number;
      if (byte === QUOTE || byte === APOSTROPHE) {
        quoted(byte);
        break;
      }
      said.push(byte);
      at++;
    }
    places.push(said.length);
  }
};
