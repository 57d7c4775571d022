import type { Mark } from './diagram.js';
import { sameValue } from './compare.js';

/** What RxJS's `expectObservable` compares: what an observable did, and when. */
interface Told {
  readonly frame: number;
  readonly notification:
    | { readonly kind: 'N'; readonly value: unknown }
    | { readonly kind: 'E'; readonly error: unknown }
    | { readonly kind: 'C' };
}

/** What its `expectSubscriptions` compares: from when to when it was subscribed to. */
interface Subscribed {
  readonly subscribedFrame: number;
  readonly unsubscribedFrame: number;
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

const markOf = ({ frame: at, notification }: Told): Mark => {
  if (notification.kind === 'N') return { at, sign: 'value', symbol: '?', value: notification.value };
  if (notification.kind === 'E') return { at, sign: 'reset', symbol: '#', value: notification.error };
  return { at, sign: 'end', symbol: '|', value: undefined };
};

const marksOf = ({ subscribedFrame, unsubscribedFrame }: Subscribed): Mark[] => [
  { at: subscribedFrame, sign: 'open', symbol: '^', value: undefined },
  ...(unsubscribedFrame === Infinity
    ? []
    : [{ at: unsubscribedFrame, sign: 'end', symbol: '!', value: undefined } as const]),
];

/** RxJS does not tell by which letters a test calls its values: each gets itself, if it is a letter, or one by its turn. */
const lettered = (marks: readonly Mark[]): Mark[] => {
  const known: unknown[] = [];
  return marks.map((mark) => {
    if (mark.sign !== 'value') return mark;
    if (typeof mark.value === 'string' && mark.value.length === 1) return { ...mark, symbol: mark.value };
    let place = known.findIndex((value) => sameValue(mark.value, value));
    if (place < 0) place = known.push(mark.value) - 1;
    return { ...mark, symbol: LETTERS[place] ?? '*' };
  });
};

/** What RxJS's `TestScheduler` asks to be compared, as rows. */
export const rowsOf = (
  actual: unknown,
  expected: unknown,
): { readonly name: string; readonly actual: Mark[]; readonly expected: Mark[] } => {
  const [was, should] = [actual, expected] as readonly (readonly (Told | Subscribed)[])[];
  const marks = (entries: readonly (Told | Subscribed)[] = []): Mark[] =>
    entries.flatMap((entry) => ('frame' in entry ? markOf(entry) : marksOf(entry)));
  const name = [...(was ?? []), ...(should ?? [])].some((entry) => 'subscribedFrame' in entry)
    ? 'subscriptions'
    : 'observable';
  return { name, actual: marks(was), expected: lettered(marks(should)) };
};
