// A pool and a server on paper, in a test's own time: who gets which connection and when, and what goes wrong.
import { type Observable, Subject, concat, finalize, from, mergeMap, retry, throwError, toArray } from 'rxjs';
import * as assert from 'uvu/assert';
import { type Lent, type Pool, type PoolOptions, pool } from '../operators/index.js';
import { AcquireTimeout, PeerIdle, PoolFull, RequestLost } from '../src/index.js';
import { warnings } from './kit/flow.js';
import { ManualClock } from './kit/manual-clock.js';
import { type PaperLine, PaperServer } from './kit/paper-server.js';
import { suite } from './kit/suite.js';

const test = suite('pool');

interface Setting {
  readonly clock: ManualClock;
  readonly server: PaperServer;
  readonly paper: Pool<string, string>;
  /** Asks, and gives what comes of it: the answer, or the error. */
  readonly ask: (request: string) => Came;
  readonly take: (answers: Observable<unknown>) => Came;
}

interface Came {
  /** What has come so far. */
  readonly values: unknown[];
  /** `over`, or the error. */
  end: unknown;
  stop(): void;
}

const setUp = (options: Partial<PoolOptions<string, string>> = {}): Setting => {
  const clock = new ManualClock();
  const server = new PaperServer();
  const paper = pool<string>({
    name: 'paper',
    dial: server.dial,
    protocol: server.session,
    scheduler: clock,
    random: () => 1,
    ...options,
  });
  const take = (answers: Observable<unknown>): Came => {
    const came: Came = { values: [], end: undefined, stop: () => subscription.unsubscribe() };
    const subscription = answers.subscribe({
      next: (value) => came.values.push(value),
      error: (error: unknown) => {
        came.end = error;
      },
      complete: () => {
        came.end = 'over';
      },
    });
    return came;
  };
  return { clock, server, paper, take, ask: (request) => take(paper.ask(request)) };
};

/** What is under way on each line that is open. */
const underWay = ({ alive }: PaperServer): string => alive.map(({ open }) => open.join('')).join(' ');
const line = ({ lines }: PaperServer, at: number): PaperLine => lines[at] as PaperLine;

test('dials when it is asked and not before, asks, answers, and keeps the connection', () => {
  const { server, paper, ask } = setUp();
  assert.is(server.dials.length, 0);
  const first = ask('a');
  assert.is(server.dials.length, 1);
  server.accept();
  assert.equal(line(server, 0).open, ['a']);
  assert.equal(first.values, []);
  line(server, 0).answer();
  assert.equal([first.values, first.end], [['A'], 'over']);
  const second = ask('b');
  line(server, 0).answer();
  assert.equal([second.values, second.end], [['B'], 'over']);
  assert.equal(paper.statistics, {
    open: 1,
    idle: 1,
    busy: 0,
    dialling: 0,
    waiting: 0,
    inFlight: 0,
    made: 1,
    failed: 0,
    lost: 0,
    retired: 0,
    answered: 2,
    timedOut: 0,
  });
});

test('an answer that is subscribed to twice is asked for twice, and one that is not is not asked for', () => {
  const { server, paper, take } = setUp();
  server.open = true;
  const answer = paper.ask('a');
  assert.equal(server.lines, []);
  const [one, other] = [take(answer), take(answer)];
  server.answerAll();
  assert.equal([one.values, other.values], [['A'], ['A']]);
});

test('a connection is dialled when all others are in use, up to max', () => {
  const { server, paper, ask } = setUp({ max: 2 });
  server.open = true;
  for (const request of 'abc') ask(request);
  assert.is(underWay(server), 'a b');
  assert.is(paper.statistics.waiting, 1);
  line(server, 1).answer();
  assert.is(underWay(server), 'a c');
  server.answerAll();
  ask('d');
  assert.is(server.lines.length, 2);
});

