import { Subscription } from 'rxjs';
import type { Clock } from '../../time/clock.js';
import type { Fault } from './fault.js';
import { FaultLine, type Roll } from './fault-line.js';
import type { FaultList, FaultWatch } from './fault-list.js';

/** What a network can do to a connection as a whole. */
export interface LinkEnds {
  /** Both sides see a reset. */
  reset(): void;
  /** Both sides see the end, behind what has come to them. */
  close(): void;
}

/** A connection over a network that has faults: a line in each direction. */
export class FaultLink implements FaultWatch {
  readonly toServer: FaultLine;
  readonly toClient: FaultLine;
  readonly #clock: Clock;
  readonly #roll: Roll;
  readonly #ends: LinkEnds;
  /** The faults that it has, and what waits to reset it because of them. */
  readonly #suffers = new Map<Fault, Subscription>();
  #watching: readonly (() => void)[] = [];

  constructor(clock: Clock, roll: Roll, ends: LinkEnds) {
    this.#clock = clock;
    this.#roll = roll;
    this.#ends = ends;
    this.toServer = new FaultLine(clock, roll, () => this.#ends.close());
    this.toClient = new FaultLine(clock, roll, () => this.#ends.close());
  }

  /** From now on it has the faults of these networks. */
  begin(lists: readonly FaultList[]): void {
    this.#watching = lists.map((list) => list.watch(this));
  }

  added(fault: Fault): void {
    if (fault.type === 'down') return this.#ends.reset();
    if (fault.chance !== undefined && this.#roll(1_000) >= fault.chance * 1_000) return;
    const waiting = new Subscription();
    this.#suffers.set(fault, waiting);
    if (fault.type === 'reset' || (fault.type === 'black-hole' && fault.ms !== undefined)) {
      waiting.add(this.#clock.after(fault.ms ?? 0, () => this.#ends.reset()));
    }
    if (fault.type === 'reset') return;
    if (fault.towards !== 'client') this.toServer.add(fault);
    if (fault.towards !== 'server') this.toClient.add(fault);
  }

  removed(fault: Fault): void {
    this.#suffers.get(fault)?.unsubscribe();
    if (!this.#suffers.delete(fault)) return;
    this.toServer.remove(fault);
    this.toClient.remove(fault);
  }

  /** There is no connection any more. */
  leave(): void {
    for (const unwatch of this.#watching) unwatch();
    for (const waiting of this.#suffers.values()) waiting.unsubscribe();
    this.toServer.close();
    this.toClient.close();
  }
}
