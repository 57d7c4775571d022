import { checkText } from '../check.js';
import { readFileSync } from 'node:fs';
import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import { reasons } from '../codec/reasons.js';

/**
 * A recording is a file of lines, each a value of JSON. The first says what it is:
 *
 *     {"sluice":"recording","version":1,"startedAt":"2026-11-05T12:00:00.000Z"}
 *
 * Every other is something that happened to a connection: `at`, milliseconds since the start, to the microsecond; `id`,
 * which connection; and `type`, what happened:
 *
 * | type | what | and |
 * | --- | --- | --- |
 * | `open` | it was emitted to whoever serves it | `peer`, `local`: the names of its ends |
 * | `in` | a chunk of the peer's was read | `bytes`, in base64 |
 * | `out` | a chunk was written to the peer | `bytes`, in base64 |
 * | `in-end` | the peer ended its side (FIN) | |
 * | `out-end` | all is flushed, and this side ended (FIN) | |
 * | `stop` | the server was told to stop (`drain`), and reads no more from the peer | |
 * | `reset` | the connection was cut, by the peer or on the way | |
 * | `closed` | nothing is left of it | `how` it ended for who wrote to it: `finished`, or what the error is called |
 *
 * The lines are in the order in which it happened. `how` is left out when nobody wrote to the end, or was stopped
 * meanwhile.
 */
const VERSION = 1;

/** Bytes as base64. */
const Base64 = new t.Type<Uint8Array, string>(
  'base64',
  (value): value is Uint8Array => value instanceof Uint8Array,
  (value, context) =>
    typeof value === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(value)
      ? t.success(Uint8Array.from(Buffer.from(value, 'base64')))
      : t.failure(value, context),
  (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64'),
);

const Heading = t.type({ sluice: t.literal('recording'), version: t.number, startedAt: t.string });

const moment = { at: t.number, id: t.number };

const Happening = t.union([
  t.type({ ...moment, type: t.literal('open'), peer: t.string, local: t.string }),
  t.type({ ...moment, type: t.keyof({ in: null, out: null }), bytes: Base64 }),
  t.type({ ...moment, type: t.keyof({ 'in-end': null, 'out-end': null, stop: null, reset: null }) }),
  t.intersection([t.type({ ...moment, type: t.literal('closed') }), t.partial({ how: t.string })]),
]);

/** Something that happened to a connection: see the table of the format. */
export type Happening = t.TypeOf<typeof Happening>;

/** What was recorded, read. */
export interface Recording {
  /** When it began, as an ISO date. */
  readonly startedAt: string;
  readonly happenings: readonly Happening[];
}

export const headingLine = (startedAt: Date): string =>
  `${JSON.stringify({ sluice: 'recording', version: VERSION, startedAt: startedAt.toISOString() })}\n`;

export const happeningLine = (happening: Happening): string =>
  `${JSON.stringify('bytes' in happening ? { ...happening, bytes: Base64.encode(happening.bytes) } : happening)}\n`;

/**
 * Reads the lines of a recording. A last line that was cut short, by the end of a process, is left out; anything else
 * that does not fit the format throws a `SyntaxError` that says where and why.
 */
export const parseRecording = (text: string): Recording => {
  if (typeof text !== 'string') throw new TypeError(`text must be the text of a recording, got ${String(text)}`);
  const [first, ...lines] = text.split('\n').slice(0, -1);
  const { version, startedAt } = parseLine(Heading, first ?? '', 1);
  if (version !== VERSION) throw new SyntaxError(`a recording of version ${version}; this reads version ${VERSION}`);
  return { startedAt, happenings: lines.map((line, index) => parseLine(Happening, line, index + 2)) };
};

/** Reads a recording from a file. Throws what the file system does, and a `SyntaxError` for what is no recording. */
export const readRecording = (path: string): Recording => parseRecording(readFileSync(checkText('path', path), 'utf8'));

const parseLine = <A>(type: t.Decoder<unknown, A>, line: string, number: number): A => {
  const decoded = type.decode(valueOf(line));
  if (E.isRight(decoded)) return decoded.right;
  throw new SyntaxError(`line ${number} is not of a recording: ${reasons(decoded.left).join('; ')}`);
};

const valueOf = (line: string): unknown => {
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
};
