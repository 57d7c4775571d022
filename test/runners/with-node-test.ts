import test from 'node:test';
import { bad, good } from './stories.js';

void test('good', good);
void test('bad', bad);
