import type { Observable } from 'rxjs';
import { checkInteger } from '../check.js';
import { type Place, checkPlace, placeName } from '../connection/address.js';
import type { Connection } from '../connection/connection.js';
import type { Candidate } from './strategy.js';

/** One of several places that do the same work. */
export interface Target extends Place {
  /** How much it is to get, compared with the others: a whole number from 1 to 1,000 (default 1). */
  readonly weight?: number;
}

/**
 * Whether a target is dialled: `in`; `ejected`, for a time, after failures; `on-trial` when that is over, until a dial
 * succeeds.
 */
export type TargetState = 'in' | 'ejected' | 'on-trial';

/** A target as it stands when it is asked for. */
export interface TargetStatus {
  /** `host:port` or a path. */
  readonly name: string;
  readonly weight: number;
  readonly state: TargetState;
  /** Connections to it that are open. */
  readonly open: number;
  /** Dials to it that are under way. */
  readonly dialling: number;
  /** Dials to it that gave a connection, and dials that failed, since it was listed. */
  readonly made: number;
  readonly failed: number;
  /** How often it was ejected since it was listed. */
  readonly ejected: number;
}

/** A target of a balancer, with what the balancer knows of it. */
export class Listed implements Candidate {
  readonly name: string;
  readonly dial: Observable<Connection>;
  weight = 1;
  state: TargetState = 'in';
  open = 0;
  dialling = 0;
  made = 0;
  failed = 0;
  ejected = 0;
  /** Dials that failed since the last that did not, and ejections since then. */
  failuresInARow = 0;
  ejectionsInARow = 0;

  constructor(name: string, dial: Observable<Connection>) {
    this.name = name;
    this.dial = dial;
  }

  get connections(): number {
    return this.open + this.dialling;
  }

  get status(): TargetStatus {
    const { name, weight, state, open, dialling, made, failed, ejected } = this;
    return { name, weight, state, open, dialling, made, failed, ejected };
  }
}

/** Checks a list, and gives its places with their weights. */
export const checkTargets = (targets: readonly Target[]): readonly (Place & { readonly weight: number })[] => {
  if (!Array.isArray(targets)) throw new TypeError(`targets must be an array or an Observable, got ${typeof targets}`);
  const names = new Set<string>();
  return (targets as readonly Target[]).map((target) => {
    const place = checkPlace(target, 1);
    const name = placeName(place);
    if (names.has(name)) throw new RangeError(`targets must differ, and ${name} is there twice`);
    names.add(name);
    return { ...place, weight: checkInteger('weight', target.weight ?? 1, 1, 1_000) };
  });
};
