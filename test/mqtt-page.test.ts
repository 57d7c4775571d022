// What docs/mqtt.md says of the example is so. (Its programs are run by docs.test.ts.)
import * as assert from 'uvu/assert';
import { defaultLimits } from '../examples/mqtt/limits.js';
import { suite } from './kit/suite.js';
import { walksThrough } from './kit/walkthrough.js';

const test = suite('mqtt: page');

const page = walksThrough(test, 'mqtt', 2);

test('every limit is in its table', () => {
  for (const name of Object.keys(defaultLimits)) assert.match(page, new RegExp(`^\\|.*\`${name}\`.*\\|$`, 'm'));
});

test.run();
