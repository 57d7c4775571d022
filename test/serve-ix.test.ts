// The pull twins of serve and of toBatches: what the push ones do, told as loops.
import { Subject, of } from 'rxjs';
import * as assert from 'uvu/assert';
import { serve as pushServe } from '../operators/serve.js';
import { frameLines } from '../operators/ix/frame-lines.js';
import { type Handler, serve } from '../operators/ix/serve.js';
import { toAsyncIterable } from '../operators/ix/to-async-iterable.js';
import { type Connection } from '../src/connection/connection.js';
import { memory } from '../src/connection/memory.js';
import type { Outcome } from '../src/server/outcome.js';
import { fromAsyncIterable } from '../src/source/from-async-iterable.js';
import { suite } from './kit/suite.js';

const test = suite('ix: serve');
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (chunk: Uint8Array): string => new TextDecoder().decode(chunk);

const nameOf = (outcome: Outcome): string =>
  outcome._tag === 'Right' ? 'finished' : (outcome.left.error as Error).name;

const collect = async <A>(values: AsyncIterable<A>): Promise<A[]> => {
  const all: A[] = [];
  for await (const value of values) all.push(value);
  return all;
};

/** What a client hears that sends `said` and its end. */
const talk = async (client: Connection, said: string): Promise<string> => {
  of(bytes(said))
    .pipe(client.writes)
    .subscribe({ error: () => {} });
  return (await collect(toAsyncIterable()(client.reads))).map(text).join('');
};

const echo: Handler = (chunks) => chunks;

async function* shout(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  for await (const line of frameLines()(chunks)) yield bytes(`${text(line).toUpperCase()}\n`);
}

async function* greeter(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  yield bytes('name?\n');
  for await (const line of frameLines()(chunks)) {
    yield bytes(`hello ${text(line)}\n`);
    return;
  }
}

async function* broken(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  for await (const chunk of chunks) {
    yield chunk;
    throw new RangeError('in the middle');
  }
}

// One table: what the handler says to a peer that says `a\nb\n` and ends, and how that comes out.
const cases = [
  ['bytes go back', echo, 'a\nb\n', 'finished'],
  ['frames, pulled', shout, 'A\nB\n', 'finished'],
  ['a handler that returns early', greeter, 'name?\nhello a\n', 'finished'],
  ['a handler that throws: what it had said is said', broken, 'a\nb\n', 'RangeError'],
] as const;

for (const [name, handler, heard, outcome] of cases) {
  test(name, async () => {
    const [server, client] = memory();
    const said = talk(client, 'a\nb\n');
    const outcomes = await collect(serve(handler)(toAsyncIterable()(of(server))));
    assert.equal(outcomes.map(nameOf), [outcome]);
    assert.is(await said, heard);
  });
}

test('gives the outcomes of its push twin', async () => {
  const [a, clientA] = memory();
  const [b, clientB] = memory();
  const said = [talk(clientA, 'x\n'), talk(clientB, 'x\n')];
  const pulled = collect(serve(shout)(toAsyncIterable()(of(a))));
  const pushed = collect(
    toAsyncIterable()(of(b).pipe(pushServe((reads) => fromAsyncIterable(shout(toAsyncIterable()(reads)))))),
  );
  assert.equal((await pulled).map(nameOf), (await pushed).map(nameOf));
  assert.equal(await Promise.all(said), ['X\n', 'X\n']);
});

test('serves one after another when told to', async () => {
  const pairs = [memory(), memory(), memory()];
  let most = 0;
  let now = 0;
  async function* counted(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    most = Math.max(most, ++now);
    yield* chunks;
    now--;
  }
  const said = pairs.map(([, client]) => talk(client, 'hi'));
  const outcomes = await collect(
    serve(counted, { concurrency: 1 })(toAsyncIterable()(of(...pairs.map(([server]) => server)))),
  );
  assert.is(outcomes.length, 3);
  assert.is(most, 1);
  assert.equal(await Promise.all(said), ['hi', 'hi', 'hi']);
});

test('a peer that resets ends its handler, and nobody else', async () => {
  const [server, client] = memory();
  let ended = false;
  async function* waits(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    try {
      yield* chunks;
    } finally {
      ended = true;
    }
  }
  const outcomes = collect(serve(waits)(toAsyncIterable()(of(server))));
  setImmediate(() => client.abort());
  assert.equal((await outcomes).map(nameOf), ['ConnectionReset']);
  assert.ok(ended);
});

test('toAsyncIterable: one by one, in order, and return unsubscribes at once', async () => {
  const source = new Subject<number>();
  const values = toAsyncIterable()(source)[Symbol.asyncIterator]();
  const first = values.next();
  const second = values.next();
  source.next(1);
  source.next(2);
  source.next(3);
  assert.equal(
    await Promise.all([first, second, values.next()]).then((all) => all.map(({ value }) => value as number)),
    [1, 2, 3],
  );
  const waiting = values.next();
  assert.ok(source.observed);
  await values.return?.();
  assert.not.ok(source.observed);
  assert.equal(await waiting, { value: undefined, done: true });
});

test.run();
