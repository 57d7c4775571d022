import { connect } from 'node:net';
import { once } from 'node:events';
import { type OperatorFunction, identity, ignoreElements, map, merge, tap } from 'rxjs';
import * as assert from 'uvu/assert';
import {
  type AuthGate,
  type Handler,
  type ListenOptions,
  connectionGate,
  fromAsyncIterable,
  lengthPrefixed,
  line,
} from '../src/index.js';
import * as pull from '../operators/ix/index.js';
import { authenticate, concatMap, frame, mapAsync, prefixLength, serve } from '../operators/index.js';
import { loopback } from './kit/loopback.js';
import { suite } from './kit/suite.js';

const test = suite('frames per turn');

const EMPTY = 1_000_000;
const ASKED = 100_000;

/** Counts by the turns of the event loop: how much there was of something in the turn in which there was most. */
const mostInATurn = (): { readonly count: () => void; readonly most: () => number; readonly stop: () => void } => {
  let most = 0;
  let now = 0;
  const turn = (): void => {
    now = 0;
    next = setImmediate(turn);
  };
  let next = setImmediate(turn);
  return {
    count: () => {
      most = Math.max(most, ++now);
    },
    most: () => most,
    stop: () => clearImmediate(next),
  };
};

const flood = async (
  options: Partial<ListenOptions>,
  guarded: (handler: Handler) => Handler = (handler) => handler,
  answer: OperatorFunction<Uint8Array, Uint8Array> = identity,
): Promise<{ most: number; handled: number }> => {
  const turns = mostInATurn();
  let handled = 0;
  const count = (): void => {
    handled++;
    turns.count();
  };
  const server = await loopback(
    serve(guarded((bytes) => bytes.pipe(frame(lengthPrefixed(2)), tap(count), answer, ignoreElements()))),
    options,
  );
  const peer = connect(server.port);
  peer.resume().end(Buffer.alloc(2 * EMPTY));
  await once(peer, 'close');
  await server.stop();
  turns.stop();
  return { most: turns.most(), handled };
};

test('a million empty frames are handled a share at a time, and all of them', async () => {
  const { most, handled } = await flood({});
  assert.is(handled, EMPTY);
  assert.ok(most < 2 * 1_024, `${most} in one turn`);
});

test('behind a gate, or two, it is the same', async () => {
  const gate = connectionGate(() => 'anybody');
  const behind = (handler: Handler): Handler => authenticate(gate, handler, { framing: line() });
  for (const guarded of [behind, (handler: Handler) => behind(behind(handler))]) {
    const { most, handled } = await flood({}, guarded);
    assert.is(handled, EMPTY);
    assert.ok(most < 2 * 1_024, `${most} in one turn`);
  }
});

test('in front of a gate it is the same, however much the gate asks', async () => {
  const turns = mostInATurn();
  let heard = 0;
  const curious: AuthGate<string> = async ({ hear }) => {
    for (;;) {
      // One after another is what a dialogue is.
      // oxlint-disable-next-line no-await-in-loop
      await hear();
      heard++;
      turns.count();
    }
  };
  const server = await loopback(serve(authenticate(curious, (bytes) => bytes, { framing: lengthPrefixed(2) })));
  const peer = connect(server.port);
  peer.resume().end(Buffer.alloc(2 * ASKED));
  await once(peer, 'close');
  await server.stop();
  turns.stop();
  assert.is(heard, ASKED);
  assert.ok(turns.most() < 2 * 1_024, `${turns.most()} in one turn`);
});

test('with answers that take a promise each it is the same', async () => {
  for (const answer of [
    mapAsync(4, async (message: Uint8Array) => message),
    concatMap(async (message: Uint8Array) => message),
  ]) {
    const { most, handled } = await flood({}, identity, answer);
    assert.is(handled, EMPTY);
    assert.ok(most < 2 * 1_024, `${most} in one turn`);
  }
});

test('a handler that pulls is held to a thousand, too', async () => {
  const turns = mostInATurn();
  let handled = 0;
  const pulled: Handler = (bytes) =>
    fromAsyncIterable(
      (async function* () {
        for await (const message of pull.frame(lengthPrefixed(2))(pull.toAsyncIterable()(bytes))) {
          handled++;
          turns.count();
          if (message.length > 0) yield message;
        }
      })(),
    );
  const server = await loopback(serve(pulled));
  const peer = connect(server.port);
  peer.resume().end(Buffer.alloc(2 * ASKED));
  await once(peer, 'close');
  await server.stop();
  turns.stop();
  assert.is(handled, ASKED);
  assert.ok(turns.most() < 2 * 1_024, `${turns.most()} in one turn`);
});

test('how large the share is can be set', async () => {
  const { most, handled } = await flood({ framesPerTurn: 4_096, readBuffer: 'poisoned' });
  assert.is(handled, EMPTY);
  assert.ok(most > 1_024 && most < 2 * 4_096, `${most} in one turn`);
});

test('who asks little is answered between the shares of eight who flood', async () => {
  const rule = lengthPrefixed(2);
  let flooded = 0;
  const seen: number[] = [];
  const server = await loopback(
    serve((bytes) =>
      bytes.pipe(
        frame(rule),
        tap((message) => {
          if (message.length === 0) flooded++;
          else seen.push(flooded);
        }),
        map((message) => message),
        prefixLength(2),
      ),
    ),
  );
  const floods = Array.from({ length: 8 }, () => connect(server.port).resume());
  for (const peer of floods) peer.end(Buffer.alloc(EMPTY / 4));
  const asker = connect(server.port);
  for (let asked = 0; asked < 20; asked++) {
    asker.write(rule.encode(Buffer.from('hi')));
    // One question after the other is the point.
    // oxlint-disable-next-line no-await-in-loop
    await once(asker, 'data');
  }
  asker.end();
  await once(asker.resume(), 'close');
  await server.stop();
  assert.is(flooded, EMPTY);
  // From one question to the next there is a turn, or a few; the floods have eight shares in each.
  const between = seen.slice(1).map((count, at) => count - (seen[at] as number));
  assert.ok(
    between.filter((count) => count > 16 * 8 * 1_024).length === 0,
    `frames of the floods between two questions: ${between.join(', ')}`,
  );
});

test('what comes before the end is handled to the last frame, and what is paused meanwhile stays so', async () => {
  let handled = 0;
  const server = await loopback(
    serve((bytes, connection) =>
      merge(
        bytes.pipe(
          frame(lengthPrefixed(1)),
          tap(() => handled++),
          ignoreElements(),
        ),
      ).pipe(tap({ complete: () => assert.is(connection.resting, false) })),
    ),
  );
  const peer = connect(server.port);
  peer.resume().end(Buffer.alloc(10_000));
  await once(peer, 'close');
  await server.stop();
  assert.is(handled, 10_000);
});

test.run();
