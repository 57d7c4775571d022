import type { Handler } from '../../src/server/outcome.js';
import { marbles } from '../../src/testing/index.js';

const echo: Handler = (bytes) => bytes;

/** A story that comes out, for any runner. */
export const good = marbles(async ({ serve, client, pass, expectReceived, expectClosed }) => {
  serve(echo);
  client('ann', '        --a 1h b|', { a: 'hi', b: 'ho' });
  await pass('1s');
  expectReceived('ann', '--a 1h b|', { a: 'hi', b: 'ho' });
  expectClosed('ann', '  --- 1h -x', { x: 'finished' });
});

/** A story that does not. */
export const bad = marbles(({ serve, client, expectReceived, expectOpen }) => {
  serve(echo);
  client('ann', '        --a', { a: 'hi' });
  expectReceived('ann', '--a', { a: 'ho' });
  expectOpen('ann');
});
