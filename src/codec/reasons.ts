import type * as t from 'io-ts';
import { printable, shown } from './shown.js';

/** The most errors that get a line of their own. */
const MOST = 10;

/** The most characters of a path, a value, the name of a type, a codec's own message. */
const PATH = 40;
const VALUE = 40;
const NAME = 60;
const MESSAGE = 80;

/** Where it happened. A member of a union or an intersection is given the same value as the whole: that is no step. */
const pathOf = (context: t.Context): string => {
  const steps = context.filter((entry, index) => index > 0 && !Object.is(entry.actual, context[index - 1]?.actual));
  return printable(steps.map((entry) => entry.key).join('.'), PATH);
};

const line = ({ context, message, value }: t.ValidationError): string => {
  const path = pathOf(context);
  const expected = printable(context.at(-1)?.type.name ?? 'something else', NAME);
  const what = message === undefined ? `expected ${expected}, got ${shown(value, VALUE)}` : printable(message, MESSAGE);
  return path === '' ? what : `${path}: ${what}`;
};

/**
 * What io-ts found wrong, in short lines: for a log, or for an answer to the peer.
 *
 *     add.2: expected number, got "three"
 *
 * At most ten errors get a line, and one more line counts the rest. A line holds no more than 80 bytes of what the peer
 * sent, in ASCII that can be printed: everything else is escaped, so that no peer can forge a line.
 */
export const reasons = (errors: t.Errors): readonly string[] => {
  if (!Array.isArray(errors)) throw new TypeError(`errors must be those of io-ts, got ${shown(errors)}`);
  const lines = errors.slice(0, MOST).map(line);
  return errors.length > MOST ? [...lines, `and ${errors.length - MOST} more`] : lines;
};
