// The protocol of the calculator. It adds numbers: JSON messages, each behind its length in two bytes, and reads downward,
// as the bytes flow.
//
//   ask     {"add":[1,2,3]}      answer  {"sum":6}
//   ask     {"add":["one"]}      answer  {"error":"..."}
import * as E from 'fp-ts/lib/Either.js';
import { flow } from 'fp-ts/lib/function.js';
import * as t from 'io-ts';
import { map } from 'rxjs';
import { json, reasons } from 'sluice';
import { decodeWith, encodeWith, failIfIdle, frameLengthPrefixed, prefixLength } from 'sluice/operators';

const Ask = json.pipe(t.strict({ add: t.array(t.number) }));
const Answer = json.pipe(t.union([t.strict({ sum: t.number }), t.strict({ error: t.string })]));
type Ask = t.TypeOf<typeof Ask>;
type Answer = t.TypeOf<typeof Answer>;

const answer = ({ add }: Ask): Answer => ({ sum: add.reduce((sum, number) => sum + number, 0) });
const refuse = (errors: t.Errors): Answer => ({ error: reasons(errors).join('; ') });

export const calculator = flow(
  frameLengthPrefixed(2),
  failIfIdle(15_000), // behind the framing: a byte now and then is no sign of life, a whole frame is
  decodeWith(Ask), // Either<Errors, Ask>: a message that does not decode is a value, and is answered
  map(E.match(refuse, answer)),
  encodeWith(Answer),
  prefixLength(2),
);
