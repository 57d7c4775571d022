// Several targets as one: who is dialled, who is left out for failing and for how long, and what is counted.
import * as fc from 'fast-check';
import {
  BehaviorSubject,
  type Observable,
  Subject,
  defer,
  filter,
  ignoreElements,
  lastValueFrom,
  map,
  mergeMap,
  of,
  tap,
  throwError,
  timer,
} from 'rxjs';
import * as assert from 'uvu/assert';
import { serve } from '../operators/index.js';
import {
  type BalanceChange,
  type BalanceOptions,
  type Balancer,
  type Connection,
  DialFailed,
  type DialOptions,
  type EjectOptions,
  NoTarget,
  type Target,
  balance,
} from '../src/index.js';
import { assertNoLeaks } from '../src/testing/leaks.js';
import { warnings } from './kit/flow.js';
import { loopback } from './kit/loopback.js';
import { ManualClock } from './kit/manual-clock.js';
import { marbles } from './kit/marbles.js';
import { paperConnection } from './kit/paper-connection.js';
import { raised } from './kit/raised.js';
import { reasons } from './kit/reasons.js';
import { suite } from './kit/suite.js';

const test = suite('balance');

const nameOf = (port: number): string => `127.0.0.1:${port}`;
const refusal = (port: number): DialFailed => new DialFailed(nameOf(port), 'ECONNREFUSED');
const upTo = (count: number): Target[] => Array.from({ length: count }, (_, index) => ({ port: index + 1 }));

/** Machines that are up or down as a test has it, and what was dialled. */
class Machines {
  readonly down = new Set<number>();
  readonly dialled: number[] = [];
  readonly open: Connection[] = [];
  /** How long a machine takes to answer, in milliseconds. */
  takes = 0;

  toggle(port: number): void {
    if (!this.down.delete(port)) this.down.add(port);
  }

  readonly dial = ({ port = 0 }: DialOptions): Observable<Connection> => {
    const answer = (): Observable<Connection> => {
      if (this.down.has(port)) return throwError(() => refusal(port));
      const connection = paperConnection(nameOf(port));
      this.open.push(connection);
      return of(connection);
    };
    return defer(() => {
      this.dialled.push(port);
      return this.takes === 0 ? answer() : timer(this.takes).pipe(mergeMap(answer));
    });
  };
}

interface Setting {
  readonly machines: Machines;
  readonly upstream: Balancer;
  readonly changes: BalanceChange[];
  /** Dials once, and says what came of it. */
  readonly once: (key?: string) => string;
}

const setUp = (
  targets: Parameters<typeof balance>[0],
  strategy: Parameters<typeof balance>[1] = 'round-robin',
  options: BalanceOptions = {},
): Setting => {
  const machines = new Machines();
  const upstream = balance(targets, strategy, { dial: machines.dial, ...options });
  const changes: BalanceChange[] = [];
  upstream.changes.subscribe((change) => changes.push(change));
  const once = (key?: string): string => {
    let came = 'nothing';
    upstream.dial(key).subscribe({
      next: ({ peer }) => {
        came = peer.slice(peer.indexOf(':') + 1);
      },
      error: (error: Error) => {
        came = error.name;
      },
    });
    return came;
  };
  return { machines, upstream, changes, once };
};

const statesOf = ({ targets }: Balancer): string => targets.map(({ state }) => state).join(' ');

test('dials in turn, and counts what is open', () => {
  const { machines, upstream, once } = setUp(upTo(3));
  assert.equal([once(), once(), once(), once()], ['1', '2', '3', '1']);
  assert.equal(
    upstream.targets.map(({ open, made }) => [open, made]),
    [
      [2, 2],
      [1, 1],
      [1, 1],
    ],
  );
  machines.open[0]?.end();
  assert.equal(upstream.targets[0], {
    name: nameOf(1),
    weight: 1,
    state: 'in',
    open: 1,
    dialling: 0,
    made: 2,
    failed: 0,
    ejected: 0,
  });
});

test('picks when it is subscribed to, and not before', () => {
  const { machines, upstream } = setUp(upTo(2));
  const dialled = upstream.dial();
  assert.equal(machines.dialled, []);
  dialled.subscribe();
  dialled.subscribe();
  assert.equal(machines.dialled, [1, 2]);
});

test('least connections goes by what is open and under way', () => {
  const { machines, upstream, once } = setUp(upTo(3), 'least-connections');
  assert.equal([once(), once(), once()].toSorted(), ['1', '2', '3']);
  machines.open[1]?.end();
  const emptied = machines.dialled[1] as number;
  machines.takes = 5;
  const waiting = upstream.dial().subscribe();
  assert.is(machines.dialled[3], emptied);
  assert.is(upstream.targets[emptied - 1]?.dialling, 1);
  waiting.unsubscribe();
  assert.is(upstream.targets[emptied - 1]?.dialling, 0);
});

