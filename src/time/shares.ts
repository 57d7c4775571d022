import type { Gate } from '../flow/gate.js';
import { Valve } from '../flow/valve.js';
import { machineClock } from './clock.js';

/** Which turn of the event loop it is, as far as anybody has had something of it; and whether somebody has. */
let turn = 0;
let begun = false;

/** Closed, for those who have had their share. */
let spent = new Valve();

const nextTurn = (): void => {
  begun = false;
  turn = (turn + 1) % 2 ** 30;
  if (!spent.closed) return;
  const over = spent;
  spent = new Valve();
  over.release();
};

/** What one has had of a turn of the event loop, in frames. */
export class Share {
  #turn = -1;
  #had = 0;

  /**
   * So many more frames of one's were handled. Once it has had `most` in this turn of the event loop it rests, and goes on
   * when all others had theirs.
   *
   * One who sends a million empty frames at once would keep everybody else waiting otherwise: the system hands over what
   * one socket has before it turns to the next.
   */
  take(gate: Gate, frames: number, most: number): void {
    if (!begun) {
      begun = true;
      machineClock.afterReads(nextTurn);
    }
    if (this.#turn !== turn) {
      this.#turn = turn;
      this.#had = 0;
    }
    this.#had += frames;
    if (this.#had < most) return;
    spent.close();
    gate.hold(spent);
  }
}
