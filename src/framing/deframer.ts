import { checkBoolean, checkHook, checkInteger, checkObject, checkOneOf } from '../check.js';
import { FrameTooLong, MalformedFrame, TruncatedFrame } from '../errors.js';
import { BytesAtHand } from './bytes-at-hand.js';
import { type Found, type Rule, type TooLong, type Verdict, checkRule } from './rule.js';

/** What becomes of a frame that is longer than its rule allows: it ends the stream, or it is left out and counted. */
export type TooLongPolicy = 'error' | 'skip';

/** What becomes of a frame that the end of the stream cuts short: an error, nothing, or what there is of it. */
export type TruncatedPolicy = 'error' | 'drop' | 'emit';

/** What can be set for a deframer, and for the `frame` operators. */
export interface DeframerOptions {
  /**
   * What becomes of a frame that is too long (default `'error'`). `'skip'` leaves it out, counts it, and holds no more
   * of it than is needed to find its end. A length beyond 2^53 is an error all the same.
   */
  readonly onTooLong?: TooLongPolicy;
  /**
   * What becomes of a frame that the end of the stream cuts short (default `'error'`). `'emit'` gives the payload as
   * far as it came; where the rule does not know yet where the payload begins, all that came.
   */
  readonly onTruncated?: TruncatedPolicy;
  /**
   * The rule for what follows `frame`, which was cut by `rule`: for a header that says how long its body is, or a
   * protocol that turns to raw bytes. Bytes that have come already are cut by the new rule. An error that it throws is
   * the stream's, after `frame`.
   */
  readonly next?: (frame: Uint8Array, rule: Rule) => Rule;
  /** Told of each frame that is left out because it is too long. An error that it throws is the stream's. */
  readonly onSkipped?: (why: FrameTooLong) => void;
  /** Where another deframer stopped: this one goes on from there. */
  readonly state?: DeframerState;
}

/** Where a deframer is, as a plain value that can be cloned and sent elsewhere. */
export interface DeframerState {
  /** The name of the rule in force, where it has one. The rule itself has to be given again. */
  readonly rule: string | undefined;
  /** The bytes that have come and are not cut. */
  readonly bytes: Uint8Array;
  /** Bytes of the stream before the frame that is under way. */
  readonly offset: number;
  /** Bytes of that frame that were let go of already: it is too long, and being skipped. */
  readonly dropped: number;
  /** Bytes of it that are still to come and to be skipped; -1: all, until the rule finds an end. */
  readonly skip: number;
  /** Frames skipped so far. */
  readonly skipped: number;
  /** Whether it is over: an error was thrown. */
  readonly over: boolean;
}

/** Of the frame that is being skipped no size is known: its end has to be found. */
const TO_END = -1;

const checkTruncated = (policy: unknown): TruncatedPolicy =>
  checkOneOf<TruncatedPolicy>('onTruncated', policy, ['error', 'drop', 'emit']);

/**
 * Cuts bytes into frames, wherever the network has cut them into chunks: the one loop that every rule shares.
 *
 *     const frames = deframer(line());
 *     frames.push(chunk);
 *     for (let frame = frames.next(); frame !== undefined; frame = frames.next()) handle(frame);
 *
 * A header is judged as soon as it is whole, and a frame whose size is known is not judged again before it is there.
 * A frame is a view where it lies whole in a chunk, a copy where it does not.
 */
export class Deframer {
  // What each frame touches stands first, then what each chunk does.
  readonly #hand = new BytesAtHand();
  #rule: Rule;
  /** With fewer bytes at hand there is nothing to judge. Infinite while a frame is skipped, and once it is over. */
  #need = 1;
  /** Bytes at the front that were judged before. */
  #seen = 0;
  #offset = 0;
  /** Whether the bytes at hand are the last. */
  #last = false;
  readonly #following: ((frame: Uint8Array, rule: Rule) => Rule) | undefined;
  #over = false;
  #skip = 0;
  #ended = false;
  /** An error that is to follow the frame that led to it. */
  #failure: { readonly error: unknown } | null = null;
  #dropped = 0;
  #skipped = 0;
  readonly #onTooLong: TooLongPolicy;
  #onTruncated: TruncatedPolicy;
  readonly #onSkipped: ((why: FrameTooLong) => void) | undefined;