test('a target that fails is followed by the next one, each once, as many as may be tried', () => {
  const { machines, once } = setUp(upTo(4), 'round-robin', { tries: 3 });
  machines.down.add(1).add(2);
  assert.is(once(), '3');
  assert.equal(machines.dialled, [1, 2, 3]);
  machines.down.add(3).add(4);
  assert.is(once(), 'NoTarget');
  assert.is(machines.dialled.length, 6);
  assert.is(new Set(machines.dialled.slice(3)).size, 3);
});

test('says what each of them met; and where one was tried, just that', () => {
  const failureOf = ({ upstream }: Setting): unknown => {
    let failure: unknown;
    upstream.dial().subscribe({
      error: (error: unknown) => {
        failure = error;
      },
    });
    return failure;
  };
  const two = setUp(upTo(2));
  two.machines.down.add(1).add(2);
  const failure = failureOf(two) as NoTarget;
  assert.instance(failure, NoTarget);
  assert.is(
    failure.message,
    'no target could be dialled: 127.0.0.1:1 (cannot connect to 127.0.0.1:1: ECONNREFUSED); ' +
      '127.0.0.1:2 (cannot connect to 127.0.0.1:2: ECONNREFUSED)',
  );
  assert.equal(
    failure.tried.map(({ target }) => target),
    ['127.0.0.1:1', '127.0.0.1:2'],
  );
  assert.instance(failure.cause, DialFailed);
  const one = setUp(upTo(2), 'round-robin', { tries: 1 });
  one.machines.down.add(1);
  assert.instance(failureOf(one), DialFailed);
});

/** A key that belongs to the first of `count` targets. */
const keyOfFirst = (count: number): string => {
  const { once } = setUp(upTo(count), 'consistent-hash');
  for (let number = 0; ; number++) if (once(`key ${number}`) === '1') return `key ${number}`;
};

test(
  'who fails so often in a row is out, for a time that doubles, and on trial when it is back',
  marbles(({ hot, expectObservable }) => {
    const eject = { after: 3, initial: 5, max: 15 };
    const { machines, upstream, once } = setUp(upTo(2), 'consistent-hash', { tries: 1, eject });
    const key = keyOfFirst(2);
    // The first is dialled for this key, and goes down and up.
    const deeds = '  daauadaaaa----a----------a---------------uadaaa';
    const came = '   -xx-1-xxx2----x----------x----------------1-xxx';
    const changed = '--------e----rf---------rg--------------r-----e----r';
    const out = (ms: number): BalanceChange => ({ type: 'ejected', target: nameOf(1), ms, error: refusal(1) });
    const dialled = hot(deeds).pipe(
      tap((deed) => (deed === 'd' ? machines.down.add(1) : deed === 'u' && machines.down.delete(1))),
      filter((deed) => deed === 'a'),
      map(() => once(key)),
    );
    expectObservable(dialled).toBe(came, { x: 'DialFailed', 1: '1', 2: '2' });
    expectObservable(upstream.changes).toBe(changed, {
      e: out(5),
      f: out(10),
      g: out(15),
      r: { type: 'returned', target: nameOf(1) },
    });
  }),
);

test('who is on trial is dialled by one at a time', () => {
  const clock = new ManualClock();
  const { machines, upstream, once } = setUp(upTo(2), 'least-connections', {
    eject: { after: 1, initial: 10 },
    scheduler: clock,
  });
  machines.down.add(1);
  while (statesOf(upstream) === 'in in') once();
  assert.is(statesOf(upstream), 'ejected in');
  clock.advance(10);
  assert.is(statesOf(upstream), 'on-trial in');
  machines.dialled.length = 0;
  machines.down.clear();
  machines.takes = 1_000_000;
  const waiting = [0, 1, 2, 3].map(() => upstream.dial().subscribe());
  assert.equal(machines.dialled, [1, 2, 2, 2]);
  // Given up, it is nobody's verdict.
  waiting[0]?.unsubscribe();
  assert.is(statesOf(upstream), 'on-trial in');
  machines.takes = 0;
  assert.is(once(), '1');
  assert.is(statesOf(upstream), 'in in');
  for (const dialling of waiting) dialling.unsubscribe();
  upstream.close();
});

test('one target alone is never ejected, and of four no more than the part that may be', () => {
  for (const [count, fraction, most] of [
    [1, 1, 0],
    [2, 0.5, 1],
    [2, 1, 1],
    [4, 0.25, 1],
    [4, 0.5, 2],
    [4, 1, 3],
    [4, 0, 0],
    [3, 0.5, 1],
  ] as const) {
    const { machines, upstream, once } = setUp(upTo(count), 'round-robin', { tries: 1, eject: { after: 2, fraction } });
    for (const { port } of upTo(count)) machines.down.add(port as number);
    for (let dials = 0; dials < 50; dials++) once();
    assert.is(upstream.targets.filter(({ state }) => state === 'ejected').length, most, `${count} x ${fraction}`);
    upstream.close();
  }
});

