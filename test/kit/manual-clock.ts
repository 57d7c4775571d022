import { VirtualAction, VirtualTimeScheduler } from 'rxjs';

/** Time that moves only when a test moves it, for deadlines on real sockets. */
export class ManualClock extends VirtualTimeScheduler {
  constructor() {
    super(VirtualAction, 0);
  }

  advance(ms: number): void {
    const until = this.frame + ms;
    this.maxFrames = until;
    this.flush();
    this.frame = until;
  }
}
