import { inspect } from 'node:util';

const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', "'": "\\'", '\\': '\\\\' };

const escaped = (letter: string): string =>
  ESCAPES[letter] ?? `\\${letter < '\u0100' ? 'x' : 'u'}${hex(letter.charCodeAt(0), letter < '\u0100' ? 2 : 4)}`;

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0');

/** A text as it is written in a program. */
const quoted = (text: string): string => `'${text.replaceAll(/[^ -~]|['\\]/g, escaped)}'`;

/** So many bytes that are the same are counted. */
const MANY = 40;

/** Bytes as a text in a program: a letter for each. */
export const quotedBytes = (bytes: Uint8Array): string => {
  const [first = 0] = bytes;
  if (bytes.length > MANY && bytes.every((byte) => byte === first))
    return `${quoted(String.fromCharCode(first))}.repeat(${bytes.length})`;
  return quoted(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
};

const key = (name: string): string => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name));

/** A value as it is written in a program. What cannot be written comes out as Node would show it. */
export const literal = (value: unknown): string => {
  if (typeof value === 'string') return quoted(value);
  if (typeof value !== 'object' || value === null) return inspect(value);
  if (value instanceof Uint8Array) return `Buffer.from(${quotedBytes(value)}, 'latin1')`;
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (value instanceof Date) return `new Date(${value.getTime()})`;
  if (value instanceof Map) return `new Map(${literal([...(value as Map<unknown, unknown>)])})`;
  if (value instanceof Set) return `new Set(${literal([...(value as Set<unknown>)])})`;
  const fields = Object.entries(value).map(([name, item]) => `${key(name)}: ${literal(item)}`);
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
};

/** A frame as it is written in a case: bytes as a text. */
export const frameLiteral = (frame: unknown): string =>
  frame instanceof Uint8Array ? quotedBytes(frame) : literal(frame);
