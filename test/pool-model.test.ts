// A pool in which anything happens in any order: what must be so after each step, and at the end.
import * as fc from 'fast-check';
import { type Observable, Subject, type Subscription, retry } from 'rxjs';
import * as assert from 'uvu/assert';
import { type Lent, type Pool, type PoolOptions, pool } from '../operators/index.js';
import { ManualClock } from './kit/manual-clock.js';
import { type PaperLine, PaperServer } from './kit/paper-server.js';
import { suite } from './kit/suite.js';

const test = suite('a pool, whatever happens');

type Settings = Pick<PoolOptions<string, string>, 'min' | 'max' | 'depth' | 'order' | 'waiting' | 'health'>;

/** Somebody who asked or wanted a loan, and what came of it. */
interface Party {
  readonly name: string;
  subscription: Subscription | null;
  state: 'waiting' | 'served' | 'over';
  outcome: string | undefined;
  /** Of a loan: how to end it. */
  end: Subject<never> | null;
  lent: Lent<string, string> | null;
}

const ACQUIRE = 100;
const IDLE = 60;
const LIFE = 300;
/** With the jitter and the luck below. */
const OLD = 225;

class World {
  readonly clock = new ManualClock();
  readonly server = new PaperServer();
  readonly pool: Pool<string, string>;
  readonly settings: Required<Omit<Settings, 'health'>> & Pick<Settings, 'health'>;
  readonly parties: Party[] = [];
  /** Who waits, the first one first: the model of the list. */
  waiting: Party[] = [];
  /** Which loan a line is lent to. */
  readonly holders = new Map<PaperLine, Party>();
  draining = false;
  readonly bornAt = new Map<PaperLine, number>();
  /** What was wrong within a callback, where RxJS would not let a test hear of it. */
  readonly wrong: string[] = [];

  constructor(settings: World['settings']) {
    this.settings = settings;
    this.server.onAccepted = (line) => this.bornAt.set(line, this.clock.now());
    this.server.onAsked = (line, request) => this.asked(line, request);
    const { health, ...rest } = settings;
    this.pool = pool<string>({
      ...rest,
      ...(health === undefined ? {} : { health }),
      name: 'paper',
      dial: this.server.dial,
      protocol: this.server.session,
      acquire: ACQUIRE,
      idle: IDLE,
      life: LIFE,
      jitter: 0.5,
      random: () => 0.5,
      scheduler: this.clock,
      reconnect: { initial: 10, max: 40 },
      hold: 50,
    });
  }

  claim(holds: boolean, what: string): void {
    if (!holds) this.wrong.push(what);
  }

  asked(line: PaperLine, request: string): void {
    this.claim(!line.closed, `${request} went to a line that is closed`);
    this.claim(line.open.length <= this.settings.depth, `${line.open.length} are under way on one line`);
    if (request === 'ping') return;
    const holder = this.holders.get(line)?.name;
    const [name, of] = request.split(' of ') as [string, string | undefined];
    this.claim(holder === of, `${request} went to the line of ${holder}`);
    if (of === undefined) this.served(name);
  }

  served(name: string): void {
    const first = this.waiting.shift();
    this.claim(first?.name === name, `${name} was served, and ${first?.name} was first`);
    if (first !== undefined) first.state = 'served';
  }

  /** Whatever was lent to it is not any more. */
  releases(party: Party): void {
    for (const [line, holder] of this.holders) if (holder === party) this.holders.delete(line);
  }

  party(name: string): Party {
    const party: Party = { name, subscription: null, state: 'waiting', outcome: undefined, end: null, lent: null };
    this.parties.push(party);
    this.waiting.push(party);
    return party;
  }

  follow(party: Party, answers: Observable<string>): void {
    const over = (outcome: string): void => {
      this.claim(party.outcome === undefined, `${party.name} came to an end twice`);
      party.outcome = outcome;
      party.state = 'over';
      this.waiting = this.waiting.filter((one) => one !== party);
      this.releases(party);
    };
    let said = '';
    party.subscription = answers.subscribe({
      next: (answer) => {
        said = answer;
      },
      error: (error: Error) => over(error.name),
      complete: () => over(said),
    });
  }

  ask(): void {
    const party = this.party(`ask ${this.parties.length}`);
    this.follow(party, this.pool.ask(party.name));
  }