  constructor(rule: Rule, options: DeframerOptions = {}) {
    const { onTooLong = 'error', onTruncated = 'error', next, state } = checkObject('options', options);
    this.#rule = checkRule(rule);
    this.#onTooLong = checkOneOf<TooLongPolicy>('onTooLong', onTooLong, ['error', 'skip']);
    this.#onTruncated = checkTruncated(onTruncated);
    this.#following = checkHook('next', next);
    this.#onSkipped = checkHook('onSkipped', options.onSkipped);
    if (state !== undefined) this.#restore(checkObject('state', state));
  }

  /** The rule in force. Set another between two calls of `next`, and it cuts what follows. */
  get rule(): Rule {
    return this.#rule;
  }

  set rule(rule: Rule) {
    this.#rule = checkRule(rule);
    this.#seen = 0;
    if (this.#need !== Infinity) this.#need = 1;
  }

  /** Bytes that have come and are neither cut nor let go of. */
  get held(): number {
    return this.#hand.total;
  }

  /** Bytes of the stream before the frame that is under way, or is to come next. */
  get offset(): number {
    return this.#offset;
  }

  /** Whether some bytes of a frame have come and not all of it. To be asked when `next` has given nothing. */
  get underWay(): boolean {
    return this.#dropped > 0 || this.#hand.total > 0;
  }

  /** Frames that were too long and were skipped. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Takes in a chunk. It is not copied before `next` gives nothing, and must not be changed before that. */
  push(chunk: Uint8Array): void {
    if (!this.#over) this.#hand.push(chunk);
  }

  /** Says that no more chunks will come. A frame that is cut short by that goes by the policy, or by the one given. */
  end(onTruncated: TruncatedPolicy = this.#onTruncated): void {
    this.#onTruncated = checkTruncated(onTruncated);
    this.#ended = true;
  }

  /**
   * The next whole frame; nothing when more bytes are needed, or when it is over.
   *
   * Throws a `FramingError` where no frame can be cut, and whatever a rule throws. Then it is over.
   */
  next(): Uint8Array | undefined {
    const hand = this.#hand;
    try {
      for (;;) {
        const { length } = hand;
        if (length < this.#need) {
          if (this.#refill()) continue;
          return this.#atEnd();
        }
        const verdict = this.#rule.judge(hand, this.#seen, this.#last);
        if (verdict.answer !== 'found') {
          this.#unfound(verdict);
          continue;
        }
        const { header, payload, size } = verdict;
        if (size > length || size > this.#rule.capacity) {
          this.#notYet(size);
          continue;
        }
        const frame = hand.cut(header, payload, size);
        this.#offset += size;
        this.#seen = 0;
        this.#need = 1;
        if (this.#following !== undefined) this.#follow(this.#following, frame);
        return frame;
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Has its own copy of the chunk at hand: for a chunk that was lent, where its frames are not all taken at once. */
  keep(): void {
    this.#hand.keep();
  }

  /** Takes out all bytes that are not cut, to hand them on to something else. */
  rest(): Uint8Array {
    const bytes = this.#hand.copy();
    this.#hand.clear();
    this.#passed(bytes.length);
    return bytes;
  }

  /** Where it is at this moment, in the middle of a frame too. An end that it was told of is not part of that. */
  state(): DeframerState {
    return {
      rule: this.#rule.name,
      bytes: this.#hand.copy(),
      offset: this.#offset,
      dropped: this.#dropped,
      skip: this.#skip,
      skipped: this.#skipped,
      over: this.#over,
    };
  }

  /** Lets go of all bytes and gives nothing more. */
  close(): void {
    this.#hand.clear();
    this.#over = true;
    this.#need = Infinity;
    this.#skip = 0;
    this.#dropped = 0;
    this.#failure = null;
  }

  #restore(state: DeframerState): void {
    if (!(state.bytes instanceof Uint8Array)) throw new TypeError('state.bytes must be bytes');
    this.#offset = checkInteger('state.offset', state.offset, 0);
    this.#dropped = checkInteger('state.dropped', state.dropped, 0);
    this.#skip = checkInteger('state.skip', state.skip, TO_END);
    this.#skipped = checkInteger('state.skipped', state.skipped, 0);
    if (this.#skip !== 0) this.#need = Infinity;
    if (checkBoolean('state.over', state.over)) this.close();
    else this.#hand.push(state.bytes);
  }

  #judge(): Verdict {
    return this.#rule.judge(this.#hand, this.#seen, this.#last);
  }

  /** Whether there is something new to judge. */
  #refill(): boolean {
    if (this.#skip !== 0) return this.#skipOn();
    if (this.#hand.advance(this.#rule.capacity, this.#need)) return true;
    if (!this.#ended || this.#last || this.#hand.length === 0) return false;
    this.#last = true;
    this.#need = 1;
    return true;
  }

  /** The front is no frame, or not yet one. */
  #unfound(verdict: Exclude<Verdict, Found>): void {
    const { capacity } = this.#rule;
    if (verdict.answer === 'malformed') {
      throw new MalformedFrame(verdict.reason, this.#offset, verdict.guess, verdict.cause);
    }
    if (verdict.answer === 'too long') this.#refuse(verdict);
    else if (this.#hand.length >= capacity) this.#refuse({ got: capacity + 1, limit: capacity });
    else this.#notYet(this.#hand.length + 1);
  }

  /** Waits until `size` bytes are at hand, if a frame may have so many. */
  #notYet(size: number): void {
    const { capacity } = this.#rule;
    if (size > capacity) {
      this.#refuse({ got: size, limit: capacity, size });
      return;
    }
    this.#need = size;
    this.#seen = this.#hand.length;
  }

  #refuse({ got, limit, size, guess }: Partial<TooLong> & Pick<TooLong, 'got' | 'limit'>): void {
    const why = (): FrameTooLong => new FrameTooLong(got, limit, this.#offset, guess);
    if (this.#onTooLong === 'error' || !Number.isSafeInteger(size ?? 0)) throw why();
    this.#skipped++;
    this.#skip = size ?? TO_END;
    this.#need = Infinity;
    this.#onSkipped?.(why());
  }

  /** Lets go of what has come of a frame that is too long. Answers whether that was all of it. */
  #skipOn(): boolean {
    const hand = this.#hand;
    do {
      if (this.#skip === TO_END && hand.length > 0) this.#lookForEnd();
      if (this.#skip === TO_END) continue;
      const count = Math.min(this.#skip, hand.length);
      this.#drop(count);
      this.#skip -= count;
      if (this.#skip > 0) continue;
      this.#passed(0);
      return true;
    } while (hand.advance(this.#rule.capacity));
    return false;
  }

  /** Finds out how much there is to skip, or lets go of all bytes but those with which an end may begin. */
  #lookForEnd(): void {
    this.#last = this.#ended && !this.#hand.waits;
    const verdict = this.#judge();
    if (verdict.answer === 'found' || (verdict.answer === 'too long' && verdict.size !== undefined)) {
      this.#skip = verdict.size as number;
      return;
    }
    const kept = Math.min(this.#rule.tail ?? 0, this.#hand.length);
    this.#drop(this.#hand.length - kept);
    this.#seen = kept;
  }

  #drop(count: number): void {
    this.#hand.drop(count);
    this.#dropped += count;
  }

  /** The frame is behind us, its last `size` bytes included. */
  #passed(size: number): void {
    this.#offset += this.#dropped + size;
    this.#dropped = 0;
    this.#skip = 0;
    this.#seen = 0;
    this.#need = 1;
  }

  /** Asks for the rule of what follows. Where that fails, the frame is given first. */
  #follow(following: (frame: Uint8Array, rule: Rule) => Rule, frame: Uint8Array): void {
    try {
      const rule = following(frame, this.#rule);
      if (rule !== this.#rule) this.rule = rule;
    } catch (error) {
      this.close();
      this.#failure = { error };
    }
  }

  /** Nothing more can be cut. */
  #atEnd(): Uint8Array | undefined {
    if (this.#failure !== null) throw this.#failure.error;
    if (!this.#ended || !this.underWay) return undefined;
    if (this.#onTruncated === 'error') throw new TruncatedFrame(this.#dropped + this.held, this.#offset);
    const frame = this.#onTruncated === 'emit' && this.#skip === 0 ? this.#remainder() : undefined;
    this.close();
    return frame;
  }

  /** What there is of the payload of the last frame. */
  #remainder(): Uint8Array {
    const { length } = this.#hand;
    const verdict = this.#judge();
    if (verdict.answer !== 'found') return this.#hand.cut(0, length, length);
    const header = Math.min(verdict.header, length);
    return this.#hand.cut(header, Math.min(verdict.payload, length - header), length);
  }
}

/** A deframer that cuts by `rule`. Throws where the rule or an option is none. */
export const deframer = (rule: Rule, options?: DeframerOptions): Deframer => new Deframer(rule, options);