test('an ejected one is dialled when all others have been tried, and is back at once if that succeeds', () => {
  const { machines, upstream, changes, once } = setUp(upTo(2), 'round-robin', { eject: { after: 1 } });
  machines.down.add(1);
  assert.is(once(), '2');
  assert.is(statesOf(upstream), 'ejected in');
  machines.down.clear();
  machines.down.add(2);
  assert.is(once(), '1');
  assert.equal(machines.dialled, [1, 2, 2, 1]);
  assert.is(statesOf(upstream), 'in in');
  assert.equal(
    changes.map(({ type }) => type),
    ['ejected', 'returned'],
  );
  upstream.close();
});

test('whatever fails when: never more out than may be, and who is out is dialled last', () => {
  const steps = fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constant({ type: 'dial' } as const) },
      {
        weight: 3,
        arbitrary: fc.record({ type: fc.constant('toggle' as const), port: fc.integer({ min: 1, max: 5 }) }),
      },
      { weight: 1, arbitrary: fc.record({ type: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 50 }) }) },
      {
        weight: 1,
        arbitrary: fc.record({ type: fc.constant('list' as const), count: fc.integer({ min: 1, max: 5 }) }),
      },
    ),
    { maxLength: 60, size: 'max' },
  );
  fc.assert(
    fc.property(
      steps,
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.integer({ min: 1, max: 5 }),
      (given, fraction, tries) => {
        const clock = new ManualClock();
        const lists = new BehaviorSubject<readonly Target[]>(upTo(5));
        const { machines, upstream, once } = setUp(lists, 'two-choices', {
          tries,
          eject: { after: 2, initial: 10, max: 30, fraction },
          scheduler: clock,
        });
        for (const step of given) {
          if (step.type === 'wait') clock.advance(step.ms);
          else if (step.type === 'list') lists.next(upTo(step.count));
          else if (step.type === 'toggle') machines.toggle(step.port);
          else {
            const before = new Map(upstream.targets.map(({ name, state }) => [name, state]));
            machines.dialled.length = 0;
            const came = once();
            const tried = machines.dialled.map((port) => before.get(nameOf(port)));
            assert.ok(!tried.includes(undefined), 'one was dialled that is not on the list');
            const firstOut = tried.indexOf('ejected');
            if (firstOut >= 0) {
              const inside = [...before.values()].filter((state) => state !== 'ejected').length;
              assert.is(firstOut, inside, 'one that is out was dialled before all others');
            }
            assert.is(new Set(machines.dialled).size, machines.dialled.length);
            assert.ok(machines.dialled.length <= tries);
            const up = machines.dialled.filter((port) => !machines.down.has(port));
            assert.equal(up.map(String), came === 'NoTarget' || came === 'DialFailed' ? [] : [came]);
          }
          const { length } = upstream.targets;
          const out = upstream.targets.filter(({ state }) => state === 'ejected').length;
          assert.ok(out <= Math.min(length - 1, Math.floor(length * fraction)), `${out} of ${length} are out`);
        }
        const open = machines.open.length;
        assert.is(
          upstream.targets.reduce((sum, { dialling }) => sum + dialling, 0),
          0,
        );
        assert.ok(upstream.targets.reduce((sum, target) => sum + target.open, 0) <= open);
        upstream.close();
      },
    ),
    { numRuns: 200 },
  );
});

test('a stream of lists: who stays keeps its state, who goes is dialled no more, and a bad list changes nothing', () => {
  const lists = new Subject<readonly Target[]>();
  const { machines, upstream, changes, once } = setUp(lists, 'round-robin', { eject: { after: 1 } });
  assert.is(once(), 'NoTarget');
  lists.next(upTo(2));
  machines.down.add(1);
  assert.is(once(), '2');
  lists.next([{ port: 1, weight: 3 }, { port: 2 }, { port: 3 }]);
  assert.equal(
    upstream.targets.map(({ weight, state, open }) => [weight, state, open]),
    [
      [3, 'ejected', 0],
      [1, 'in', 1],
      [1, 'in', 0],
    ],
  );
  lists.next([{ port: 3 }, { port: 3 }]);
  lists.next([{ port: 1 }]);
  // Alone, it cannot stay out.
  assert.is(statesOf(upstream), 'on-trial');
  lists.error(new Error('no more'));
  assert.is(once(), 'DialFailed');
  assert.equal(
    changes.map((change) => ('target' in change ? `${change.type} ${change.target.slice(10)}` : change.type)),
    [
      'added 1',
      'added 2',
      'ejected 1',
      'added 3',
      'list-failed',
      'returned 1',
      'removed 2',
      'removed 3',
      'list-failed',
    ],
  );
});

