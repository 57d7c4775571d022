import fc from 'fast-check';
import { Subscriber, Subscription, UnsubscriptionError } from 'rxjs';
import * as assert from 'uvu/assert';
import { LightSubscriber } from '../src/light-subscriber.js';
import { suite } from './kit/suite.js';

const test = suite('a light subscriber');

class Light extends LightSubscriber<never> {}
class Plain extends Subscriber<never> {}

/** What is done to a subscriber: a teardown by its number is added, removed or ended, or all is torn down. */
type Deed = readonly ['add' | 'remove' | 'end', number] | readonly ['unsubscribe', 0];

/** Teardowns of every kind: functions, subscriptions, anything with `unsubscribe`; some of them throw. */
const teardowns = (log: string[]) =>
  Array.from({ length: 8 }, (_, number) => {
    const work = (): void => {
      log.push(`${number}`);
      if (number % 4 === 3) throw new Error(`${number}`);
    };
    if (number < 3) return work;
    return number === 7 ? { unsubscribe: work } : new Subscription(work);
  });

/** What becomes of `subscriber`, step by step. */
const told = (subscriber: Subscriber<never>, deeds: readonly Deed[]): string[] => {
  const log: string[] = [];
  const all = teardowns(log);
  const attempt = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      log.push(`threw ${(error instanceof UnsubscriptionError ? error.errors : [error]).map(String).join()}`);
    }
  };
  for (const [deed, number] of deeds) {
    const one = all[number] as (typeof all)[number];
    log.push(`${deed} ${number}`);
    attempt(() => {
      if (deed === 'add') subscriber.add(one);
      else if (deed === 'remove') subscriber.remove(one);
      else if (deed === 'unsubscribe') subscriber.unsubscribe();
      else if (one instanceof Subscription) one.unsubscribe();
    });
    log.push(`closed ${subscriber.closed}`);
  }
  attempt(() => subscriber.unsubscribe());
  return log;
};

const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 9, arbitrary: fc.tuple(fc.constantFrom('add', 'add', 'remove', 'end'), fc.nat(7)) },
  { weight: 1, arbitrary: fc.constant(['unsubscribe', 0] as const) },
);

/** RxJS keeps a function that is added twice twice. Nobody does that, and here it depends on what came between. */
const once = (deeds: readonly Deed[]): readonly Deed[] =>
  deeds.filter(
    ([what, number], at) => what !== 'add' || deeds.findIndex(([a, b]) => a === what && b === number) === at,
  );

test('tears down what one of RxJS does, in the same order, and throws the same', () => {
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 12 }), (deeds) => {
      assert.equal(told(new Light(), once(deeds)), told(new Plain(), once(deeds)));
    }),
    { numRuns: 500 },
  );
});

test('lets go of what has ended as soon as something else is added', () => {
  const light = new Light();
  const seen: string[] = [];
  for (let round = 0; round < 3; round++) {
    const child = new Subscription(() => seen.push(`child ${round}`));
    light.add(child);
    child.unsubscribe();
  }
  light.add(() => seen.push('last'));
  light.unsubscribe();
  assert.equal(seen, ['child 0', 'child 1', 'child 2', 'last']);
});

test.run();
