import { queryObjects } from 'node:v8';
import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import { NEVER, Subject, concat, ignoreElements, map, merge, mergeMap, of, tap } from 'rxjs';
import * as assert from 'uvu/assert';
import { authenticate, frame, pauseWhile, serve } from '../operators/index.js';
import {
  type AuthGate,
  type Handler,
  type Outcome,
  type SluiceError,
  connectionGate,
  lengthPrefixed,
  memory,
  memoryBudget,
} from '../src/index.js';
import { WireConnection } from '../src/connection/connection.js';
import { Budget } from '../src/connection/memory-budget.js';
import { type Loopback, loopback } from './kit/loopback.js';
import { ManualClock } from './kit/manual-clock.js';
import { MemoryPeer } from './kit/peer.js';
import { rounds } from './kit/quiet.js';
import { raised } from './kit/raised.js';
import { suite } from './kit/suite.js';
import { until } from './kit/line-server.js';

const test = suite('the memory budget');

const KB = 1_024;
const { soft, hard } = memoryBudget;

/** A test in which the marks are low, and after which nothing is left in the account. */
const inLittle = (title: string, body: () => Promise<void>): void =>
  test(title, async () => {
    memoryBudget.set({ soft: 1_000 * KB, hard: 2_000 * KB });
    try {
      await body();
      await until(() => memoryBudget.held === 0 && memoryBudget.holders === 0 && memoryBudget.paused === 0);
    } finally {
      memoryBudget.set({ soft, hard });
    }
  });

const rule = lengthPrefixed({ width: 4, limit: 10_000 * KB });

/** A frame's header and a part of its payload. */
const begun = (size: number, sent: number): Buffer => {
  const bytes = Buffer.alloc(4 + sent);
  bytes.writeUInt32BE(size);
  return bytes;
};

const counter = (): Promise<Loopback<Outcome>> =>
  loopback(
    serve((bytes) =>
      bytes.pipe(
        frame(rule),
        map(({ length }) => Buffer.from(`${length};`)),
      ),
    ),
  );

inLittle('counts what is unfinished behind a gate, and what has come before it is open', async () => {
  let open = (): void => {};
  const opened = new Promise<string>((done) => {
    open = () => done('anybody');
  });
  const gate: AuthGate<string> = async ({ hear }) => ((await hear()).length === 1 ? opened : undefined);
  const count: Handler = (bytes) =>
    bytes.pipe(
      frame(rule),
      map(({ length }) => Buffer.from(`${length};`)),
    );
  const server = await loopback(serve(authenticate(gate, count, { framing: rule })));
  const peer = (await server.dial()).read();
  peer.send(Buffer.concat([Buffer.from([0, 0, 0, 1, 7]), begun(500 * KB, 20 * KB)]));
  await until(() => memoryBudget.held >= 20 * KB);
  open();
  peer.send(Buffer.alloc(300 * KB));
  await until(() => memoryBudget.held >= 320 * KB);
  assert.ok(memoryBudget.held <= 324 * KB, `${memoryBudget.held}`);
  peer.send(Buffer.alloc(180 * KB));
  assert.is(await peer.heard(7), '512000;');
  await until(() => memoryBudget.held === 0);
  peer.end();
  await server.stop();
});

const tagOf = (outcome: Outcome | undefined): string | undefined =>
  outcome !== undefined && E.isLeft(outcome) ? (outcome.left.error as SluiceError)._tag : 'finished';

inLittle('counts unfinished frames, and forgets them when they are whole', async () => {
  const server = await counter();
  const peer = (await server.dial()).read();
  peer.send(begun(500 * KB, 300 * KB));
  await until(() => memoryBudget.held >= 300 * KB);
  assert.is(memoryBudget.holders, 1);
  assert.ok(memoryBudget.held <= 304 * KB, `${memoryBudget.held}`);
  peer.send(Buffer.alloc(200 * KB));
  assert.is(await peer.heard(7), '512000;');
  assert.is(memoryBudget.held, 0);
  peer.end();
  await server.stop();
});

