// Where a request ends. Redis knows two ways to ask:
//
//   *2\r\n $3\r\nGET\r\n $1\r\nk\r\n      an array of bulks, which is what clients send
//   GET k\r\n                            a line, for people with a terminal
import { type Front, type Rule, type Verdict, found, malformed, more } from 'sluice';
import type { Limits } from './limits.js';

const [STAR, DOLLAR, MINUS, CR, LF] = [0x2a, 0x24, 0x2d, 0x0d, 0x0a];
const [ZERO, NINE] = [0x30, 0x39];

/** Of a number that has not come to its end, and of one that is none. */
const NOT_YET = -1;
const NO_NUMBER = -2;

/** How long a request may be, and whether that is so because its client has not said the password. */
export type Allowed = Pick<Limits, 'bulk' | 'arguments' | 'request' | 'inline'> & { readonly stranger: boolean };

/** Places of so many arguments are kept from one request to the next. */
const KEPT = 1024;

/**
 * The rule of one connection: a frame is a whole request, without the line end of an inline one.
 *
 * A value of 512 MB comes in thousands of chunks, and so may a million arguments: the rule remembers how far it has
 * looked into the request under way, and what stands where, so that no byte of it is looked at twice. That is why each
 * connection has its own.
 */
export class RequestRule implements Rule {
  readonly name = 'resp';
  /** To be changed when the client has said the password. */
  allowed: Allowed;
  /** Where each argument of the array that was found last begins in its frame, and where it ends; and how many there are. */
  places: number[] = [];
  count = 0;
  /** Where the next header begins, and how many arguments have come. */
  #at = 0;
  #come = 0;
  /** Where the number that was read last ends, its CR LF included. */
  #after = 0;

  constructor(allowed: Allowed) {
    this.allowed = allowed;
  }

  get capacity(): number {
    return this.allowed.request;
  }

  judge(front: Front, seen: number): Verdict {
    if (front.at(0) !== STAR) return this.#judgeLine(front, seen);
    if (seen === 0) this.#at = 0;
    return this.#at === 0 ? this.#judgeArray(front) : this.#judgeBulks(front);
  }

  #judgeLine(front: Front, seen: number): Verdict {
    const end = front.indexOf(LF, seen);
    const { inline } = this.allowed;
    if (end > inline || (end < 0 && front.length > inline)) return malformed('too big inline request');
    return end < 0 ? more : found(0, end, 1);
  }

  #judgeArray(front: Front): Verdict {
    const allowed = this.allowed;
    const count = this.#number(front, 1);
    if (count === NOT_YET) return more;
    if (count === NO_NUMBER || count > allowed.arguments) {
      const unknown = allowed.stranger && count > allowed.arguments;
      return malformed(unknown ? 'unauthenticated multibulk length' : 'invalid multibulk length');
    }
    this.count = count;
    // An array of nothing asks nothing, and is answered with nothing.
    if (count === 0) return found(0, this.#after);
    this.#at = this.#after;
    this.#come = 0;
    if (this.places.length > KEPT * 2) this.places = [];
    return this.#judgeBulks(front);
  }

  #judgeBulks(front: Front): Verdict {
    const allowed = this.allowed;
    for (;;) {
      const at = this.#at;
      const first = front.at(at);
      if (first < 0) return more;
      if (first !== DOLLAR) return malformed(`expected '$', got '${String.fromCharCode(first)}'`);
      const length = this.#number(front, at + 1);
      if (length === NOT_YET) return more;
      if (length === NO_NUMBER || length > allowed.bulk) {
        const unknown = allowed.stranger && length > allowed.bulk;
        return malformed(unknown ? 'unauthenticated bulk length' : 'invalid bulk length');
      }
      const start = this.#after;
      const end = start + length;
      const last = this.#come === this.count - 1;
      const lf = front.at(end + 1);
      // Of the last bulk the end is known: it is looked at again when all of it is there.
      if (lf >= 0 || !last) {
        const cr = front.at(end);
        if ((cr >= 0 && cr !== CR) || (lf >= 0 && lf !== LF)) return malformed('expected a line end behind a bulk');
      }
      this.places[this.#come * 2] = start;
      this.places[this.#come * 2 + 1] = end;
      if (last) return found(0, end + 2);
      if (lf < 0) return more;
      this.#at = end + 2;
      this.#come++;
    }
  }

  /** A number, and the line end behind it. Judged as it comes: what cannot become one is refused at once. */
  #number(front: Front, start: number): number {
    let value = 0;
    let at = start;
    let byte = front.at(at);
    // `*-1` is an array of nothing, as `*0` is. A bulk of fewer bytes than none is refused, by its sign.
    const negative = byte === MINUS && start === 1;
    if (negative) byte = front.at(++at);
    const digits = at;
    while (byte >= ZERO && byte <= NINE) {
      if (at > digits && value === 0) return NO_NUMBER;
      value = value * 10 + byte - ZERO;
      if (value > 0xffffffff) return NO_NUMBER;
      byte = front.at(++at);
    }
    if (byte < 0) return NOT_YET;
    if (byte !== CR || at === digits || (negative && value === 0)) return NO_NUMBER;
    const lf = front.at(at + 1);
    if (lf < 0) return NOT_YET;
    if (lf !== LF) return NO_NUMBER;
    this.#after = at + 2;
    return negative ? 0 : value;
  }
}
