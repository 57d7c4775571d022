// The simulation itself: the same seed is the same simulation, and it finds what is planted. The many seeds are in
// test/alone/simulation.test.ts.
import { NEVER, concatMap, delay, interval, map, merge, mergeMap, of, tap, timer } from 'rxjs';
import * as assert from 'uvu/assert';
import { frameFixed } from '../operators/frame-fixed.js';
import { budget } from '../src/connection/memory-budget.js';
import type { Wire } from '../src/connection/wire.js';
import { type Talk, SimulationFailed, recite, simulate } from '../src/testing/index.js';
import { simulateWith } from '../src/testing/simulate.js';
import { PassingWire } from './kit/bad-wire.js';
import { type Scene, chat, echo, prefixed, sceneOf } from './kit/simulated.js';
import { suite } from './kit/suite.js';

const test = suite('the simulation', undefined, { timeout: 20_000 });

const told = async (seed: number): Promise<readonly [digest: string, lines: readonly string[]]> => {
  const lines: string[] = [];
  const { digest } = await simulate({ seed, ...sceneOf(seed), clients: 40, log: (line) => lines.push(line) });
  return [digest, lines];
};

for (const seed of [3, 4, 5]) {
  test(`seed ${seed} is the same simulation every time`, async () => {
    const [digest, lines] = await told(seed);
    const [again, others] = await told(seed);
    assert.ok(lines.length > 200);
    assert.equal(others, lines);
    assert.is(again, digest);
    assert.is.not((await told(seed + 3))[0], digest);
  });
}

test('what came of it', async () => {
  const { seed, took, endings, said, heard, complete } = await simulate({ seed: 7, ...echo(7), clients: 40 });
  assert.is(seed, 7);
  assert.ok(took > 90_000);
  assert.ok((endings['finished'] ?? 0) > 5);
  assert.ok(said > 1_000 && heard > 1_000 && heard <= said);
  assert.ok(complete >= 4, 'those who come at the end are complete');
});

test('a bad time that does not last is no excuse', async () => {
  const { endings } = await simulate({ seed: 1, ...echo(1), clients: 10, lasts: 1 });
  assert.ok((endings['finished'] ?? 0) >= 8, JSON.stringify(endings));
});

// ── what is planted ─────────────────────────────────────────────────────────────────────────────────────────────────

interface Planted {
  readonly scene: (seed: number) => Scene;
  readonly wire?: (wire: Wire) => Wire;
}

/** True once in so many times. */
const onceIn = (times: number): boolean => Math.random() * times < 1;

/** Something that is wrong with wires. */
const wires = (make: (wire: Wire) => Wire, scene = echo): Planted => ({ scene, wire: make });

/** Something that is wrong with a server of echo. */
const echoes = (serve: Scene['serve']): Planted => ({ scene: (seed) => ({ ...echo(seed), serve }) });

/** All that is found within 20 seeds of 40 clients, and how it is told. */
const PLANTED: Readonly<Record<string, readonly [RegExp, Planted]>> = {
  'a wire that brings a chunk twice': [
    /client \d+: heard .* where .* was due/,
    wires(
      (wire) =>
        new (class extends PassingWire {
          override received(chunk: Uint8Array): void {
            super.received(chunk);
            if (onceIn(200)) super.received(chunk);
          }
        })(wire),
    ),
  ],
  'a wire that loses a chunk': [
    /client \d+: heard/,
    wires(
      (wire) =>
        new (class extends PassingWire {
          override received(chunk: Uint8Array): void {
            if (!onceIn(200)) super.received(chunk);
          }
        })(wire),
    ),
  ],
  'a wire that sends a chunk twice': [
    /heard/,
    wires(
      (wire) =>
        new (class extends PassingWire {
          override write(chunk: Uint8Array): boolean {
            if (onceIn(200)) super.write(chunk);
            return super.write(chunk);
          }
        })(wire),
      chat,
    ),
  ],
  'a connection that forgets to close': [
    /has gone, and the server still has it|had to be cut|has not stopped|is left/,
    wires((wire) => {
      const forgets = onceIn(50);
      return new (class extends PassingWire {
        override gone(): void {
          if (!forgets) super.gone();
        }
      })(wire);
    }),
  ],
  'a connection that does not hear of room': [
    /server does not read|waits for the end|has met with: (WriteStalled|HalfCloseTimeout)/,
    wires(
      (wire) =>
        new (class extends PassingWire {
          override drained(): void {
            if (!onceIn(4)) super.drained();
          }
        })(wire),
    ),
  ],
  'a connection that does not hear of the end': [
    /waits for the end of the server/,
    wires(
      (wire) =>
        new (class extends PassingWire {
          override ended(): void {
            if (!onceIn(20)) super.ended();
          }
        })(wire),
    ),
  ],
  'a server that loses a byte': [
    /client \d+: heard .* where .* was due/,
    echoes((bytes) => bytes.pipe(map((chunk) => (onceIn(200) ? chunk.subarray(1) : chunk)))),
  ],
  'a server that loses the last byte': [
    /client \d+: heard \d+ bytes of \d+/,
    {
      scene: (seed) => ({
        ...prefixed(seed),
        serve: (bytes) =>
          bytes.pipe(
            frameFixed(4),
            map((frame) => (onceIn(20) ? new Uint8Array(0) : frame)),
          ),
        talk: () => recite([['word', 'word']]),
      }),
    },
  ],
  'a server that says a chunk twice': [
    /client \d+: heard .* where .* was due/,
    echoes((bytes) => bytes.pipe(mergeMap((chunk) => (onceIn(200) ? [chunk, chunk] : [chunk])))),
  ],
  'a server that stores what it cannot send': [
    /client \d+: the server holds \d+ bytes for it/,
    {
      scene: (seed) => ({
        ...echo(seed),
        serve: (bytes) =>
          bytes.pipe(
            frameFixed(4),
            mergeMap(() => Array.from({ length: 5 }, () => new Uint8Array(100_000))),
          ),
        talk: () => recite([['word', new Uint8Array(500_000)]]),
        holds: 50_000,
      }),
    },
  ],
  'an operator that reorders': [
    /heard .* where .* was due/,
    {
      scene: (seed) => ({
        ...prefixed(seed),
        serve: (bytes) => bytes.pipe(mergeMap((chunk) => of(chunk.slice()).pipe(delay(chunk.length % 3)))),
        talk: echo(seed).talk,
      }),
    },
  ],
  'an operator that keeps what is only lent': [
    /heard .*hex db db|heard .* where/,
    echoes((bytes) => bytes.pipe(concatMap((chunk) => timer(1).pipe(mergeMap(() => [chunk]))))),
  ],
  'a handler that says what nobody asked for': [
    /heard .* where .* was due/,
    echoes((bytes) => merge(bytes, timer(5_000).pipe(mergeMap(() => (onceIn(20) ? [Uint8Array.of(1)] : []))))),
  ],
  'a handler that throws': [
    /the handler of client \d+ failed: Error: no more/,
    echoes((bytes) =>
      bytes.pipe(
        tap(() => {
          if (onceIn(300)) throw new Error('no more');
        }),
      ),
    ),
  ],
  'a handler that never completes': [
    /client \d+ .* met with: HalfCloseTimeout/,
    echoes((bytes) => merge(bytes, NEVER)),
  ],
  'a handler that leaves a timer': [
    /timers are left\n {2}to go off at .*simulation\.test/,
    {
      scene: (seed) => ({
        ...echo(seed),
        serve: (bytes) => {
          if (onceIn(100)) interval(7_000).subscribe();
          return bytes;
        },
        log: () => {},
      }),
    },
  ],
  'a promise that nobody waits for': [
    /unhandled rejection: Error: nobody/,
    echoes((bytes) => {
      if (onceIn(100)) void Promise.resolve().then(() => Promise.reject(new Error('nobody')));
      return bytes;
    }),
  ],
  'an error in a turn of its own': [
    /uncaught: Error: alone/,
    echoes((bytes) => {
      if (onceIn(100))
        process.nextTick(() => {
          throw new Error('alone');
        });
      return bytes;
    }),
  ],
  'a handler that waits for something real': [
    /waits for something real/,
    echoes((bytes) => {
      if (onceIn(100)) setTimeout(() => {}, 1_000).unref();
      return bytes;
    }),
  ],
};