test('a connection that is being closed still counts: the server never sees more than max', () => {
  const { server, ask, paper } = setUp({ max: 1 });
  const leaving: (() => void)[] = [];
  server.open = true;
  server.linger = (over) => {
    leaving.push(over);
  };
  ask('a');
  line(server, 0).answer();
  line(server, 0).lose(new Error('broken'));
  ask('b');
  assert.equal([server.lines.length, paper.statistics.open, paper.statistics.dialling], [1, 0, 0]);
  for (const leave of leaving) leave();
  assert.equal(line(server, 1).asked, ['b']);
});

test('no more dials are under way than those who wait need', () => {
  const deep = setUp({ depth: 4 });
  for (const request of 'abcde') deep.ask(request);
  assert.is(deep.server.dials.length, 2);
  const loans = setUp({ depth: 4 });
  loans.take(loans.paper.use(() => new Subject()));
  loans.take(loans.paper.use(() => new Subject()));
  loans.ask('a');
  assert.is(loans.server.dials.length, 3);
});

test('pipelined, one connection does until it is full, then the least busy is asked', () => {
  const { server, ask } = setUp({ max: 2, depth: 3 });
  server.open = true;
  for (const request of 'abc') ask(request);
  assert.is(underWay(server), 'abc');
  ask('d');
  assert.is(underWay(server), 'abc d');
  ask('e');
  assert.is(underWay(server), 'abc de');
  line(server, 0).answer();
  line(server, 0).answer();
  ask('f');
  assert.is(underWay(server), 'cf de');
});

test('answers go to those who asked, however many are under way', () => {
  const { server, ask } = setUp({ max: 1, depth: 8 });
  server.open = true;
  const asked = Array.from('abcde').map((request) => ask(request));
  server.answerAll();
  assert.equal(
    asked.map(({ values }) => values),
    [['A'], ['B'], ['C'], ['D'], ['E']],
  );
});

for (const [order, used] of [
  ['lifo', 1],
  ['fifo', 0],
] as const) {
  test(`${order}: of several idle ones it is line ${used} that is used`, () => {
    const { server, ask } = setUp({ order, max: 3 });
    server.open = true;
    for (const request of 'abc') ask(request);
    // They become idle in the order 0, 2, 1.
    for (const at of [0, 2, 1]) line(server, at).answer();
    ask('d');
    assert.equal(line(server, used).open, ['d']);
  });
}

test('min: dialled when the pool is made, and dialled again when one is lost', () => {
  const { clock, server, paper } = setUp({ min: 2, max: 3, idle: 100 });
  assert.is(server.dials.length, 2);
  server.accept();
  server.accept();
  clock.advance(5_000);
  assert.is(server.alive.length, 2);
  line(server, 0).lose();
  assert.is(server.dials.length, 1);
  server.accept();
  assert.equal([paper.statistics.open, paper.statistics.lost], [2, 1]);
});

test('idle: what is above min is closed after its time, the others are not', () => {
  const { clock, server, paper, ask } = setUp({ min: 1, max: 3, idle: 100 });
  server.open = true;
  server.accept();
  for (const request of 'abc') ask(request);
  clock.advance(200);
  assert.is(server.alive.length, 3, 'those in use are not idle');
  server.answerAll();
  clock.advance(60);
  ask('d');
  server.answerAll();
  clock.advance(99);
  assert.is(server.alive.length, 1);
  clock.advance(1_000);
  assert.equal([paper.statistics.open, paper.statistics.retired], [1, 2]);
});

test('idle: what was used meanwhile has its whole time again', () => {
  const { clock, server, ask } = setUp({ idle: 100 });
  server.open = true;
  ask('a');
  server.answerAll();
  clock.advance(99);
  ask('b');
  server.answerAll();
  clock.advance(99);
  assert.is(server.alive.length, 1);
  clock.advance(1);
  assert.is(server.alive.length, 0);
});

