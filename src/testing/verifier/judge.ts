import { onesOf } from '../deliveries.js';
import { type Attempt, attempt, deliveredIn, trialOf } from './attempt.js';
import { shownMatch } from './error-match.js';
import {
  type Terms,
  isLate,
  rightFrames,
  unlike,
  wrongAfterLeaving,
  wrongAtEnd,
  wrongAtReset,
  wrongByCase,
  wrongByKeeping,
} from './laws.js';
import { frameLiteral } from './literal.js';
import { same } from './same.js';
import type { Stream } from './stream.js';
import { type Outcome, type Work, RESET } from './trial.js';

/** What is wrong with a run. */
export interface Complaint {
  readonly wrong: string;
  /** What should have come of it, in words. */
  readonly expected: string;
  readonly got: string;
  /** Whether it came to no end: to see that again takes long. */
  readonly hung: boolean;
}

/** The same, before it is put in words: most of what is right is never shown. */
interface Flaw {
  readonly wrong: string;
  readonly expected: () => string;
}

const flaw = (wrong: string | undefined, expected: () => string): Flaw | undefined =>
  wrong === undefined ? undefined : { wrong, expected };

export const shownFrames = (frames: readonly unknown[]): string => `[${frames.map(frameLiteral).join(', ')}]`;

const shownError = (error: unknown): string => (error instanceof Error ? String(error) : frameLiteral(error));

export const shownOutcome = ({ frames, failed }: Outcome): string =>
  failed === undefined ? shownFrames(frames) : `${shownFrames(frames)}, then ${shownError(failed.error)}`;

const shownStream = ({ frames, error }: Stream): string =>
  error === undefined ? shownFrames(frames) : `${shownFrames(frames)}, then ${shownMatch(error)}`;

const shownWhole = (whole: Outcome): string => `${shownOutcome(whole)}, as in one chunk`;

/** Looks at what comes of an attempt. That is work, as it compares with what comes of the same bytes in one chunk. */
export class Judge {
  readonly #terms: Terms;
  readonly #known = new WeakMap<Stream, Map<number, Outcome>>();

  constructor(terms: Terms) {
    this.#terms = terms;
  }

  /** What comes of a stream, or of its first bytes, in one chunk. */
  *whole(stream: Stream, length = stream.wire.length): Work<Outcome> {
    const known = this.#known.get(stream) ?? new Map<number, Outcome>();
    this.#known.set(stream, known);
    const before = known.get(length);
    if (before !== undefined) return before;
    const outcome = yield trialOf(attempt('split', stream, [length]));
    known.set(length, outcome);
    return outcome;
  }

  /** What comes of a stream byte by byte. */
  *byByte(stream: Stream): Work<Outcome> {
    return yield trialOf(attempt('split', stream, onesOf(stream.wire.length)));
  }

  /** Whether the case is right for a stream that is cut like this. `late`: frames may come as late as the end. */
  *isRight(stream: Stream, sizes: readonly number[], late: boolean): Work<boolean> {
    const outcome = yield trialOf(attempt('split', stream, sizes));
    if (outcome.hung || wrongByCase(stream, outcome) !== undefined) return false;
    return late || !this.#terms.prompt || !isLate(stream, outcome);
  }

  /** Whether the first bytes of a stream, in one chunk, give the frames with which its frames begin, however many. */
  *isSteady(stream: Stream): Work<boolean> {
    for (let length = 0; length < stream.wire.length; length++) {
      const { came, early } = yield* this.whole(stream, length);
      if (rightFrames(came.slice(0, early), stream.frames) < early) return false;
    }
    return true;
  }

  /** What is wrong with what comes of an attempt; nothing where all is well. */
  *judge(tried: Attempt): Work<Complaint | undefined> {
    const first = yield trialOf(tried);
    for (const outcome of first.beside === undefined ? [first] : [first, first.beside]) {
      const found = yield* this.#flawOf(tried, outcome);
      if (found === undefined) continue;
      const { wrong, expected } = found;
      return { wrong, expected: expected(), got: shownOutcome(outcome), hung: outcome.hung };
    }
    return undefined;
  }

  *#flawOf(tried: Attempt, outcome: Outcome): Work<Flaw | undefined> {
    const expected = (): string => shownStream(tried.stream);
    if (outcome.hung) return flaw('it neither ends nor fails', expected);
    return (yield* this.#flawByCheck(tried, outcome)) ?? flaw(outcome.faults[0], expected);
  }

  *#flawByCheck(tried: Attempt, outcome: Outcome): Work<Flaw | undefined> {
    const { check, stream, leave } = tried;
    const terms = this.#terms;
    if (check === 'end') return yield* this.#flawAtEnd(tried, outcome);
    if (check === 'leave')
      return flaw(wrongAfterLeaving(stream, outcome, leave), () => shownFrames(stream.frames.slice(0, leave)));
    if (check === 'reset')
      return flaw(
        wrongAtReset(stream, outcome, terms),
        () => `${shownFrames(stream.frames.slice(0, outcome.early))}, then ${String(RESET)}`,
      );
    const wrong = wrongByCase(stream, outcome) ?? wrongByKeeping(stream, outcome, check === 'poison', terms);
    if (wrong !== undefined) return flaw(wrong, () => shownStream(stream));
    const whole = yield* this.whole(stream);
    if (wrongByCase(stream, whole) !== undefined) return undefined;
    return flaw(unlike(outcome, whole, terms), () => shownWhole(whole));
  }

  *#flawAtEnd(tried: Attempt, outcome: Outcome): Work<Flaw | undefined> {
    const { stream } = tried;
    const length = deliveredIn(tried);
    const whole = yield* this.whole(stream, length);
    const afterFrame = length === 0 || whole.early > (yield* this.whole(stream, length - 1)).early;
    const wrong = wrongAtEnd(stream, outcome, afterFrame, this.#terms);
    if (wrong !== undefined) return flaw(wrong, () => this.#shownEnd(stream.frames.slice(0, outcome.early)));
    const differs = same(outcome.frames, whole.frames)
      ? unlike(outcome, whole, this.#terms)
      : 'the frames depend on how the bytes are cut';
    return flaw(differs, () => shownWhole(whole));
  }

  #shownEnd(frames: readonly unknown[]): string {
    const { truncated } = this.#terms;
    if (truncated === 'drop') return shownFrames(frames);
    return `${shownFrames(frames)}, then ${truncated === 'error' ? 'an error' : 'what is left, an error or nothing'}`;
  }
}
