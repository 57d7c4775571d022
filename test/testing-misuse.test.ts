// What the test kit says to arguments that are none.
import * as assert from 'uvu/assert';
import {
  type Fault,
  everySplit,
  faults,
  loopback,
  marbles,
  parseRecording,
  plainClient,
  readRecording,
  recite,
  replay,
  simulate,
  within,
} from '../src/testing/index.js';
import { suite } from './kit/suite.js';

const test = suite('sluice/testing, misused');
const none = null as never;

/** What is said to a fault that is none. */
const adding = async (fault: unknown): Promise<void> => {
  await using network = await faults({ to: 1 });
  network.add(fault as Fault);
};

/** What is said to an option of a simulation. */
const simulating = (options: object): Promise<unknown> =>
  simulate({ seed: 1, clients: 1, serve: (bytes) => bytes, talk: () => recite([]), ...options });

const cases: readonly (readonly [string, () => unknown, RegExp])[] = [
  ['marbles', () => marbles(none), /story must be a function, got null/],
  ['marbles, options', () => marbles(() => {}, none), /options must be an object, got null/],
  ['everySplit', () => everySplit(none), /story must be a function, got null/],
  ['everySplit, options', () => everySplit(() => {}, none), /options must be an object, got null/],
  ['within', () => within(-1, () => {}), /ms must be a time from 1/],
  ['within, body', () => within(1, none), /body must be a function, got null/],
  ['loopback', () => loopback(none), /handler must be a function/],
  ['plainClient', () => plainClient(none), /where must be an object, got null/],
  ['parseRecording', () => parseRecording(none), /text must be the text of a recording, got null/],
  ['readRecording', () => readRecording(none), /path must be a text that is not empty, got null/],
  ['faults', () => faults(none), /options must be an object, got null/],
  ['faults, to', () => faults({ to: none }), /to must be an object, got null/],
  ['faults, port', () => faults({ to: -1 }), /port must be a whole number from .*, got -1/],
  ['faults, seed', () => faults({ to: 1, seed: 0.5 }), /seed must be a whole number from 0/],
  ['a fault', () => adding(none), /fault must be an object, got null/],
  ['a fault of no kind', () => adding({ type: 'rain' }), /type must be one of "latency", "bandwidth", .*, got "rain"/],
  [
    'a fault, towards',
    () => adding({ type: 'latency', ms: 1, towards: 'me' }),
    /towards must be one of "server", "client", got "me"/,
  ],
  ['a fault, chance', () => adding({ type: 'reset', chance: 2 }), /chance must be a number from 0 to 1, got 2/],
  ['latency', () => adding({ type: 'latency' }), /ms must be a number, got undefined/],
  ['jitter', () => adding({ type: 'latency', ms: 1, jitter: 2 }), /jitter must be a number from 0 to 1, got 2/],
  ['bandwidth', () => adding({ type: 'bandwidth', bytesPerSecond: 0 }), /bytesPerSecond must be a whole number from 1/],
  ['slicer', () => adding({ type: 'slicer', size: 0 }), /size must be a whole number from 1/],
  [
    'slicer, variation',
    () => adding({ type: 'slicer', size: 2, variation: 2 }),
    /variation must be .*from 0 to 1, got 2/,
  ],
  ['byte limit', () => adding({ type: 'byte-limit', bytes: -1 }), /bytes must be a whole number from 0/],
  ['slow close', () => adding({ type: 'slow-close', ms: 0 }), /ms must be a time from 1/],
  ['black hole', () => adding({ type: 'black-hole', ms: 0 }), /ms must be a time from 1/],
  ['reset', () => adding({ type: 'reset', ms: -1 }), /ms must be a time from 0/],
  ['recite', () => recite(none), /exchanges must be an object, got null/],
  ['recite, bytes', () => recite([['a', none]]), /bytes must be a Uint8Array or a text, got null/],
  ['simulate', () => simulate(none), /options must be an object, got null/],
  ['simulate, seed', () => simulating({ seed: -1 }), /seed must be a whole number from 0 .*, got -1/],
  ['simulate, serve', () => simulating({ serve: none }), /handler must be a function/],
  ['simulate, talk', () => simulating({ talk: none }), /talk must be a function, got null/],
  ['simulate, clients', () => simulating({ clients: 0 }), /clients must be a whole number from 1/],
  ['simulate, lasts', () => simulating({ lasts: 0 }), /lasts must be a time from 1/],
  ['simulate, holds', () => simulating({ holds: -1 }), /holds must be a whole number from 0/],
  ['simulate, server', () => simulating({ server: none }), /server must be an object, got null/],
  ['simulate, log', () => simulating({ log: 'log' }), /log must be a function/],
  ['replay', () => replay(none, none), /recording must be an object, got null/],
];

for (const [name, call, message] of cases) {
  test(name, async () => {
    let thrown: unknown;
    try {
      await call();
    } catch (error) {
      thrown = error;
    }
    assert.ok(thrown instanceof TypeError || thrown instanceof RangeError, String(thrown));
    assert.match(thrown.message, message);
  });
}

test.run();