test('life: a connection goes after its time, less the jitter, but not while something is asked on it', () => {
  const rolls = [0, 1];
  const { clock, server, paper, ask } = setUp({
    max: 2,
    life: 1_000,
    jitter: 0.5,
    idle: 0,
    random: () => rolls.shift() ?? 0,
  });
  server.open = true;
  const busy = ask('a');
  ask('b');
  line(server, 1).answer();
  clock.advance(499);
  assert.is(server.alive.length, 2);
  clock.advance(1);
  assert.is(underWay(server), 'a', 'the one with the most luck in the jitter went after half of its time');
  clock.advance(600);
  assert.is(server.alive.length, 1, 'the other has had its time, and owes an answer');
  ask('c');
  assert.is(underWay(server), 'a c', 'it takes no more');
  line(server, 0).answer();
  assert.is(busy.end, 'over');
  assert.equal(server.alive, [line(server, 2)]);
  assert.is(paper.statistics.retired, 2);
});

test('unsubscribed before it is sent, it is not sent', () => {
  const { server, ask, paper } = setUp({ max: 1 });
  server.open = true;
  ask('a');
  const second = ask('b');
  ask('c');
  second.stop();
  assert.is(paper.statistics.waiting, 1);
  line(server, 0).answer();
  assert.is(underWay(server), 'c');
});

test('unsubscribed after it is sent, its answer is dropped, and only then is its place free', () => {
  const { server, ask } = setUp({ max: 1 });
  server.open = true;
  const first = ask('a');
  const second = ask('b');
  first.stop();
  assert.is(underWay(server), 'a');
  line(server, 0).answer();
  line(server, 0).answer();
  assert.equal([first.values, second.values], [[], ['B']]);
});

test('waiting: one more than may wait is refused, and told how things stand', () => {
  const { server, ask } = setUp({ max: 2, waiting: 1 });
  server.open = true;
  for (const request of 'abc') ask(request);
  const refused = ask('d');
  assert.instance(refused.end, PoolFull);
  assert.is(
    (refused.end as Error).message,
    '1 may wait, and no more do: paper: 2 of 2 open, 2 busy, 0 being dialled, 1 waiting',
  );
  line(server, 0).answer();
  assert.is(ask('e').end, undefined);
});

test('waiting: 0 leaves room for those who wait for a connection that may still be dialled', () => {
  const { server, ask, paper } = setUp({ max: 2, depth: 2, waiting: 0 });
  const asked = Array.from('abcd').map((request) => ask(request));
  assert.instance(ask('e').end, PoolFull);
  server.accept();
  server.accept();
  assert.is(paper.statistics.inFlight, 4);
  server.answerAll();
  assert.ok(asked.every(({ end }) => end === 'over'));
});

test('acquire: who waited for so long is told how things stand, and why where dialling fails', () => {
  const { clock, server, paper, ask } = setUp({ max: 1, acquire: 1_000, reconnect: { initial: 400, jitter: 0 } });
  const first = ask('a');
  clock.advance(500);
  const second = ask('b');
  server.refuse();
  clock.advance(499);
  assert.is(first.end, undefined);
  clock.advance(1);
  assert.instance(first.end, AcquireTimeout);
  assert.is(
    (first.end as Error).message,
    'no connection within 1000 ms from paper: 0 of 1 open, 0 busy, 1 being dialled, 2 waiting',
  );
  assert.is(((first.end as Error).cause as Error).message, 'refused');
  assert.is(second.end, undefined);
  server.accept();
  server.answerAll();
  assert.is(second.end, 'over');
  assert.is(paper.statistics.timedOut, 1);
  // All is well again: that is no reason any more.
  ask('c');
  const last = ask('d');
  clock.advance(1_000);
  assert.is((last.end as Error).cause, undefined);
});

test('acquire: those behind one whose time is over do not wait for him', () => {
  const { clock, server, ask, take, paper } = setUp({ max: 1, depth: 3, acquire: 100, hold: 0 });
  server.open = true;
  ask('a');
  const loan = take(paper.use(() => new Subject()));
  clock.advance(50);
  ask('b');
  assert.is(underWay(server), 'a', 'the loan is first');
  clock.advance(50);
  assert.instance(loan.end, AcquireTimeout);
  assert.is(underWay(server), 'ab');
});

