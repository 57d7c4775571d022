// What the test kit says to arguments that are none.
import * as assert from 'uvu/assert';
import {
  everySplit,
  loopback,
  marbles,
  parseRecording,
  plainClient,
  readRecording,
  replay,
  within,
} from '../src/testing/index.js';
import { suite } from './kit/suite.js';

const test = suite('sluice/testing, misused');
const none = null as never;

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