test('who goes from the list while it is dialled is judged no more', () => {
  const clock = new ManualClock();
  const lists = new BehaviorSubject<readonly Target[]>(upTo(3));
  const { machines, upstream, changes } = setUp(lists, 'round-robin', { eject: { after: 1 }, tries: 1 });
  const answer = new Subject<Connection>();
  const late = balance(lists, 'round-robin', { dial: () => answer, eject: { after: 1 }, tries: 1, scheduler: clock });
  late.dial().subscribe({ error: () => {} });
  lists.next(upTo(3).slice(1));
  answer.error(refusal(1));
  assert.is(statesOf(late), 'in in');
  assert.equal(machines.dialled, []);
  assert.equal(
    changes.map(({ type }) => type),
    ['removed'],
  );
  upstream.close();
  late.close();
});

test('close: dials fail, timers are gone, changes are over, and what is open goes on', async () => {
  const allGone = assertNoLeaks();
  const lists = new BehaviorSubject<readonly Target[]>(upTo(2));
  const { machines, upstream, once } = setUp(lists, 'round-robin', { eject: { after: 1 } });
  let over = false;
  upstream.changes.subscribe({
    complete: () => {
      over = true;
    },
  });
  machines.down.add(1);
  once();
  upstream.close();
  upstream.close();
  assert.ok(over && !lists.observed);
  assert.is(once(), 'NoTarget');
  assert.is(upstream.targets[1]?.open, 1);
  await allGone();
});

test('over real sockets: one of three is not there, and nobody notices', async () => {
  const allGone = assertNoLeaks();
  const said = (text: string): Uint8Array => new TextEncoder().encode(text);
  const servers = await Promise.all([1, 2].map((number) => loopback(serve(() => of(said(String(number)))))));
  const gone = await loopback(serve(() => of(said('gone'))));
  await gone.stop();
  const upstream = balance(
    [...servers, gone].map(({ port }) => ({ port })),
    'round-robin',
    { eject: { after: 2 } },
  );
  const heard: string[] = [];
  for (let dials = 0; dials < 12; dials++) {
    // One after another, so that the order is that of the turns.
    // oxlint-disable-next-line no-await-in-loop
    const outcome = await lastValueFrom(
      upstream.dial().pipe(
        serve((bytes) =>
          bytes.pipe(
            tap((chunk) => heard.push(new TextDecoder().decode(chunk))),
            ignoreElements(),
          ),
        ),
      ),
    );
    assert.equal(reasons([outcome]), ['finished']);
  }
  assert.is(heard.length, 12);
  assert.ok(heard.filter((number) => number === '1').length >= 5, heard.join(' '));
  assert.equal(
    upstream.targets.map(({ open, failed }) => [open, failed]),
    [
      [0, 0],
      [0, 0],
      [0, 2],
    ],
  );
  upstream.close();
  for (const server of servers) assert.equal(new Set(reasons(await server.stop())), new Set(['finished']));
  await allGone();
});

const refused: readonly [EjectOptions, RegExp][] = [
  [{ after: 0 }, /^eject.after must be a whole number from 1 to \d+, got 0$/],
  [{ initial: 0 }, /^eject.initial must be a time from 1 to \d+ ms, got 0$/],
  [{ max: -1 }, /^eject.max must be a time from 1 to \d+ ms, got -1$/],
  [{ initial: 9, max: 8 }, /^eject.initial must be at most eject.max \(8 ms\), got 9$/],
  [{ fraction: 2 }, /^eject.fraction must be a number from 0 to 1, got 2$/],
];

for (const [eject, message] of refused) {
  test(`refuses to eject by ${JSON.stringify(eject)}`, () => {
    assert.throws(() => balance(upTo(1), 'round-robin', { eject }), raised(RangeError, message));
  });
}

test('the consistent hash wants a key, and a key has one target', () => {
  const { upstream, once } = setUp(upTo(5), 'consistent-hash');
  assert.throws(() => upstream.dial(), raised(TypeError, /^key must be a text that is not empty, got undefined$/));
  assert.is(new Set([0, 1, 2, 3].map(() => once('10.0.0.1'))).size, 1);
});

test('a die that fails is a warning, and no connection is lost by it', () => {
  const told = warnings();
  try {
    const { once } = setUp(upTo(2), 'two-choices', {
      random: () => {
        throw new Error('no luck');
      },
    });
    assert.ok(['1', '2'].includes(once()));
  } finally {
    told.stop();
  }
  assert.match(told.messages[0] ?? '', /^random threw Error: no luck/);
});

test.run();