test('a connection that is lost: what was sent on it fails and is not repeated, what waits goes to another', () => {
  const { server, paper, ask } = setUp({ max: 1, depth: 2 });
  server.open = true;
  const [first, second, third] = Array.from('abc').map((request) => ask(request)) as [Came, Came, Came];
  line(server, 0).answer();
  assert.is(underWay(server), 'bc');
  const fourth = ask('d');
  line(server, 0).lose(new Error('broken'));
  assert.equal(first.values, ['A']);
  for (const { end } of [second, third]) {
    assert.instance(end, RequestLost);
    const lost = end as RequestLost;
    assert.is(lost.message, 'the connection to paper was lost before it answered: the request may have been executed');
    assert.is((lost.cause as Error).message, 'broken');
    assert.ok(lost.sent);
  }
  assert.equal(line(server, 1).asked, ['d']);
  server.answerAll();
  assert.equal(fourth.values, ['D']);
  assert.is(paper.statistics.lost, 1);
});

test('a connection that ends while it is idle is noticed, and not lent', () => {
  const { server, ask } = setUp();
  server.open = true;
  ask('a');
  server.answerAll();
  line(server, 0).lose();
  ask('b');
  assert.equal([line(server, 0).asked, line(server, 1).asked], [['a'], ['b']]);
});

test('a connection that says what nobody asked for is closed: who knows whose answer comes next', () => {
  const { server, paper, ask } = setUp();
  server.open = true;
  ask('a');
  server.answerAll();
  line(server, 0).blurt();
  assert.ok(line(server, 0).closed);
  ask('b');
  assert.equal(line(server, 1).asked, ['b']);
  assert.is(paper.statistics.lost, 1);
});

test('hold: a connection that owes an answer and is silent for so long is lost, each answer gives it the time anew', () => {
  const { clock, server, ask } = setUp({ max: 1, depth: 2, hold: 100, idle: 0 });
  server.open = true;
  const [first, second] = Array.from('ab').map((request) => ask(request)) as [Came, Came];
  clock.advance(99);
  line(server, 0).answer();
  assert.equal(first.values, ['A']);
  clock.advance(99);
  assert.is(second.end, undefined);
  clock.advance(1);
  assert.instance((second.end as Error).cause, PeerIdle);
  assert.ok(line(server, 0).closed);
  ask('c');
  server.answerAll();
  clock.advance(10_000);
  assert.not.ok(line(server, 1).closed, 'one that owes nothing may be silent');
});

test('a session whose teardown throws is a warning, and nobody else’s concern', () => {
  const told = warnings();
  try {
    const server = new PaperServer();
    const { paper, ask } = setUp({
      dial: server.dial,
      protocol: (connection) => (requests) =>
        server
          .session(connection)(requests)
          .pipe(
            finalize(() => {
              throw new Error('clumsy');
            }),
          ),
    });
    server.open = true;
    ask('a');
    line(server, 0).answer();
    line(server, 0).lose(new Error('broken'));
    const second = ask('b');
    line(server, 1).answer();
    assert.equal([second.values, paper.statistics.lost], [['B'], 1]);
    paper.close();
    assert.match(told.messages[0] ?? '', /^the teardown of a session threw Error: clumsy/);
  } finally {
    told.stop();
  }
});

test('who tries again gets another connection', () => {
  const { server, paper, take } = setUp({ max: 1 });
  server.open = true;
  const came = take(paper.ask('a').pipe(retry(1)));
  line(server, 0).answer();
  assert.equal(came.values, ['A']);
  const again = take(paper.ask('b').pipe(retry(1)));
  line(server, 0).lose();
  line(server, 1).answer();
  assert.equal(again.values, ['B']);
});

// ── loans ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Work on a loan that a test does step by step. */
const lending = (): {
  work: (lent: Lent<string, string>) => Observable<string>;
  lent: () => Lent<string, string>;
  end: Subject<string>;
} => {
  const end = new Subject<string>();
  let given: Lent<string, string> | null = null;
  return {
    work: (lent) => {
      given = lent;
      return end;
    },
    lent: () => given as Lent<string, string>,
    end,
  };
};

