import { deframer } from '../framing/deframer.js';
import type { Rule } from '../framing/rule.js';
import type { Mark } from './diagram.js';

/** What came to a client, chunk by chunk, as a row: the bytes of each millisecond, or the frames that a rule cuts. */
export const receivedRow = (received: readonly Mark[], rule?: Rule): Mark[] =>
  rule === undefined ? byTheMillisecond(received) : inFrames(received, rule);

const byTheMillisecond = (received: readonly Mark[]): Mark[] => {
  const groups: Mark[][] = [];
  for (const mark of received) {
    const last = groups.at(-1);
    if (last?.[0]?.at === mark.at && last[0].sign === 'value' && mark.sign === 'value') last.push(mark);
    else groups.push([mark]);
  }
  return groups.map(([first, ...rest]) => {
    const mark = first as Mark;
    if (rest.length === 0) return mark;
    return { ...mark, value: Buffer.concat([mark, ...rest].map(({ value }) => value as Uint8Array)) };
  });
};

/** Where the rule refuses, or the last frame is not whole, stands the error. */
const inFrames = (received: readonly Mark[], rule: Rule): Mark[] => {
  const frames = deframer(rule);
  const marks: Mark[] = received.filter(({ sign }) => sign !== 'value');
  const chunks = received.filter(({ sign }) => sign === 'value');
  let at = 0;
  const take = (): void => {
    for (let value = frames.next(); value !== undefined; value = frames.next()) {
      marks.push({ at, sign: 'value', symbol: '?', value });
    }
  };
  try {
    for (const chunk of chunks) {
      ({ at } = chunk);
      frames.push(chunk.value as Uint8Array);
      take();
    }
    frames.end();
    take();
  } catch (error) {
    marks.push({ at, sign: 'value', symbol: '?', value: error });
  }
  // What came in a millisecond came before its end.
  return marks.toSorted((a, b) => a.at - b.at || Number(a.sign !== 'value') - Number(b.sign !== 'value'));
};