/** What is found by this seed, if it finds it. */
const foundBy = async (
  seed: number,
  { scene, wire = (same) => same }: Planted,
): Promise<SimulationFailed | undefined> => {
  try {
    await simulateWith({ seed, ...scene(seed), clients: 40 }, wire);
    return undefined;
  } catch (error) {
    if (error instanceof SimulationFailed) return error;
    throw error;
  }
};

/** The seed by which it is found, and what is said of it. */
const foundIn = async (planted: Planted): Promise<SimulationFailed> => {
  for (let seed = 1; seed <= 20; seed++) {
    // oxlint-disable-next-line no-await-in-loop
    const found = await foundBy(seed, planted);
    if (found !== undefined) return found;
  }
  throw new Error('not found within 20 seeds');
};

for (const [name, [words, planted]] of Object.entries(PLANTED)) {
  test(`finds ${name}, and finds it again`, async () => {
    const { message, seed } = await foundIn(planted);
    assert.match(message, words);
    assert.match(
      message,
      new RegExp(`^seed ${seed} \\(clients: 40, lasts: 30000(, holds: \\d+)?\\):\nat \\d+\\.\\d+s: `),
    );
    assert.is((await foundBy(seed, planted))?.message, message);
  });
}

test('is as it was again after one that failed', async () => {
  const before = await told(3);
  const random = Math.random;
  await foundIn(echoes((bytes) => merge(bytes, NEVER)));
  assert.is(Math.random, random);
  assert.is(budget.holders, 0);
  assert.equal(await told(3), before);
});

// ── talks that are known beforehand ─────────────────────────────────────────────────────────────────────────────────

const talk = (): Talk =>
  recite([
    ['ask', 'answer'],
    [Uint8Array.of(1), ''],
    ['more', 'and more'],
  ]);

const bytes = (text: string): Uint8Array => Buffer.from(text);

test('recite says one after the other, and hears the same however it is cut', () => {
  const one = talk();
  assert.is(Buffer.from(one.say() as Uint8Array).toString(), 'ask');
  one.hear(bytes('ans'));
  assert.throws(() => one.complete?.(), /^heard 3 bytes of 6$/);
  one.hear(bytes('wer'));
  one.complete?.();
  assert.equal([...(one.say() as Uint8Array)], [1]);
  assert.is(Buffer.from(one.say() as Uint8Array).toString(), 'more');
  assert.is(one.say(), undefined);
  one.hear(bytes('and more'));
  one.complete?.();
});

test('recite knows what is wrong, early or too much', () => {
  const early = talk();
  assert.throws(() => early.hear(bytes('a')), /^heard "a".* where "".* was due, after 0 bytes$/);
  early.say();
  assert.throws(() => early.hear(bytes('answerand')), /was due, after 0 bytes$/);
  early.hear(bytes('answer'));
  assert.throws(() => early.hear(bytes('answer')), /was due, after 6 bytes$/);
});

test.run();