test('use: nobody else has the connection, until the work is done; then it goes back', () => {
  const { server, paper, ask, take } = setUp({ max: 1, depth: 4 });
  server.open = true;
  const came = take(paper.use(({ ask: on }) => concat(on('a'), on('b'))));
  const other = ask('c');
  assert.is(underWay(server), 'a');
  line(server, 0).answer();
  assert.is(underWay(server), 'b');
  line(server, 0).answer();
  assert.equal([came.values, came.end], [['A', 'B'], 'over']);
  assert.is(underWay(server), 'c');
  line(server, 0).answer();
  assert.equal([other.values, paper.statistics.made, paper.statistics.retired], [['C'], 1, 0]);
});

test('use: one loan after another has the same connection, and the end of the first is none of the second', () => {
  const { server, paper, take } = setUp({ max: 1 });
  server.open = true;
  const [first, second] = [lending(), lending()];
  const [one, other] = [take(paper.use(first.work)), take(paper.use(second.work))];
  first.end.complete();
  assert.is(one.end, 'over');
  assert.is(other.end, undefined);
  const answer = take(second.lent().ask('a'));
  server.answerAll();
  assert.equal([answer.values, server.lines.length], [['A'], 1]);
  second.end.complete();
  assert.equal([other.end, paper.statistics.idle, paper.statistics.retired], ['over', 1, 0]);
});

test('use: waits for a connection on which nothing is asked, in turn', () => {
  const { server, paper, ask, take } = setUp({ max: 1, depth: 2 });
  server.open = true;
  ask('a');
  const { work, end } = lending();
  take(paper.use(work));
  ask('b');
  assert.is(underWay(server), 'a', 'b would have room, and the loan is before it');
  line(server, 0).answer();
  assert.is(underWay(server), '');
  end.complete();
  assert.is(underWay(server), 'b');
});

test('use: what is asked on a loan is pipelined up to the depth, and the rest follows', () => {
  const { server, paper, take } = setUp({ max: 1, depth: 2 });
  server.open = true;
  const came = take(paper.use(({ ask: on }) => from('abcd').pipe(mergeMap((request) => on(request)))));
  assert.is(underWay(server), 'ab');
  assert.is(paper.statistics.inFlight, 2);
  server.answerAll();
  assert.equal(came.values, ['A', 'B', 'C', 'D']);
  assert.is(paper.statistics.retired, 0);
});

test('use: work that fails, is given up, throws, or leaves an answer owing costs the connection', () => {
  const spoilt: readonly ((lent: Lent<string, string>) => Observable<string>)[] = [
    () => throwError(() => new Error('enough')),
    () => {
      throw new Error('enough');
    },
    ({ ask: on }) => {
      on('a').subscribe({ error: () => {} });
      return from(['done']);
    },
  ];
  for (const work of spoilt) {
    const { server, paper, take, ask } = setUp({ max: 1 });
    server.open = true;
    const came = take(paper.use(work));
    assert.ok(came.end !== undefined);
    assert.ok(line(server, 0).closed);
    assert.is(paper.statistics.retired, 1);
    ask('b');
    assert.equal(line(server, 1).asked, ['b']);
  }
  const { server, paper, take } = setUp();
  server.open = true;
  take(paper.use(() => new Subject())).stop();
  assert.ok(line(server, 0).closed);
});

test('use: what is left unsent when it is unsubscribed from is not sent', () => {
  const { server, paper, take } = setUp({ max: 1 });
  server.open = true;
  const { work, lent, end } = lending();
  take(paper.use(work));
  const first = take(lent().ask('a'));
  take(lent().ask('b')).stop();
  const third = take(lent().ask('c'));
  server.answerAll();
  assert.equal([first.values, third.values, line(server, 0).asked], [['A'], ['C'], ['a', 'c']]);
  end.complete();
  assert.is(paper.statistics.idle, 1);
});

test('use: a loan that is over lends nothing', () => {
  const { server, paper, take } = setUp();
  server.open = true;
  const { work, lent, end } = lending();
  take(paper.use(work));
  end.complete();
  const late = take(lent().ask('a'));
  assert.match((late.end as Error).message, /^connection \d+ is not lent any more$/);
  assert.is(underWay(server), '');
});