  borrow(): void {
    const party = this.party(`loan ${this.parties.length}`);
    const work = (lent: Lent<string, string>): Observable<string> => {
      const line = this.server.lines.find(({ connection }) => connection === lent.connection) as PaperLine;
      this.claim(line.open.length === 0 && !line.closed, `${party.name} has a line that owes something, or is closed`);
      this.claim(!this.holders.has(line), `${party.name} has a line that is lent already`);
      this.holders.set(line, party);
      this.served(party.name);
      party.lent = lent;
      party.end = new Subject<never>();
      return party.end;
    };
    this.follow(party, this.pool.use(work));
  }

  get loans(): readonly Party[] {
    return this.parties.filter(({ state, lent }) => state === 'served' && lent !== null);
  }

  check(): void {
    const { server, settings } = this;
    assert.equal(this.wrong, []);
    const { statistics } = this.pool;
    const alive = server.alive;
    assert.ok(alive.length + server.dials.length <= settings.max, 'never more than may be');
    assert.is(statistics.open, alive.length);
    assert.is(statistics.dialling, server.dials.length);
    assert.is(statistics.waiting, this.waiting.length);
    assert.is(
      statistics.inFlight,
      alive.reduce((sum, { open }) => sum + open.length, 0),
    );
    assert.is(statistics.open, statistics.idle + statistics.busy);
    assert.ok(this.waiting.length <= settings.waiting + settings.max * settings.depth);
    this.checkNobodyWaitsInVain(alive);
  }

  isOld(line: PaperLine): boolean {
    return this.clock.now() - (this.bornAt.get(line) as number) >= OLD;
  }

  /** Whoever is first in the list has no line that he could have, or one that he could have is being checked. */
  checkNobodyWaitsInVain(alive: readonly PaperLine[]): void {
    const [first] = this.waiting;
    if (first === undefined || this.settings.health !== undefined) return;
    const most = first.name.startsWith('loan') ? 0 : this.settings.depth - 1;
    for (const line of alive) {
      // One whose time is over takes nothing more, but is not idle either.
      const free = !this.holders.has(line) && line.open.length <= (this.isOld(line) ? 0 : most);
      assert.not.ok(free, `${first.name} waits, and could have a line`);
    }
  }
}

const index = fc.nat({ max: 20 });
const step = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ do: 'ask' as const }) },
  { weight: 2, arbitrary: fc.constant({ do: 'borrow' as const }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('accept' as const), index }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('refuse' as const), index }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('answer' as const), index }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lose' as const), index }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('blurt' as const), index }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), index }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('askOnLoan' as const), index }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('endLoan' as const), index, fails: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 120 }) }) },
);

const steps = (most: number): fc.Arbitrary<Step[]> => fc.array(step, { maxLength: most, size: 'max' });

type Step = typeof step extends fc.Arbitrary<infer A> ? A : never;

const pickOf = <A>(all: readonly A[], at: number): A | undefined => all[at % Math.max(1, all.length)];

const perform = (world: World, now: Step): void => {
  const { server } = world;
  switch (now.do) {
    case 'ask':
      return world.ask();
    case 'borrow':
      return world.borrow();
    case 'accept':
      return server.accept(now.index % Math.max(1, server.dials.length));
    case 'refuse':
      return server.refuse(now.index % Math.max(1, server.dials.length));
    case 'answer':
      return pickOf(server.alive, now.index)?.answer();
    case 'lose':
      return pickOf(server.alive, now.index)?.lose(now.index % 2 === 0 ? undefined : new Error('broken'));
    case 'blurt': {
      const line = pickOf(server.alive, now.index);
      return line?.open.length === 0 ? line.blurt() : undefined;
    }
    case 'cancel': {
      const party = pickOf(
        world.parties.filter(({ state }) => state !== 'over'),
        now.index,
      );
      if (party === undefined) return;
      party.state = 'over';
      party.outcome = 'cancelled';
      world.waiting = world.waiting.filter((one) => one !== party);
      world.releases(party);
      return party.subscription?.unsubscribe();
    }
    case 'askOnLoan': {
      const party = pickOf(world.loans, now.index);
      party?.lent?.ask(`more of ${party.name}`).subscribe({ error: () => {} });
      return;
    }
    case 'endLoan': {
      const party = pickOf(world.loans, now.index);
      const line = world.server.lines.find(({ connection }) => connection === party?.lent?.connection);
      if (party === undefined || line === undefined) return;
      world.releases(party);
      const goesBack = !now.fails && line.open.length === 0 && !world.isOld(line);
      if (now.fails) party.end?.error(new Error('enough'));
      else party.end?.complete();
      if (world.draining) return;
      return world.claim(line.closed !== goesBack, `the line of ${party.name} is ${line.closed ? '' : 'not '}closed`);
    }
    case 'pass':
      world.clock.advance(now.ms);
  }
};