/** Connections that hold much, finish a frame, or are cut off in one. */
const comeAndGo = async (): Promise<void> => {
  const server = await counter();
  for (let count = 0; count < 20; count++) {
    const peer = (await server.dial()).read();
    peer.send(begun(50 * KB, 40 * KB));
    await until(() => memoryBudget.held >= 40 * KB);
    if (count % 2 === 0) peer.send(Buffer.alloc(10 * KB));
    else peer.reset();
    await until(() => memoryBudget.held === 0);
    peer.end();
  }
  assert.is((await server.stop()).length, 20);
};

inLittle('keeps nothing of connections that have gone', async () => {
  const alive = (): number => queryObjects(WireConnection) as number;
  await comeAndGo();
  await until(() => alive() < 5);
});

inLittle('counts what waits for a peer that does not read', async () => {
  const said = new Subject<Uint8Array>();
  const server = await loopback(serve((bytes) => merge(said, bytes.pipe(ignoreElements()))));
  const peer = await server.dial();
  for (let sent = 0; sent < 10_000 * KB && memoryBudget.held < 500 * KB; sent += 100 * KB)
    said.next(Buffer.alloc(100 * KB));
  await until(() => memoryBudget.held >= 100 * KB);
  peer.read();
  await until(() => memoryBudget.held === 0);
  said.complete();
  peer.end();
  await server.stop();
});

inLittle('beyond the soft mark, who holds more than its share is not read from until there is room', async () => {
  const server = await counter();
  const [ann, bob] = [(await server.dial()).read(), (await server.dial()).read()];
  ann.send(begun(900 * KB, 800 * KB));
  await until(() => memoryBudget.held >= 800 * KB);
  bob.send(begun(900 * KB, 900 * KB - 1));
  await until(() => memoryBudget.paused === 1);
  assert.ok(memoryBudget.held < 1_400 * KB, `${memoryBudget.held} bytes are held`);
  ann.send(Buffer.alloc(100 * KB));
  assert.is(await ann.heard(7), '921600;');
  bob.send(Buffer.alloc(1));
  assert.is(await bob.heard(7), '921600;');
  assert.is(memoryBudget.paused, 0);
  ann.end();
  bob.end();
  assert.equal((await server.stop()).map(tagOf), ['finished', 'finished']);
});

inLittle('beyond the hard mark, who holds most is closed, and the others are served', async () => {
  const closed = memoryBudget.closed;
  const said = new Subject<Uint8Array>();
  const outcomes: (string | undefined)[] = [];
  // A source that cannot be paused: its bytes wait for whoever does not read.
  const server = await loopback(
    (connections) =>
      connections.pipe(
        serve((bytes) => merge(said, bytes)),
        tap((outcome) => outcomes.push(tagOf(outcome))),
      ),
    { writeLimit: 100_000 * KB },
  );
  const [stuck, healthy] = [await server.dial(), (await server.dial()).read()];
  await until(() => server.out.length === 0);
  for (let round = 0; round < 300 && outcomes.length === 0; round++) {
    said.next(Buffer.alloc(100 * KB));
    // The healthy one needs time to read.
    // oxlint-disable-next-line no-await-in-loop
    await rounds();
  }
  await until(() => outcomes.length === 1);
  assert.equal(outcomes, ['MemoryExceeded']);
  assert.is(memoryBudget.closed, closed + 1);
  await until(() => memoryBudget.held === 0);
  healthy.send('still here');
  await until(() => healthy.text.endsWith('still here'));
  stuck.leave();
  healthy.end();
  said.complete();
  await server.stop();
});

