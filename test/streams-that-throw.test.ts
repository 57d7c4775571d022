// Streams, tasks and sources of chance of the program's own that throw: a connection's or a dial's error, never the process's.
import { Duplex, type DuplexOptions } from 'node:stream';
import { firstValueFrom, lastValueFrom, of, toArray } from 'rxjs';
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { serve } from '../operators/index.js';
import { atEndOfTurn, beginTurn, endTurn } from '../src/flow/turn.js';
import { type DialState, dial, fromDuplex } from '../src/index.js';
import { freshPath } from './kit/paths.js';
import { suite } from './kit/suite.js';

const test = suite('streams that throw');

const broken = (): never => {
  throw Object.assign(new Error('broken'), { code: 'EBROKEN' });
};

/** A stream that has brought one byte, takes all that is written, and is otherwise as `options` say. */
const stream = (options: DuplexOptions = {}): Duplex => {
  const made = new Duplex({ read: () => {}, write: (_chunk, _encoding, written) => written(), ...options });
  made.push('x');
  return made;
};

/** How serving a stream as an echo ends. */
const served = async (duplex: Duplex): Promise<string> => {
  const outcome = await firstValueFrom(of(fromDuplex(duplex)).pipe(serve((bytes) => bytes)));
  return E.isRight(outcome) ? 'finished' : String(outcome.left.error);
};

test('a stream that throws when it is written to', async () => {
  assert.match(await served(stream({ write: broken })), /EBROKEN/);
});

for (const method of ['write', 'end', 'resume', 'destroy'] as const) {
  test(`a stream whose ${method} throws`, async () => {
    // Otherwise Node itself calls `destroy`.
    const duplex = Object.assign(stream({ autoDestroy: false }), { [method]: broken });
    if (method !== 'write') duplex.push(null);
    assert.match(await served(duplex), method === 'destroy' ? /finished/ : /EBROKEN/);
  });
}

test('a stream that does not tell when it is closed has an outcome all the same', async () => {
  const ends = stream({ emitClose: false });
  ends.push(null);
  assert.is(await served(ends), 'finished');
  const fails = stream({ emitClose: false, write: (_chunk, _encoding, written) => written(new Error('no')) });
  assert.match(await served(fails), /ConnectionReset/);
  const aborted = fromDuplex(stream({ emitClose: false }));
  aborted.abort();
  assert.equal(await lastValueFrom(aborted.closed.pipe(toArray())), []);
});

test('a task that throws at the end of a turn keeps no other from running, in this turn or the next', () => {
  const ran: number[] = [];
  const task = (number: number, fails = false): boolean =>
    atEndOfTurn({
      run: () => {
        ran.push(number);
        if (fails) throw new Error(`task ${number}`);
      },
    });
  beginTurn();
  assert.ok(task(1) && task(2, true) && task(3, true) && task(4));
  assert.throws(endTurn, /^task 2$/);
  assert.equal(ran, [1, 2, 3, 4]);
  assert.not.ok(task(5));
  beginTurn();
  endTurn();
  assert.equal(ran, [1, 2, 3, 4]);
});

const chances: readonly [() => unknown, RegExp][] = [
  [broken, /^Error: broken$/],
  [() => 1.5, /^RangeError: what random gives must be a number from 0 to 1, got 1.5$/],
  [() => NaN, /^RangeError: what random gives must be a number from 0 to 1, got NaN$/],
  [() => '0.5', /^TypeError: what random gives must be a number, got "0.5"$/],
];

for (const [random, message] of chances) {
  test(`a dial whose chance is wrong fails with that: ${message.source}`, async () => {
    const states: DialState['state'][] = [];
    const dialled = dial({
      path: freshPath(),
      reconnect: true,
      random: random as () => number,
      onState: ({ state }) => states.push(state),
    });
    const error = await lastValueFrom(dialled).catch((reason: unknown) => reason);
    assert.match(String(error), message);
    assert.equal(states, ['connecting']);
  });
}

test.run();
