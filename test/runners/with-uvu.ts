import { test } from 'uvu';
import { bad, good } from './stories.js';

test('good', good);
test('bad', bad);
test.run();
