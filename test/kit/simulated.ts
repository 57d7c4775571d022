// What test/simulation.test.ts simulates: three servers, and what their clients say to them.
import * as t from 'io-ts';
import { flow } from 'fp-ts/lib/function.js';
import { lastValueFrom, mergeMap, takeWhile, tap, timer } from 'rxjs';
import { copy } from '../../operators/copy.js';
import { mapAsync } from '../../operators/map-async.js';
import { protocol } from '../../operators/protocol.js';
import { text } from '../../src/codec/text.js';
import { lengthPrefixed } from '../../src/framing/length-prefixed.js';
import type { InvertibleRule } from '../../src/framing/rule.js';
import { line } from '../../src/framing/line.js';
import { dice } from '../../src/testing/dice.js';
import { type SimulateOptions, type Talk, recite } from '../../src/testing/index.js';

type Roll = (below: number) => number;

/** What is simulated, but for the seed. */
export type Scene = Omit<SimulateOptions, 'seed'>;

/** Lengths of messages: mostly short, and now and then longer than a window. */
const LENGTHS = [0, 4, 8, 20, 20, 40, 40, 60, 60, 100, 200, 1_000];

const someBytes = (roll: Roll): Uint8Array =>
  Uint8Array.from({ length: roll((LENGTHS[roll(LENGTHS.length)] as number) + 1) }, () => roll(256));

const someMessages = (roll: Roll): Uint8Array[] => Array.from({ length: 1 + roll(8) }, () => someBytes(roll));

/** Some servers are less patient than others. */
const someServer = (seed: number): Scene['server'] & object => {
  const roll = dice(seed);
  return {
    writeDeadline: 5_000 + roll(20_000),
    halfClose: 5_000 + roll(20_000),
    drain: 5_000,
    readBuffer: roll(2) === 0 ? 'fresh' : 'poisoned',
  };
};

/** What is said comes back. */
export const echo = (seed: number): Scene => ({
  serve: (bytes) => bytes,
  talk: (_, roll) => recite(someMessages(roll).map((bytes) => [bytes, bytes])),
  server: someServer(seed),
});

const bytes = new t.Type<Uint8Array, Uint8Array, Uint8Array>(
  'bytes',
  (value): value is Uint8Array => value instanceof Uint8Array,
  t.success,
  (value) => value,
);

const plusOne = (question: Uint8Array): Uint8Array => question.map((byte) => byte + 1);

/** What is asked, and answered; after an empty question nothing is. */
const interview = (roll: Roll, framing: InvertibleRule): (readonly [Uint8Array, Uint8Array])[] => {
  let over = false;
  return someMessages(roll).map((question) => {
    const answer = over ? new Uint8Array(0) : framing.encode(plusOne(question));
    over ||= question.length === 0;
    return [framing.encode(question), answer];
  });
};

/**
 * A frame is answered with a frame, in order, after a while that differs: two at once are worked on, and the others wait.
 * With the answer to an empty question the server has enough, and ends.
 */
export const prefixed = (seed: number): Scene => {
  const framing = lengthPrefixed(2);
  return {
    serve: protocol({
      name: 'plus one',
      framing,
      message: bytes,
      firstMessage: 20_000,
      frameDeadline: 5_000,
      // A copy of what may wait: where the buffer is shared, it is overwritten.
      session: flow(
        copy(),
        takeWhile((question) => question.length > 0, true),
        mapAsync(
          2,
          async (question) => {
            await lastValueFrom(timer(question.length % 50));
            return plusOne(question);
          },
          { highWater: 1 },
        ),
      ),
    }),
    talk: (_, roll) => recite(interview(roll, framing)),
    // Two answers, of the longest there are.
    holds: 2_004,
    server: someServer(seed),
  };
};

/** How many rooms there are. */
const ROOMS = 20;

/** What somebody says for the nth time. */
const lineOf = (speaker: number, nth: number): string => `${speaker} ${nth} ${'x'.repeat((speaker * nth * 7) % 90)}`;

/** Talks in a room. Hears all that it says itself; and of the others what they have said by then, in order, or drops. */
class Guest implements Talk {
  readonly #number: number;
  /** How many lines everybody has said. */
  readonly #said: Map<number, number>;
  /** The last that was heard of each. */
  readonly #heard = new Map<number, number>();
  #left: number;
  #entered = false;
  #rest = '';

  constructor(number: number, roll: Roll, said: Map<number, number>) {
    this.#number = number;
    this.#said = said;
    this.#left = roll(8);
  }

  say(): Uint8Array | undefined {
    if (!this.#entered) {
      this.#entered = true;
      return Buffer.from(`enter ${this.#number % ROOMS}\n`);
    }
    if (this.#left-- === 0) return undefined;
    const nth = (this.#said.get(this.#number) ?? 0) + 1;
    this.#said.set(this.#number, nth);
    return Buffer.from(`${lineOf(this.#number, nth)}\n`);
  }

  hear(chunk: Uint8Array): Uint8Array | undefined {
    const lines = `${this.#rest}${Buffer.from(chunk).toString('latin1')}`.split('\n');
    this.#rest = lines.pop() as string;
    const said = lines.filter((heard) => heard !== 'ping');
    for (const heard of said) this.#hearLine(heard);
    const pings = lines.length - said.length;
    return pings === 0 ? undefined : Buffer.from('pong\n'.repeat(pings));
  }

  complete(): void {
    const [said = 0, heard = 0] = [this.#said.get(this.#number), this.#heard.get(this.#number)];
    if (heard !== said) throw new Error(`heard ${heard} of its own ${said} lines`);
    if (this.#rest !== '') throw new Error(`heard half a line: ${this.#rest}`);
  }

  #hearLine(heard: string): void {
    const [speaker = 0, nth = 0] = heard.split(' ').map(Number);
    const before = this.#heard.get(speaker) ?? 0;
    const own = speaker === this.#number;
    if (heard !== lineOf(speaker, nth)) throw new Error(`heard what nobody says: ${heard}`);
    if (nth > (this.#said.get(speaker) ?? 0)) throw new Error(`heard before it was said: ${heard}`);
    if (speaker % ROOMS !== this.#number % ROOMS) throw new Error(`heard from another room: ${heard}`);
    if (own ? nth !== before + 1 : nth <= before) throw new Error(`heard after line ${before} of them: ${heard}`);
    this.#heard.set(speaker, nth);
  }
}

/** Rooms: what one says goes to all who are in the same, and back to the one who said it. With keep-alives. */
export const chat = (seed: number): Scene => {
  const said = new Map<number, number>();
  return {
    serve: protocol({
      name: 'rooms',
      framing: line({ maxBytes: 200 }),
      message: text,
      keepAlive: { interval: 4_000, hold: 7_000, probe: 'ping', isKeepAlive: (heard) => heard === 'pong' },
      slow: { highWater: 8 },
      session: (lines, peer) =>
        lines.pipe(
          tap((heard) => {
            if (heard.startsWith('enter ')) peer.enter(heard);
            else for (const room of peer.rooms) peer.broadcast(heard, room);
          }),
          mergeMap((heard) => (heard.startsWith('enter ') ? [] : [heard])),
        ),
    }),
    talk: (number, roll) => new Guest(number, roll, said),
    server: someServer(seed),
  };
};

const SCENES = { echo, prefixed, chat };

/** One of the three, by the seed. */
export const sceneOf = (seed: number): Scene => Object.values(SCENES)[seed % 3]?.(seed) as Scene;