test('use: when the connection is lost the work fails, whatever it is waiting for', () => {
  const { server, paper, take } = setUp();
  server.open = true;
  const { work } = lending();
  const came = take(paper.use(work));
  line(server, 0).lose();
  assert.instance(came.end, RequestLost);
  assert.not.ok((came.end as RequestLost).sent);
  assert.equal([paper.statistics.open, paper.statistics.lost, paper.statistics.retired], [0, 1, 0]);
});

// ── health ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const health: PoolOptions<string, string>['health'] = { check: ({ ask }) => ask('ping '), after: 100, within: 50 };

test('health: asked before a connection is lent that was idle for long, and not otherwise', () => {
  const { clock, server, paper, ask } = setUp({ max: 1, health, idle: 0 });
  server.open = true;
  ask('a');
  server.answerAll();
  clock.advance(99);
  ask('b');
  assert.is(underWay(server), 'b');
  server.answerAll();
  clock.advance(100);
  const third = ask('c');
  assert.is(underWay(server), 'ping ');
  assert.equal([paper.statistics.busy, paper.statistics.waiting], [1, 1]);
  line(server, 0).answer();
  assert.is(underWay(server), 'c');
  line(server, 0).answer();
  assert.equal(third.values, ['C']);
});

test('health: one that does not answer in time is closed, and the next is tried, then dialled', () => {
  const { clock, server, paper, ask } = setUp({ max: 2, health, idle: 0 });
  server.open = true;
  for (const request of 'ab') ask(request);
  server.answerAll();
  clock.advance(1_000);
  server.open = false;
  const came = ask('c');
  assert.is(underWay(server), ' ping ');
  clock.advance(50);
  assert.ok(line(server, 1).closed);
  assert.is(underWay(server), 'ping ');
  line(server, 0).lose();
  assert.is(server.dials.length, 1);
  server.accept();
  assert.is(underWay(server), 'c');
  server.answerAll();
  assert.equal([came.values, paper.statistics.retired, paper.statistics.lost], [['C'], 1, 1]);
});

test('health: as many are checked at once as those who wait need', () => {
  const { clock, server, ask } = setUp({ max: 3, health, idle: 0 });
  server.open = true;
  for (const request of 'abc') ask(request);
  server.answerAll();
  clock.advance(1_000);
  const [one, other] = [ask('d'), ask('e')];
  assert.is(server.alive.filter(({ open }) => open.length > 0).length, 2);
  server.answerAll();
  server.answerAll();
  assert.equal([one.values, other.values], [['D'], ['E']]);
});

test('health: a check that fails or throws is one that fails', () => {
  for (const check of [
    () => throwError(() => new Error('unwell')),
    () => {
      throw new Error('unwell');
    },
  ]) {
    const { clock, server, ask } = setUp({ max: 1, health: { check, after: 100 }, idle: 0 });
    server.open = true;
    ask('a');
    server.answerAll();
    clock.advance(1_000);
    ask('b');
    assert.ok(line(server, 0).closed);
    assert.equal(line(server, 1).asked, ['b']);
  }
});

// ── dialling ────────────────────────────────────────────────────────────────────────────────────────────────────────

test('dials that fail: one wait for all, then one dial, and all at once when it has gone well', () => {
  const { clock, server, paper, ask } = setUp({
    max: 4,
    acquire: 60_000,
    reconnect: { initial: 100, max: 400, jitter: 0 },
  });
  for (const request of 'abcd') ask(request);
  assert.is(server.dials.length, 4);
  for (let dials = 0; dials < 4; dials++) server.refuse();
  assert.is(server.dials.length, 0);
  const waits: number[] = [];
  for (let round = 0; round < 4; round++) {
    const began = clock.now();
    while (server.dials.length === 0) clock.advance(1);
    waits.push(clock.now() - began);
    assert.is(server.dials.length, 1);
    server.refuse();
  }
  assert.equal(waits, [100, 200, 400, 400]);
  assert.is(paper.statistics.failed, 8);
  clock.advance(400);
  server.accept();
  assert.is(server.dials.length, 1, 'one after another until something is answered');
  line(server, 0).answer();
  assert.is(server.dials.length, 2);
});

