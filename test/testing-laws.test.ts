import { type SchedulerAction, type Subscription, VirtualTimeScheduler } from 'rxjs';
import { WireConnection, connectionLimits } from '../src/connection/connection.js';
import { assertNoLeaks } from '../src/testing/leaks.js';
import { type NetworkOptions, networkOf } from '../src/testing/network.js';
import { wires } from '../src/testing/network-wire.js';
import { type Transport, connectionLaws } from './connection-laws.js';
import { MemoryPeer } from './kit/peer.js';

/** Virtual time that moves on by itself, a step in each turn of the real loop: the laws wait for real. */
class MovingTime extends VirtualTimeScheduler {
  #moving = false;

  override schedule<State>(
    work: (this: SchedulerAction<State>, state?: State) => void,
    delay?: number,
    state?: State,
  ): Subscription {
    const scheduled = super.schedule(work, delay, state);
    this.#move();
    return scheduled;
  }

  #move(): void {
    if (this.#moving || this.actions.length === 0) return;
    this.#moving = true;
    setImmediate(() => {
      this.#moving = false;
      const action = this.actions.shift();
      if (action === undefined) return;
      this.frame = action.delay;
      const error: unknown = action.execute(action.state, action.delay);
      this.#move();
      if (error !== undefined) throw error;
    });
  }
}

/** The network of the marbles, between a connection and a peer. */
const overNetwork = (name: string, options: NetworkOptions): Transport => {
  const afters: (() => void)[] = [];
  let allGone: (() => Promise<void>) | undefined;
  return {
    name,
    seesAbort: 'reset',
    seesUnread: 'reset',
    open: (limits = {}) => {
      allGone ??= assertNoLeaks();
      const [near, far] = wires(networkOf(options), new MovingTime(), ['far', 'near']).map(
        (wire) => new WireConnection(wire, connectionLimits(limits)),
      ) as [WireConnection, WireConnection];
      afters.push(() => far.abort());
      return Promise.resolve({ near, far: new MemoryPeer(far) });
    },
    close: async () => {
      for (const after of afters.splice(0)) after();
      await allGone?.();
      allGone = undefined;
    },
  };
};

connectionLaws(overNetwork('the network of the marbles', {}));
connectionLaws(overNetwork('the same, with latency', { latency: 20 }));
connectionLaws(overNetwork('the same, with latency and a bandwidth', { latency: 5, bandwidth: 1e9 }));
