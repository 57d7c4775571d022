import { bytesOf, cutUp } from '../deliveries.js';
import { type Attempt, deliveredIn } from './attempt.js';
import { type ErrorMatch, matches, nameOf } from './error-match.js';
import { frameLiteral, literal, quotedBytes } from './literal.js';
import type { VerifyCase } from './stream.js';
import type { Outcome, VerifyCheck } from './trial.js';

/** What stands in a test for what cannot be written: the decoder, functions that were given. */
export interface Given {
  /** `verifyRule` or `verifyDecoder`. */
  readonly by: string;
  /** What the decoder is called in the test. */
  readonly subject: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** An object as it is written, with functions by their names. Nothing for one that has nothing to say. */
const written = (fields: Readonly<Record<string, unknown>>): string | undefined => {
  const parts = Object.entries(fields).flatMap(([name, value]) => {
    if (value === undefined) return [];
    if (typeof value === 'function') return [name];
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${name}: ${literal(value)}`];
    const inner = written(value as Readonly<Record<string, unknown>>);
    return inner === undefined ? [] : [`${name}: ${inner}`];
  });
  return parts.length === 0 ? undefined : `{ ${parts.join(', ')} }`;
};

const program = ({ by, subject, options }: Given, cases: string): string => {
  const wait = by === 'verifyDecoder' ? 'await ' : '';
  const rest = written(options);
  return [
    `import { ${by} } from 'sluice/testing';`,
    '',
    `${wait}${by}(${subject}, [${cases}]${rest === undefined ? '' : `, ${rest}`});`,
  ].join('\n');
};

/** The error of a case by the name of the one that came, where it is the one; a text can be written down. */
const named = (match: ErrorMatch, { failed }: Outcome): ErrorMatch =>
  (failed && matches(match, failed.error) ? nameOf(failed.error) : undefined) ?? match;

/** A case that makes the attempt again. `whole` is what comes of its wire in one chunk. */
export const caseOf = ({ stream, sizes }: Attempt, whole: Outcome): VerifyCase<unknown> => {
  const { wire, frames, error, partial } = stream;
  return {
    wire: cutUp(wire, sizes),
    frames,
    ...(error !== undefined && { error: named(error, whole) }),
    ...(partial && { partial }),
  };
};

export const piecesLiteral = ({ wire }: VerifyCase<unknown>): string =>
  `[${[wire]
    .flat()
    .map((piece) => quotedBytes(bytesOf(piece)))
    .join(', ')}]`;

/** A test of one case. */
export const pasteCase = (given: Given, smallest: VerifyCase<unknown>): string => {
  const { frames, error, partial } = smallest;
  const fields = [
    `wire: ${piecesLiteral(smallest)}`,
    `frames: [${frames.map(frameLiteral).join(', ')}]`,
    ...(error === undefined ? [] : [`error: ${typeof error === 'string' ? literal(error) : '() => true'}`]),
    ...(partial === true ? ['partial: true'] : []),
  ];
  return program({ ...given, options: { ...given.options, encode: undefined } }, `{ ${fields.join(', ')} }`);
};

/** A test that encodes some payloads. */
export const pastePayloads = (given: Given, payloads: readonly unknown[]): string =>
  program({ ...given, options: { ...given.options, payloads } }, '');

/** `1 byte`, `2 bytes`. */
export const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

const WHERE: Readonly<Record<VerifyCheck, (tried: Attempt) => string>> = {
  split: () => '',
  inside: () => ', where each chunk lies inside a larger buffer',
  poison: () => ', where each chunk is overwritten as soon as it was taken',
  state: () => ', where its state is taken out after each chunk and put back',
  shared: () => ', where it cuts two streams side by side',
  end: (tried) => `, where the stream ends after ${counted(deliveredIn(tried), 'byte')}`,
  reset: (tried) => `, where the source fails after ${counted(deliveredIn(tried), 'byte')}`,
  leave: ({ leave }) => `, where the consumer leaves after ${counted(leave, 'frame')}`,
  inverse: () => '',
};

/** What happens in an attempt, in words. */
export const whereOf = (tried: Attempt): string =>
  `${WHERE[tried.check](tried)}${tried.stream.joined ? ', where one case follows another' : ''}`;