test('a connection that is lost at once is no better than a dial that fails', () => {
  const { clock, server, ask } = setUp({ reconnect: { initial: 100, jitter: 0 } });
  server.open = true;
  const came = ask('a');
  line(server, 0).lose();
  assert.instance(came.end, RequestLost);
  ask('b');
  assert.is(server.lines.length, 1);
  clock.advance(99);
  assert.is(server.lines.length, 1);
  clock.advance(1);
  assert.equal(line(server, 1).asked, ['b']);
});

test('a dial that gives nothing has failed', () => {
  const { server, paper, ask } = setUp();
  ask('a');
  server.dials[0]?.complete();
  assert.equal([paper.statistics.failed, paper.statistics.dialling], [1, 0]);
});

// ── the end ─────────────────────────────────────────────────────────────────────────────────────────────────────────

test('drain: what waits and what is under way is answered, nothing new is taken, and then all is closed', async () => {
  const { clock, server, paper, ask } = setUp({ max: 2 });
  server.open = true;
  const asked = Array.from('abc').map((request) => ask(request));
  const drained = paper.drain(1_000);
  assert.is((ask('d').end as Error).name, 'PoolClosed');
  clock.advance(10);
  line(server, 0).answer();
  assert.is(underWay(server), 'c b');
  line(server, 1).answer();
  assert.ok(line(server, 1).closed);
  clock.advance(10);
  line(server, 0).answer();
  assert.equal(await drained, { finished: 3, cut: 0, took: 20 });
  assert.equal(
    asked.map(({ values }) => values),
    [['A'], ['B'], ['C']],
  );
  assert.is(clock.actions.length, 0);
  assert.is(await paper.drain(5), await drained);
});

test('drain: at the deadline all is cut', async () => {
  const { clock, server, paper, ask, take } = setUp({ max: 2 });
  server.open = true;
  const first = ask('a');
  const loan = take(paper.use(() => new Subject()));
  const waits = ask('b');
  const drained = paper.drain(100);
  clock.advance(100);
  assert.equal(await drained, { finished: 0, cut: 3, took: 100 });
  assert.equal(
    [first, loan, waits].map(({ end }) => (end as Error).name),
    ['RequestLost', 'RequestLost', 'PoolClosed'],
  );
  assert.is(((first.end as Error).cause as Error).name, 'PoolClosed');
  assert.is(clock.actions.length, 0);
});

test('drain: dials still, if somebody waits', async () => {
  const { server, paper, ask } = setUp({ min: 1 });
  const came = ask('a');
  const drained = paper.drain(1_000);
  assert.is(server.dials.length, 1);
  server.accept();
  server.answerAll();
  assert.equal(came.values, ['A']);
  assert.is((await drained).finished, 1);
  assert.equal([server.dials.length, server.alive.length], [0, 0]);
});

test('close: at once, as often as one likes, and with everything', async () => {
  const { clock, server, paper, ask } = setUp({ min: 1, max: 3, waiting: 9, life: 1_000, hold: 100 });
  server.accept();
  const [first, second] = Array.from('ab').map((request) => ask(request)) as [Came, Came];
  paper.close();
  paper.close();
  assert.equal([(first.end as Error).name, (second.end as Error).name], ['RequestLost', 'PoolClosed']);
  assert.equal([server.dials.length, server.alive.length, clock.actions.length], [0, 0, 0]);
  assert.equal(await paper.drain(5), { finished: 0, cut: 0, took: 0 });
});

// ── streams of requests ─────────────────────────────────────────────────────────────────────────────────────────────

test('a stream: answers in the order of the requests, whichever comes first', () => {
  const { server, paper, take } = setUp({ max: 3 });
  server.open = true;
  const came = take(from('abc').pipe(paper.ask()));
  assert.is(underWay(server), 'a b c');
  line(server, 2).answer();
  line(server, 1).answer();
  assert.equal(came.values, []);
  line(server, 0).answer();
  assert.equal([came.values, came.end], [['A', 'B', 'C'], 'over']);
});