inLittle('who is paused for its sake and finds no room within the write deadline fails', async () => {
  const clock = new ManualClock();
  memoryBudget.set({ soft: 100 * KB, hard: 10_000 * KB });
  const failures: unknown[] = [];
  const { closed } = memoryBudget;
  const pairs = [1, 2].map(() => memory({ scheduler: clock, writeDeadline: 5_000, window: 1_000 * KB }));
  for (const [near, far] of pairs) {
    near.reads.pipe(frame(rule)).subscribe({ error: (error: unknown) => failures.push(error) });
    new MemoryPeer(far).send(begun(900 * KB, 200 * KB));
    // One after the other.
    // oxlint-disable-next-line no-await-in-loop
    await rounds();
  }
  assert.is(memoryBudget.paused, 1);
  clock.advance(4_999);
  await rounds();
  assert.equal(failures, []);
  clock.advance(100);
  await rounds();
  assert.equal(
    failures.map((error) => (error as Error).message),
    [`held 65536 of the 270340 bytes that all connections held together, over the limit of ${100 * KB}`],
  );
  assert.is(memoryBudget.closed, closed + 1);
  for (const [, far] of pairs) far.abort();
  await rounds();
});

/** Connections in memory that cut their bytes into frames, by a time that moves only when it is told to; and their peers. */
const held = (
  count: number,
  writeDeadline = 5_000,
): { clock: ManualClock; pairs: (readonly [WireConnection, MemoryPeer])[]; failures: string[] } => {
  const clock = new ManualClock();
  const failures: string[] = [];
  const pairs = Array.from({ length: count }, () => {
    const [near, far] = memory({ scheduler: clock, writeDeadline, window: 1_000 * KB });
    near.reads.pipe(frame(rule)).subscribe({ error: ({ _tag }: SluiceError) => failures.push(_tag) });
    return [near as WireConnection, new MemoryPeer(far)] as const;
  });
  return { clock, pairs, failures };
};

inLittle('one may always go on: also when the one that could has gone', async () => {
  const { pairs, failures } = held(3);
  const [small, ...large] = pairs;
  small?.[1].send(begun(900 * KB, 60 * KB));
  await rounds();
  for (let sent = 0; sent < 10; sent++) {
    for (const [, peer] of large) peer.send(sent === 0 ? begun(900 * KB, 64 * KB - 4) : Buffer.alloc(64 * KB));
    // Step by step, so that they hold as much as each other.
    // oxlint-disable-next-line no-await-in-loop
    await rounds();
  }
  assert.is(memoryBudget.paused, 2);
  assert.is(memoryBudget.holders, 3);
  small?.[0].abort();
  await until(() => memoryBudget.paused === 1);
  assert.ok(memoryBudget.held > 875 * KB, `${memoryBudget.held} bytes are too many for all to go on`);
  for (const [, peer] of large) peer.send(Buffer.alloc(900 * KB));
  await until(() => memoryBudget.held === 0 && memoryBudget.paused === 0);
  assert.equal(failures, ['ConnectionAborted']);
  for (const [near] of large) near.abort();
  await rounds();
});

inLittle('who is paused and reads anew is not read from before there is room', async () => {
  memoryBudget.set({ soft: 100 * KB, hard: 10_000 * KB });
  const { pairs } = held(1);
  pairs[0]?.[1].send(begun(900 * KB, 60 * KB));
  await rounds();
  const [near, far] = memory({ window: 100 * KB }) as [WireConnection, WireConnection];
  const said = new Subject<Uint8Array>();
  said.pipe(near.writes).subscribe({ error: () => {} });
  for (let count = 0; count < 4; count++) said.next(Buffer.alloc(100 * KB));
  await until(() => memoryBudget.paused === 1);
  far.writes(of(Buffer.from('anybody there?'))).subscribe({ error: () => {} });
  // It is read for somebody else, and not for what is written to it.
  const [other, end] = memory();
  near.reads.pipe(other.writes).subscribe({ error: () => {} });
  const heard = new MemoryPeer(end).read();
  await rounds();
  assert.equal([heard.text, near.resting, memoryBudget.paused], ['', true, 1]);
  pairs[0]?.[0].abort();
  assert.is(await heard.heard(14), 'anybody there?');
  for (const one of [near, other]) one.abort();
  await rounds();
});

