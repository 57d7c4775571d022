import { type Observable, Subscription } from 'rxjs';
import type { Connection } from '../connection/connection.js';
import { AcquireTimeout, PoolClosed, PoolFull, type SluiceError } from '../errors.js';
import { inScope, openScope } from '../flow/scope.js';
import { Alarm, type Timetable, timetableOf } from '../time/timetable.js';
import { Dialler, type DiallerOptions } from './dialler.js';
import { Line, type LineOptions } from './line.js';
import { Waiting, WaitingList } from './waiting-list.js';

/** What a pool holds and has done, as it stands when it is asked for. */
export interface PoolStatistics {
  /** Connections that are open: idle and busy ones. */
  readonly open: number;
  /** Of these, those on which nothing is asked. */
  readonly idle: number;
  /** Those that owe an answer, are lent, or have their health checked. */
  readonly busy: number;
  /** Dials that are under way. */
  readonly dialling: number;
  /** Requests, streams of requests and loans that wait for a connection. */
  readonly waiting: number;
  /** Requests that were sent and wait for their answers. */
  readonly inFlight: number;
  /** Connections made since the beginning. */
  readonly made: number;
  /** Dials that failed. */
  readonly failed: number;
  /** Connections that were lost: the peer ended or broke them, said what it should not, or was silent for too long. */
  readonly lost: number;
  /** Connections that the pool closed: idle for too long, too old, not in order, or after a loan that left them so. */
  readonly retired: number;
  /** Requests that were answered, those of loans and of health checks included. */
  readonly answered: number;
  /** Those who waited for a connection in vain, until their time was over. */
  readonly timedOut: number;
}

/** How a drain went. */
export interface PoolReport {
  /** Requests and loans, under way or waiting when it began, that came to their end. */
  readonly finished: number;
  /** Those that had to be cut off at the deadline. */
  readonly cut: number;
  /** From its beginning until the last connection was gone, in milliseconds. */
  readonly took: number;
}

/** Who waits for a line: for a place on one, or for one to himself. */
export abstract class Borrower<Q, A> extends Waiting {
  /** Wants the line for himself alone. */
  abstract readonly alone: boolean;
  /** How many places he could use, if there were as many: one who has more to ask comes again. Not changed while he waits. */
  wants = 1;
  /** May be told that too many wait. Who can be made to rest need not be. */
  abstract readonly refusable: boolean;
  /** There is a line. One that is his alone he gives back: `clean` if another may have it. */
  abstract served(line: Line<Q, A>, giveBack: (clean: boolean) => void): void;
  /** There will be none. */
  abstract refused(error: SluiceError): void;
}

/** A line that was idle for `after` ms is in order if `check` completes within `within` ms. */
export interface LenderHealth<Q, A> {
  readonly check: (line: Line<Q, A>) => Observable<unknown>;
  readonly after: number;
  readonly within: number;
}

/** The settings of a pool, checked. Times in milliseconds, 0 for ever where it may be 0. */
export interface LenderSettings<Q, A> extends LineOptions<Q, A>, DiallerOptions {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly waiting: number;
  readonly acquire: number;
  readonly idle: number;
  readonly life: number;
  readonly jitter: number;
  readonly order: 'lifo' | 'fifo';
  readonly health: LenderHealth<Q, A> | null;
}

/** A connection that was lost sooner than this, and never answered, is no better than a dial that failed. In milliseconds. */
const STABLE = 1_000;

/** A line of the pool, and what the pool knows of it. */
interface Member<Q, A> {
  readonly line: Line<Q, A>;
  readonly openedAt: number;
  readonly idleTime: Alarm;
  readonly lifeTime: Alarm;
  /** Somebody has it for himself. */
  lent: boolean;
  /** Its time is over: it is closed when nothing is owed on it any more. */
  retiring: boolean;
  idleSince: number;
  /** How many had become idle before it did. */
  turn: number;
}

/**
 * Who holds which connection: dials as many as are needed and no more than may be, hands them out in the order in which
 * they were asked for, and closes those that nobody needs.
 *
 * Everything that changes ends in `#pump`: it serves those who wait, the first one first, for as long as there is a line
 * for the first one, and has lines brought for the others. After `close`, or when drained, nothing of it is left.
 */