const settings = fc
  .record({
    max: fc.integer({ min: 1, max: 3 }),
    min: fc.nat({ max: 3 }),
    depth: fc.integer({ min: 1, max: 3 }),
    order: fc.constantFrom('lifo' as const, 'fifo' as const),
    waiting: fc.nat({ max: 4 }),
  })
  .map((given) => ({ ...given, min: Math.min(given.min, given.max) }));
const health: NonNullable<Settings['health']> = { check: ({ ask }) => ask('ping'), after: 20, within: 30 };

test('never above max, never a line that is dead or lent, waiters in order, and no one waits beside an idle line', () => {
  fc.assert(
    fc.property(settings, fc.boolean(), steps(80), (given, checked, doings) => {
      const world = new World(checked ? { ...given, health } : given);
      for (const now of doings) {
        perform(world, now);
        world.check();
      }
      world.pool.close();
    }),
    { numRuns: 1_000 },
  );
});

test('who asked gets his own answer', () => {
  fc.assert(
    fc.property(settings, steps(60), (given, doings) => {
      const world = new World(given);
      for (const now of doings) perform(world, now);
      assert.equal(world.wrong, []);
      for (const { name, outcome } of world.parties) {
        if (name.startsWith('ask') && outcome !== undefined) {
          const errors = ['cancelled', 'RequestLost', 'AcquireTimeout', 'PoolFull'];
          assert.ok(outcome === name.toUpperCase() || errors.includes(outcome), `${name}: ${outcome}`);
        }
      }
      world.pool.close();
    }),
  );
});

test('everything comes to an end after a drain, and nothing is left', async () => {
  await fc.assert(
    fc.asyncProperty(settings, fc.boolean(), steps(50), steps(20), async (given, checked, before, after) => {
      const world = new World(checked ? { ...given, health } : given);
      for (const now of before) perform(world, now);
      const unfinished = world.parties.filter(({ state }) => state !== 'over');
      const drained = world.pool.drain(40);
      world.draining = true;
      for (const now of after) {
        if (now.do === 'ask' || now.do === 'borrow') continue;
        perform(world, now);
      }
      world.clock.advance(40);
      const report = await drained;
      assert.equal(world.wrong, []);
      assert.ok(report.took <= 200);
      for (const { name, outcome } of world.parties) assert.ok(outcome !== undefined, `${name} never ends`);
      assert.ok(report.cut <= unfinished.length + 20);
      assert.equal(world.server.alive, []);
      assert.equal(world.server.dials, []);
      assert.is(world.clock.actions.length, 0, 'a timer is left');
      const late = world.party('late');
      world.follow(late, world.pool.ask('late'));
      assert.is(late.outcome, 'PoolClosed');
    }),
  );
});

test('a program that asks as long as it takes gets everything answered by a server that fails now and then', () => {
  fc.assert(
    fc.property(settings, fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 30, maxLength: 60 }), (given, luck) => {
      const world = new World({ ...given, waiting: 100 });
      world.server.onAsked = () => {};
      const answered: string[] = [];
      const asked = Array.from({ length: 10 }, (_, number) => `r${number}`);
      const patient = (request: string): Observable<string> => world.pool.ask(request).pipe(retry());
      for (const request of asked) patient(request).subscribe((answer) => answered.push(answer));
      for (const roll of [...luck, ...Array.from({ length: 400 }, () => 5)]) {
        if (roll === 0) world.server.refuse();
        else if (roll === 1) pickOf(world.server.alive, roll)?.lose();
        else {
          world.server.accept();
          pickOf(world.server.alive, roll)?.answer();
          world.server.alive[0]?.answer();
        }
        world.clock.advance(5);
      }
      assert.equal(answered.toSorted(), asked.map((request) => request.toUpperCase()).toSorted());
      world.pool.close();
    }),
    { numRuns: 50 },
  );
});

test.run();
