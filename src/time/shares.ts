import type { Gate } from '../flow/gate.js';
import { Valve } from '../flow/valve.js';
import { machineClock } from './clock.js';

/** What each source has had of this turn of the event loop, in frames. */
const had = new Map<Gate, number>();

/** Closed, for those who have had their share. */
let spent = new Valve();

const nextTurn = (): void => {
  had.clear();
  if (!spent.closed) return;
  const over = spent;
  spent = new Valve();
  over.release();
};

/**
 * A source has had so many more frames handled. Once it has had its share of this turn of the event loop it rests, and
 * goes on when all others had theirs.
 *
 * One who sends a million empty frames at once would keep everybody else waiting otherwise: the system hands over what
 * one socket has before it turns to the next.
 */
export const takeShare = (gate: Gate, frames: number, share: number): void => {
  if (had.size === 0) machineClock.afterReads(nextTurn);
  const sum = (had.get(gate) ?? 0) + frames;
  had.set(gate, sum);
  if (sum < share) return;
  spent.close();
  gate.hold(spent);
};