test('a stream waits as one, and as many connections are dialled as it could use', () => {
  const { server, paper, take } = setUp({ max: 4, depth: 2 });
  const came = take(from('abcdefg').pipe(paper.ask()));
  assert.equal([server.dials.length, paper.statistics.waiting], [1, 1]);
  server.accept();
  assert.is(underWay(server), 'ab');
  assert.equal([server.dials.length, paper.statistics.waiting], [3, 1]);
  while (server.dials.length > 0) server.accept();
  server.answerAll();
  assert.equal([came.values, came.end], [Array.from('ABCDEFG'), 'over']);
});

test('a stream: an answer that waits for those before it keeps its place', () => {
  const { server, paper, take } = setUp({ max: 2 });
  server.open = true;
  take(from('abcdef').pipe(paper.ask()));
  assert.is(underWay(server), 'a b');
  line(server, 1).answer();
  assert.is(underWay(server), 'a ', 'only as many as max are asked, and not answered to the stream');
  line(server, 0).answer();
  assert.is(underWay(server), 'd c');
});

test('a stream is one of those who wait, and they take turns', () => {
  const { server, paper, ask, take } = setUp({ max: 1, waiting: 2 });
  server.open = true;
  take(from('abcd').pipe(paper.ask()));
  take(from('xyz').pipe(paper.ask()));
  ask('1');
  assert.is(paper.statistics.waiting, 2);
  assert.instance(ask('2').end, PoolFull);
  const more = take(from('m').pipe(paper.ask()));
  assert.is(more.end, undefined, 'a stream is never refused');
  for (let answers = 0; answers < 9; answers++) line(server, 0).answer();
  assert.is(line(server, 0).asked.join(''), 'ax1mbyczd');
});

test('a stream fails in its turn with the first that fails, and what comes after that is not asked', () => {
  const { server, paper, take } = setUp({ max: 2 });
  server.open = true;
  const requests = new Subject<string>();
  const came = take(requests.pipe(paper.ask()));
  for (const request of 'abc') requests.next(request);
  line(server, 1).lose();
  assert.is(came.end, undefined);
  line(server, 0).answer();
  assert.equal(came.values, ['A']);
  assert.instance(came.end, RequestLost);
  assert.not.ok(requests.observed);
});

test('a stream that gets no connection fails, after the answers that are still to come', () => {
  const { clock, server, paper, take } = setUp({ max: 1, acquire: 100, hold: 0 });
  server.open = true;
  const requests = new Subject<string>();
  const came = take(requests.pipe(paper.ask()));
  take(paper.use(() => new Subject()));
  requests.next('a');
  clock.advance(100);
  assert.instance(came.end, AcquireTimeout);
  assert.not.ok(requests.observed);
  const drained = setUp({ max: 2, depth: 1 });
  drained.server.open = true;
  const asked = new Subject<string>();
  const answers = drained.take(asked.pipe(drained.paper.ask()));
  asked.next('a');
  void drained.paper.drain(1_000);
  asked.next('b');
  assert.is(answers.end, undefined);
  drained.server.answerAll();
  assert.equal([answers.values, (answers.end as Error).name], [['A'], 'PoolClosed']);
});

test('a stream that is unsubscribed from sends nothing more and waits no more', () => {
  const { server, paper, take } = setUp({ max: 1 });
  server.open = true;
  const came = take(from('abc').pipe(paper.ask()));
  came.stop();
  assert.is(paper.statistics.waiting, 0);
  server.answerAll();
  assert.equal(line(server, 0).asked, ['a']);
  assert.equal(came.values, []);
});

test('a stream that is empty, or fails itself', () => {
  const { paper, take } = setUp();
  assert.is(take(from('').pipe(paper.ask())).end, 'over');
  assert.is((take(throwError(() => new Error('mine')).pipe(paper.ask())).end as Error).message, 'mine');
  assert.equal(take(from('').pipe(paper.ask(), toArray())).values, [[]]);
});

test.run();
