import type { SchedulerAction, Subscription } from 'rxjs';
import { Subject } from 'rxjs';
import * as assert from 'uvu/assert';
import { memory } from '../src/index.js';
import { ManualClock } from './kit/manual-clock.js';
import { MemoryPeer } from './kit/peer.js';
import { rounds } from './kit/quiet.js';
import { suite } from './kit/suite.js';

const test = suite('the write deadline');

/** A clock on which what is to happen at once happens when the test says so: as when much has arrived meanwhile. */
class BusyClock extends ManualClock {
  #held: (() => void)[] = [];

  override schedule<T>(work: (this: SchedulerAction<T>, state?: T) => void, delay = 0, state?: T): Subscription {
    if (delay > 0) return super.schedule(work, delay, state);
    const held = new Subject<void>();
    this.#held.push(() => held.next());
    return held.subscribe(() => work.call(undefined as never, state));
  }

  goOn(): void {
    for (const work of this.#held.splice(0)) work();
  }
}

for (const [again, what] of [
  [false, 'a peer that takes all'],
  [true, 'a peer that takes all and is full anew'],
] as const) {
  test(`${what} while the deadline is being looked at is in time`, async () => {
    const clock = new BusyClock();
    const [near, far] = memory({ scheduler: clock, writeDeadline: 1_000 });
    const peer = new MemoryPeer(far);
    const said = new Subject<Uint8Array>();
    const failures: unknown[] = [];
    said.pipe(near.writes).subscribe({ error: (error: unknown) => failures.push(error) });
    said.next(new Uint8Array(64 * 1024));
    await rounds();
    clock.advance(1_000);
    peer.sip();
    await rounds();
    if (again) said.next(new Uint8Array(64 * 1024));
    await rounds();
    clock.goOn();
    assert.equal(failures, []);
    clock.advance(1_000);
    clock.goOn();
    assert.is(failures.length, again ? 1 : 0);
    near.abort();
    far.abort();
  });
}

test.run();
