import { bad, good } from './stories.js';

/** Vitest's own, by its option `globals`. */
declare const test: (name: string, body: () => Promise<void>) => void;

test('good', good);
test('bad', bad);