export class Lender<Q, A> {
  readonly #settings: LenderSettings<Q, A>;
  readonly #timetable: Timetable;
  readonly #members = new Set<Member<Q, A>>();
  readonly #waiting = new WaitingList<Borrower<Q, A>>();
  /** When the first of them has waited for too long. */
  readonly #expiry: Alarm;
  readonly #dialler: Dialler;
  /** Places that those who wait could use. */
  #wanted = 0;
  /** Lines that have their health checked. */
  #checking = 0;
  /** Connections that are not gone: those of the members, and those that are being closed. */
  #connections = 0;
  #turns = 0;
  #pumping = false;
  #again = false;
  /** Takes no more; and what to do when all is done. */
  #stopping = false;
  #draining: Promise<PoolReport> | null = null;
  #done = (): void => {};
  #cut = 0;
  #made = 0;
  #failed = 0;
  #lost = 0;
  #retired = 0;
  #answered = 0;
  #timedOut = 0;

  constructor(settings: LenderSettings<Q, A>) {
    this.#settings = settings;
    this.#timetable = timetableOf(settings.scheduler);
    this.#expiry = new Alarm(this.#timetable, { due: () => this.#expire() });
    this.#dialler = new Dialler(settings, this.#timetable.clock, {
      opened: (connection) => this.#open(connection),
      failed: () => {
        this.#failed++;
        this.#pump();
      },
      ready: () => this.#pump(),
    });
    this.#pump();
  }

  get statistics(): PoolStatistics {
    const members = [...this.#members];
    const idle = members.filter(isFree).length;
    return {
      open: members.length,
      idle,
      busy: members.length - idle,
      dialling: this.#dialler.dialling,
      waiting: this.#waiting.size,
      inFlight: members.reduce((sum, { line }) => sum + line.inFlight, 0),
      made: this.#made,
      failed: this.#failed,
      lost: this.#lost,
      retired: this.#retired,
      answered: members.reduce((sum, { line }) => sum + line.answers, this.#answered),
      timedOut: this.#timedOut,
    };
  }

  /** Waits for a line. */
  enlist(one: Borrower<Q, A>): void {
    const { name, waiting, acquire } = this.#settings;
    if (this.#stopping) return one.refused(new PoolClosed(name));
    if (one.refusable && this.#isCrowded()) return one.refused(new PoolFull(waiting, this.#shown()));
    one.since = this.#timetable.now();
    this.#waiting.push(one);
    this.#wanted += this.#placesOf(one);
    if (!this.#expiry.pending) this.#expiry.set(acquire);
    this.#pump();
  }

  /** Waits no more, if it does. */
  withdraw(one: Borrower<Q, A>): void {
    if (!this.#waiting.has(one)) return;
    this.#take(one);
    this.#pump();
  }

  /** Takes no more, sees to it that what was asked is answered, and closes; at once after `ms` milliseconds. */
  drain(ms: number): Promise<PoolReport> {
    this.#draining ??= new Promise((resolve) => {
      const { clock } = this.#timetable;
      const since = clock.now();
      const unfinished = this.#unfinished();
      const before = this.#cut;
      const deadline = clock.after(ms, () => this.close());
      this.#done = () => {
        deadline.unsubscribe();
        const cut = this.#cut - before;
        resolve({ finished: unfinished - cut, cut, took: clock.now() - since });
      };
      this.#stopping = true;
      this.#pump();
    });
    return this.#draining;
  }

  /** Closes at once: who waits is refused, and what is owed is lost. */
  close(): void {
    this.#stopping = true;
    this.#cut += this.#unfinished();
    const closed = new PoolClosed(this.#settings.name);
    for (let one = this.#waiting.first; one !== null; one = this.#waiting.first) {
      this.#take(one);
      one.refused(closed);
    }
    for (const member of this.#members) this.#retire(member, closed);
    this.#settle();
  }

  // -- who waits -----------------------------------------------------------------------------------------------------

  #take(one: Borrower<Q, A>): void {
    this.#waiting.take(one);
    this.#wanted -= this.#placesOf(one);
  }

  #placesOf({ alone, wants }: Borrower<Q, A>): number {
    return alone ? this.#settings.depth : wants;
  }

  /** Whether more wait than may, over and above those for whom there is a place, or will be once all lines are open. */
  #isCrowded(): boolean {
    const { waiting, max, depth } = this.#settings;
    if (this.#waiting.size < waiting) return false;
    let places = max * depth;
    for (const { lent, line } of this.#members) places -= lent ? depth : line.owed;
    return this.#waiting.size >= waiting + places;
  }

  #expire(): void {
    const { acquire } = this.#settings;
    let left = 0;
    for (let one = this.#waiting.first; one !== null; one = this.#waiting.first) {
      left = this.#timetable.left(one.since, acquire);
      if (left > 0) break;
      const error = new AcquireTimeout(
        acquire,
        this.#shown(),
        this.#dialler.failures > 0 ? this.#dialler.lastFailure : undefined,
      );
      this.#take(one);
      this.#timedOut++;
      one.refused(error);
    }
    if (left > 0) this.#expiry.set(left);
    // Those behind may have been held up by those who are gone.
    this.#pump();
  }

  /** What there is to say of the pool to one who got nothing. */
  #shown(): string {
    const { open, busy, dialling, waiting } = this.statistics;
    const { name, max } = this.#settings;
    return `${name}: ${open} of ${max} open, ${busy} busy, ${dialling} being dialled, ${waiting} waiting`;
  }

  /** A loop and not a recursion: what is done for one may bring the next, or make room for it. */
  #pump(): void {
    this.#again = true;
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#again) {
        this.#again = false;
        this.#serve();
        this.#bring();
      }
    } finally {
      this.#pumping = false;
    }
    this.#settle();
  }

  #serve(): void {
    for (let one = this.#waiting.first; one !== null; one = this.#waiting.first) {
      const member = this.#pick(one.alone, false);
      if (member === undefined) return;
      this.#take(one);
      one.served(member.line, one.alone ? this.#lend(member) : nothing);
    }
  }

  /** The line to use, or, if `stale`, the one to check: the least busy, and of several that are idle, by their order. */
  #pick(alone: boolean, stale: boolean): Member<Q, A> | undefined {
    let best: Member<Q, A> | undefined;
    for (const member of this.#members) {
      const { owed } = member.line;
      if (member.lent || member.retiring || (owed > 0 && alone)) continue;
      if ((owed === 0 && this.#isStale(member)) !== stale || !member.line.hasRoom()) continue;
      if (best === undefined || owed < best.line.owed || (owed === best.line.owed && this.#comesBefore(member, best))) {
        best = member;
      }
    }
    return best;
  }

  #comesBefore(one: Member<Q, A>, other: Member<Q, A>): boolean {
    return this.#settings.order === 'lifo' ? one.turn > other.turn : one.turn < other.turn;
  }

  #isStale({ idleSince }: Member<Q, A>): boolean {
    const { health } = this.#settings;
    return health !== null && this.#timetable.now() - idleSince >= health.after;
  }

  /** Has it lent to one alone. Gives how to give it back. */
  #lend(member: Member<Q, A>): (clean: boolean) => void {
    member.lent = true;
    let given = false;
    return (clean) => {
      // Once: by the second time it may be another's.
      if (given) return;
      given = true;
      member.lent = false;
      if (this.#members.has(member)) {
        if (clean && member.line.owed === 0) this.#rest(member);
        else this.#retire(member, new Error('its loan was over'));
      }
      this.#pump();
    };
  }

  // -- lines come ----------------------------------------------------------------------------------------------------

  /** Has as many lines under way as those who wait need, and as many open as there should always be. */
  #bring(): void {
    const { depth, min } = this.#settings;
    const needed = Math.ceil(this.#wanted / depth);
    // What comes at once is looked at anew.
    while (!this.#again && this.#dialler.dialling + this.#checking < needed)
      if (!this.#check() && !this.#dial()) return;
    if (this.#stopping) return;
    while (!this.#again && this.#members.size + this.#dialler.dialling < min) if (!this.#dial()) return;
  }

  /** Dials, if there may be one more. One that is being closed still counts: to the server it is there. */
  #dial(): boolean {
    if (!this.#dialler.ready || this.#connections + this.#dialler.dialling >= this.#settings.max) return false;
    this.#dialler.dial();
    return true;
  }

  #open(connection: Connection): void {
    const { life, jitter, chance } = this.#settings;
    this.#made++;
    this.#connections++;
    const member: Member<Q, A> = {
      line: new Line<Q, A>(connection, this.#settings, {
        freed: () => this.#freed(member),
        over: (why) => this.#lose(member, why),
      }),
      openedAt: this.#timetable.now(),
      idleTime: new Alarm(this.#timetable, { due: () => this.#idledOut(member) }),
      lifeTime: new Alarm(this.#timetable, { due: () => this.#livedOut(member) }),
      lent: false,
      retiring: false,
      idleSince: 0,
      turn: 0,
    };
    this.#members.add(member);
    this.#rest(member);
    if (life > 0) member.lifeTime.set(life * (1 - jitter * chance()));
    member.line.start();
    connection.closed.subscribe({
      complete: () => {
        this.#connections--;
        this.#pump();
      },
    });
    this.#pump();
  }

  /** Looks whether a line that was idle for long is in order. While it does, the line is lent. */
  #check(): boolean {
    const { health } = this.#settings;
    const member = health === null ? undefined : this.#pick(true, true);
    if (health === null || member === undefined) return false;
    const giveBack = this.#lend(member);
    this.#checking++;
    const checking = new Subscription(() => this.#checking--);
    const over = (healthy: boolean): void => {
      if (checking.closed) return;
      checking.unsubscribe();
      giveBack(healthy);
    };
    checking.add(this.#timetable.clock.after(health.within, () => over(false)));
    const attempt = inScope(openScope, () =>
      health.check(member.line).subscribe({ error: () => over(false), complete: () => over(true) }),
    );
    checking.add(attempt);
    return true;
  }

  // -- lines go ------------------------------------------------------------------------------------------------------

  #freed(member: Member<Q, A>): void {
    if (member.line.answers > 0) this.#dialler.succeeded();
    if (isFree(member)) this.#rest(member);
    this.#pump();
  }

  /** Nobody uses it: it is idle from now on, or goes. */
  #rest(member: Member<Q, A>): void {
    if (member.retiring) return this.#retire(member, new Error('it was open for its time'));
    member.idleSince = this.#timetable.now();
    member.turn = ++this.#turns;
    const { idle } = this.#settings;
    if (idle > 0 && !member.idleTime.pending) member.idleTime.set(idle);
  }

  #idledOut(member: Member<Q, A>): void {
    if (!isFree(member)) return;
    const { idle, min } = this.#settings;
    const left = this.#timetable.left(member.idleSince, idle);
    if (left > 0) member.idleTime.set(left);
    else if (this.#members.size <= min) member.idleTime.set(idle);
    else this.#retire(member, new Error('it was idle for its time'));
  }

  #livedOut(member: Member<Q, A>): void {
    member.retiring = true;
    if (!isFree(member)) return;
    this.#rest(member);
    this.#pump();
  }

  /** Closes a line. */
  #retire(member: Member<Q, A>, why: unknown): void {
    this.#remove(member);
    this.#retired++;
    member.line.end(why);
  }

  /** A line has ended, and if not by us, then it was lost. */
  #lose(member: Member<Q, A>, why: unknown): void {
    if (!this.#members.has(member)) return;
    this.#remove(member);
    this.#lost++;
    if (member.line.answers === 0 && this.#timetable.now() - member.openedAt < STABLE) this.#dialler.failed(why);
    this.#pump();
  }

  #remove(member: Member<Q, A>): void {
    this.#members.delete(member);
    this.#answered += member.line.answers;
    member.idleTime.clear();
    member.lifeTime.clear();
  }

  // -- the end -------------------------------------------------------------------------------------------------------

  /** Requests and loans that wait or are under way. */
  #unfinished(): number {
    let count = this.#waiting.size - this.#checking;
    for (const { lent, line } of this.#members) count += lent ? 1 : line.owed;
    return count;
  }

  /** If no more are taken and nobody waits, what is idle goes, and when the last is gone, that is told. */
  #settle(): void {
    if (!this.#stopping || this.#waiting.size > 0) return;
    this.#expiry.clear();
    this.#dialler.stop();
    for (const member of this.#members) if (isFree(member)) this.#retire(member, new PoolClosed(this.#settings.name));
    if (this.#members.size === 0 && this.#connections === 0) this.#done();
  }
}

const isFree = ({ lent, line }: { readonly lent: boolean; readonly line: { readonly owed: number } }): boolean =>
  !lent && line.owed === 0;

const nothing = (): void => {};
