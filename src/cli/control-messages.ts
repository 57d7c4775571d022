import * as t from 'io-ts';
import { json } from '../codec/json.js';
import { lengthPrefixed } from '../framing/length-prefixed.js';
import { kinds } from './kinds.js';

/** What goes over a control socket is frames of four bytes of length and JSON: these, each with a number of its own. */
export const controlFraming = lengthPrefixed(4);

const optional = <A extends t.Mixed>(type: A): t.UnionC<[A, t.UndefinedC]> => t.union([type, t.undefined]);

/** To run a line; to name what there is of a kind, for Tab; to stop what number `id` runs. */
export const Request = json.pipe(
  t.union([
    t.strict({ id: t.number, run: t.string }),
    t.strict({ id: t.number, names: t.keyof(kinds), begun: t.string, given: t.UnknownRecord }),
    t.strict({ id: t.number, stop: t.literal(true) }),
  ]),
);
export type Request = t.TypeOf<typeof Request>;

/**
 * What a line says, in pieces where it is long, `more` with all but the last; how it ended, and where that leaves the
 * next line; the names that were asked for.
 */
export const Reply = json.pipe(
  t.union([
    t.strict({ id: t.number, say: t.string, more: t.boolean }),
    t.strict({
      id: t.number,
      context: t.array(t.string),
      asked: optional(t.keyof({ leave: null, history: null, top: null })),
      complaint: optional(t.strict({ reason: t.string, at: optional(t.number) })),
    }),
    t.strict({ id: t.number, found: t.array(t.string) }),
  ]),
);
export type Reply = t.TypeOf<typeof Reply>;

/** A text of a reply is cut into pieces so long, in characters: a frame is a mebibyte at most. */
const PIECE = 100_000;

/** A text as replies. */
export const saying = (id: number, text: string): readonly Reply[] =>
  Array.from({ length: Math.max(1, Math.ceil(text.length / PIECE)) }, (_, index) => {
    const end = (index + 1) * PIECE;
    return { id, say: text.slice(end - PIECE, end), more: end < text.length };
  });