inLittle('whose peer takes what it is sent, slowly and in time, is not failed for being paused meanwhile', async () => {
  memoryBudget.set({ soft: 100 * KB, hard: 10_000 * KB });
  const clock = new ManualClock();
  const failures: unknown[] = [];
  const peers = [1, 2, 3].map(() => {
    const [near, far] = memory({ scheduler: clock, writeDeadline: 5_000, window: 100 * KB });
    concat(of(Buffer.alloc(3_000 * KB)), NEVER)
      .pipe(near.writes)
      .subscribe({ error: (error: unknown) => failures.push(error) });
    return new MemoryPeer(far);
  });
  await rounds();
  let paused = 0;
  for (let second = 0; second < 12; second++) {
    for (const peer of peers) peer.sip();
    // oxlint-disable-next-line no-await-in-loop
    await rounds();
    paused = Math.max(paused, memoryBudget.paused);
    clock.advance(1_000);
    // oxlint-disable-next-line no-await-in-loop
    await rounds();
  }
  assert.equal(failures, []);
  assert.is(paused, 2);
  for (const peer of peers) peer.reset();
  await rounds();
});

inLittle('nothing is left in the account of what a stream that failed had written, once it has left', async () => {
  const clock = new ManualClock();
  const said = new Subject<Uint8Array>();
  const server = await loopback(
    serve(() => said),
    { scheduler: clock },
  );
  const peer = await server.dial();
  for (let sent = 0; sent < 20_000 * KB && memoryBudget.held < 500 * KB; sent += 100 * KB)
    said.next(Buffer.alloc(100 * KB));
  assert.ok(memoryBudget.held >= 500 * KB);
  said.error(new Error('of the program'));
  peer.read();
  // Its own end is still to come, and its time stands still.
  await until(() => memoryBudget.held === 0);
  peer.end();
  await server.stop();
});

inLittle('who is read for a frame of another does not hold what that one holds', async () => {
  const behindAGate = (handler: Handler): Handler =>
    authenticate(
      connectionGate(() => 'anybody'),
      handler,
      { framing: rule },
    );
  const paused =
    (handler: Handler): Handler =>
    (bytes, connection) =>
      handler(bytes.pipe(pauseWhile(of(false))), connection);
  for (const guarded of [behindAGate, paused]) {
    const [near, far] = memory() as [WireConnection, WireConnection];
    const [behind, end] = memory({ readLimit: 64 * KB }) as [WireConnection, WireConnection];
    const asks: Handler = (bytes) =>
      bytes.pipe(
        frame(rule),
        mergeMap(() => behind.reads),
      );
    of(near)
      .pipe(serve(guarded(asks)))
      .subscribe();
    const [peer, backend] = [new MemoryPeer(far).read(), new MemoryPeer(end)];
    peer.send(Buffer.from([0, 0, 0, 1, 7]));
    // One after the other.
    // oxlint-disable-next-line no-await-in-loop
    await rounds();
    peer.send(begun(900 * KB, 300 * KB));
    // oxlint-disable-next-line no-await-in-loop
    await until(() => near.counted >= 300 * KB);
    backend.send('hi');
    // oxlint-disable-next-line no-await-in-loop
    assert.is(await peer.heard(2), 'hi');
    assert.equal([behind.counted, behind.state], [0, 'open']);
    for (const one of [near, behind]) one.abort();
    // oxlint-disable-next-line no-await-in-loop
    await rounds();
  }
});

/** One that holds as much as it is told to. */
const holder = (account: Budget, told: string[], name: string) => ({
  counted: 0,
  press: (pressed: boolean): void => void told.push(`${name} ${pressed ? 'rests' : 'goes on'}`),
  exceed(): void {
    told.push(`${name} goes`);
    this.holds(0);
  },
  holds(bytes: number): void {
    const before = this.counted;
    this.counted = bytes;
    if (bytes !== before) account.count(this, before);
  },
});

