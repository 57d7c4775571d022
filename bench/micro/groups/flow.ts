import { do_not_optimize } from 'mitata';
import { Subject } from 'rxjs';
import { topic } from 'sluice';
import { Consumer } from '../../../src/flow/consumer.js';
import { Gate } from '../../../src/flow/gate.js';
import { openScope } from '../../../src/flow/scope.js';
import { Valve } from '../../../src/flow/valve.js';
import type { Group, Run, Runner } from '../contest.js';

const nothing = (): void => {};

/** The same work so many times. */
const times =
  (count: number, work: () => void): Run =>
  () => {
    for (let done = 0; done < count; done++) work();
    return count;
  };

/** Closes and opens a valve that so many sources have found, of which some wait at it. */
const valve =
  (sources: number, waiting: number, count: number): Runner =>
  () => {
    const turned = new Valve();
    const gates = Array.from({ length: sources }, () => new Gate({ ...openScope, valve: turned }));
    const stopped = gates.slice(0, waiting);
    return times(count, () => {
      turned.close();
      for (const gate of stopped) gate.wait(nothing);
      turned.open();
    });
  };

const taker = {
  next: (value: number): void => do_not_optimize(value),
  error: nothing,
  complete: nothing,
};

const LISTENERS = 100;

const group: Group = {
  about: 'what backpressure costs: a valve that closes and opens, a gate that a value passes, a topic',
  unit: 'time',
  contests: [
    { name: 'a valve closes and opens, 1 source', ours: valve(1, 0, 100_000) },
    { name: 'a valve closes and opens, 10,000 sources', ours: valve(10_000, 0, 100_000) },
    { name: 'the same, 1 of them stopped and woken', ours: valve(10_000, 1, 10_000) },
    { name: 'the same, 100 of them stopped and woken', ours: valve(10_000, 100, 1_000) },
    {
      name: 'a value passes a gate',
      ours: () => {
        const { gate } = new Consumer('bench', 64).subscribe(() => ({ gate: new Gate() }));
        return times(100_000, () => {
          if (!gate.closed) gate.next(taker, 1);
        });
      },
      rivals: { 'a call': () => times(100_000, () => taker.next(1)) },
    },
    {
      name: `a topic tells ${LISTENERS} listeners`,
      ours: () => {
        const news = topic<number>();
        for (let at = 0; at < LISTENERS; at++) news.stream().subscribe(do_not_optimize);
        return times(1_000, () => news.publish(1));
      },
      rivals: {
        Subject: () => {
          const news = new Subject<number>();
          for (let at = 0; at < LISTENERS; at++) news.subscribe(do_not_optimize);
          return times(1_000, () => news.next(1));
        },
      },
    },
  ],
};

export default group;
