// A pool among sources and consumers: who rests when, and what is held meanwhile.
import { type Observable, Subject, concatMap, defer, map, merge, of } from 'rxjs';
import * as assert from 'uvu/assert';
import { pool } from '../operators/index.js';
import type { Pool } from '../operators/index.js';
import { flow, inScope, openScope } from '../src/flow/scope.js';
import { Valve } from '../src/flow/valve.js';
import { QueueOverflow } from '../src/index.js';
import { Feed, Sink, warnings } from './kit/flow.js';
import { ManualClock } from './kit/manual-clock.js';
import { PaperServer } from './kit/paper-server.js';
import { suite } from './kit/suite.js';

const test = suite('pool and flow');

/** What a stream of requests keeps by itself, at most. */
const HELD = 16;

const setUp = (max: number, depth = 1): { server: PaperServer; paper: Pool<string, string> } => {
  const server = new PaperServer();
  server.open = true;
  const scheduler = new ManualClock();
  return { server, paper: pool<string>({ dial: server.dial, protocol: server.session, max, depth, scheduler }) };
};

const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => `r${index}`);
const capitals = (count: number): string[] => Array.from({ length: count }, (_, index) => `R${index}`);

for (const [how, through] of [
  ['at once', (requests: Observable<string>) => requests],
  [
    'through plain operators',
    (requests: Observable<string>) =>
      merge(requests.pipe(map((text) => text)), of()).pipe(concatMap((text) => of(text))),
  ],
] as const) {
  test(`the source rests while all connections are in use, ${how}`, () => {
    const { server, paper } = setUp(2, 3);
    const feed = new Feed<string>();
    const sink = new Sink<string>(1_000).drink(through(feed.values).pipe(paper.ask()));
    feed.give(...numbers(500));
    assert.is(
      server.alive.reduce((sum, { open }) => sum + open.length, 0),
      6,
    );
    assert.ok(feed.emitted <= 6 + HELD, `${feed.emitted} were taken`);
    for (let rounds = 0; sink.queue.length < 500 && rounds < 500; rounds++) {
      for (const line of server.alive) line.answer();
      assert.ok(
        feed.emitted <= sink.queue.length + 6 + HELD + 6,
        `${feed.emitted} were taken, ${sink.queue.length} answered`,
      );
    }
    assert.equal(sink.queue, capitals(500));
    feed.end();
    assert.ok(sink.completed);
  });
}

test('while a consumer below is full nothing is asked, and what is under way is kept for it', () => {
  const { server, paper } = setUp(2, 2);
  const feed = new Feed<string>();
  const sink = new Sink<string>(3).drink(feed.values.pipe(paper.ask()));
  feed.give(...numbers(200));
  for (let rounds = 0; rounds < 50; rounds++) server.answerAll();
  assert.ok(sink.queue.length <= 3 + 4, `${sink.queue.length} came to a consumer that takes three`);
  const taken: string[] = [];
  for (let rounds = 0; taken.length < 200 && rounds < 500; rounds++) {
    taken.push(...sink.take(2));
    server.answerAll();
  }
  assert.equal(taken, capitals(200));
  assert.ok(sink.most <= 3 + 4);
});

test('one whose consumer is slow holds up nobody else on the same connection', () => {
  const { server, paper } = setUp(1, 4);
  const [slow, quick] = [new Feed<string>(), new Feed<string>()];
  const stuck = new Sink<string>(1).drink(slow.values.pipe(paper.ask()));
  const taken = new Sink<string>(1_000).drink(quick.values.pipe(paper.ask()));
  slow.give(...numbers(100));
  quick.give(...numbers(100));
  for (let rounds = 0; rounds < 200; rounds++) server.answerAll();
  assert.equal(taken.queue, capitals(100));
  assert.ok(stuck.queue.length <= 5);
});

test('a stream that leaves while its source rests lets it go on', () => {
  const { server, paper } = setUp(1);
  const feed = new Feed<string>();
  const shared = new Subject<string>();
  const sink = new Sink<string>(10).drink(merge(feed.values, shared).pipe(paper.ask()));
  feed.give(...numbers(100));
  sink.leave();
  assert.not.ok(feed.subscribed);
  server.answerAll();
  assert.is(server.lines[0]?.asked.length, 1);
  assert.is(paper.statistics.waiting, 0);
});

test('what is dialled and what is talked over it belongs to no stream that happens to be the first to need it', () => {
  const server = new PaperServer();
  const found: unknown[] = [];
  const note = (): void => {
    found.push(flow.scope.valve, flow.emitting);
  };
  const paper = pool<string>({
    dial: defer(() => {
      note();
      return server.dial;
    }),
    protocol: (connection) => (requests) =>
      defer(() => {
        note();
        return requests.pipe(server.session(connection));
      }),
    scheduler: new ManualClock(),
  });
  const feed = new Feed<string>();
  const sink = new Sink<string>(1).drink(feed.values.pipe(paper.ask()));
  feed.give('a');
  inScope({ ...openScope, valve: new Valve() }, () => server.accept());
  server.answerAll();
  assert.equal(sink.queue, ['A']);
  assert.equal(found, [null, null, null, null]);
});

test('a source that cannot be paused is named once, kept in order, and not without bound', () => {
  const told = warnings();
  try {
    const { server, paper } = setUp(1);
    const requests = new Subject<string>();
    const answers: string[] = [];
    let failure: unknown;
    requests.pipe(paper.ask()).subscribe({
      next: (answer) => answers.push(answer),
      error: (error: unknown) => {
        failure = error;
      },
    });
    for (const request of numbers(100)) requests.next(request);
    assert.equal(told.messages, ['pool.ask is full, and found no source above it that can be paused']);
    for (let rounds = 0; rounds < 100; rounds++) server.answerAll();
    assert.equal(answers, capitals(100));
    for (const request of numbers(65_540)) requests.next(request);
    assert.instance(failure, QueueOverflow);
  } finally {
    told.stop();
  }
});

test.run();