inLittle('nobody goes on in the midst of what another does', async () => {
  memoryBudget.set({ soft: 400 * KB, hard: 10_000 * KB });
  const [other] = held(1).pairs;
  other?.[1].send(begun(900 * KB, 250 * KB));
  await rounds();
  // Each frame has more wait for a peer that does not read; but it is read for somebody else.
  const [near, far] = memory({ window: 100 * KB }) as [WireConnection, WireConnection];
  const [next, end] = memory() as [WireConnection, WireConnection];
  const said = new Subject<Uint8Array>();
  said.pipe(near.writes).subscribe({ error: () => {} });
  let handled = 0;
  const answer = (): void => {
    handled++;
    said.next(Buffer.alloc(100 * KB));
  };
  near.reads.pipe(frame(lengthPrefixed(1)), tap(answer), next.writes).subscribe({ error: () => {} });
  const heard = new MemoryPeer(end).read();
  far.writes(of(Buffer.from([1, 7, 1, 8, 1, 9]))).subscribe({ error: () => {} });
  await until(() => memoryBudget.paused === 1);
  assert.is(handled, 2);
  other?.[0].abort();
  assert.equal([handled, memoryBudget.paused], [2, 0], 'it may, and has not yet');
  assert.is(await heard.heard(3), '\x07\x08\x09');
  for (const one of [near, next]) one.abort();
  await rounds();
});

test('whatever is held and let go, the account is right, and one may go on', async () => {
  const doing = fc.record({ who: fc.nat(5), bytes: fc.constantFrom(0, 0, 100, 200, 400, 800), ticks: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(doing, { maxLength: 40 }), async (events) => {
      const account = new Budget(2_000);
      const told: string[] = [];
      const all = Array.from({ length: 6 }, (_, at) => holder(account, told, `${at}`));
      for (const { who, bytes, ticks } of events) {
        all[who]?.holds(bytes);
        // oxlint-disable-next-line no-await-in-loop
        if (ticks) await new Promise<void>((ticked) => process.nextTick(ticked));
        const sizes = all.map(({ counted }) => counted).filter((counted) => counted > 0);
        const sum = sizes.reduce((one, other) => one + other, 0);
        assert.equal([account.held, account.holders], [sum, sizes.length]);
        assert.ok(!ticks || sum <= account.hard);
        assert.ok(account.paused === 0 || (account.paused < sizes.length && sum > (account.soft * 7) / 8));
      }
      const rests = told.filter((what) => what.endsWith('rests')).length;
      const goesOn = told.filter((what) => what.endsWith('goes on')).length;
      assert.is(rests - goesOn, account.paused);
    }),
  );
});

inLittle('the marks can be changed at any time, and must make sense', async () => {
  assert.equal([memoryBudget.soft, memoryBudget.hard], [1_000 * KB, 2_000 * KB]);
  memoryBudget.set({ hard: 500 });
  assert.equal([memoryBudget.soft, memoryBudget.hard], [500, 500]);
  assert.throws(
    () => memoryBudget.set({ hard: 0 }),
    raised(RangeError, /^hard must be a whole number from 1 to \d+, got 0$/),
  );
  assert.throws(() => memoryBudget.set({ soft: 501 }), raised(RangeError, /^soft must be .* from 1 to 500, got 501$/));
  assert.equal([memoryBudget.soft, memoryBudget.hard], [500, 500]);
  assert.throws(
    () => memoryBudget.set({ soft: 200, hard: 100 }),
    raised(RangeError, /^soft must be .* from 1 to 100, got 200$/),
  );
  assert.equal([memoryBudget.soft, memoryBudget.hard], [500, 500], 'all of it, or nothing');
});

test.run();
