// Echo, length-prefixed frames and chat, each with 200 clients on a bad network. A few seeds here;
//
//     SEEDS=1000 npm test -- simulation     so many of them, on all processors, with the time that it took
//     SEED=17 npm test -- simulation -v     that one again, line by line
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { simulate } from '../../src/testing/index.js';
import { start } from '../kit/program.js';
import { sceneOf } from '../kit/simulated.js';
import { suite } from '../kit/suite.js';

const SEEDS = Number(process.env['SEEDS'] ?? 24);
const PROCESSES = Math.min(4, availableParallelism());
const { SEED } = process.env;

const test = suite('simulation', undefined, { timeout: 600_000 });
const script = fileURLToPath(new URL('../kit/simulate-seeds.js', import.meta.url));

/** What the process of a share has printed last. */
interface Share {
  readonly seeds: number;
  readonly connections: number;
  readonly complete: number;
  readonly bytes: number;
  /** Seconds of a processor. */
  readonly seconds: number;
  readonly endings: Readonly<Record<string, number>>;
}

const run = async (first: number): Promise<Share> => {
  const program = start(process.execPath, ['--enable-source-maps', script, `${first}`, `${SEEDS}`, `${PROCESSES}`]);
  const code = await program.exited;
  assert.is(code, 0, program.output());
  return JSON.parse(/^told (.*)$/m.exec(program.output())?.[1] as string) as Share;
};

const sum = (shares: readonly Share[], what: (share: Share) => number): number =>
  shares.reduce((all, share) => all + what(share), 0);

if (SEED !== undefined) {
  test(`seed ${SEED}`, async () => {
    const told = await simulate({ seed: Number(SEED), ...sceneOf(Number(SEED)), log: console.log });
    console.log(told);
  });
} else {
  test(`${SEEDS} seeds`, async () => {
    const began = performance.now();
    const shares = await Promise.all(Array.from({ length: PROCESSES }, (_, index) => run(index + 1)));
    const seconds = Math.round((performance.now() - began) / 1_000);
    const alone = Math.round(sum(shares, (share) => share.seconds));
    const endings = new Set(shares.flatMap((share) => Object.keys(share.endings)));
    console.log(
      `${SEEDS} seeds, ${sum(shares, ({ connections }) => connections)} connections and ` +
        `${Math.round(sum(shares, ({ bytes }) => bytes) / 1e6)} MB in ${seconds} s, ` +
        `${alone} s of one processor; ` +
        `${sum(shares, ({ complete }) => complete)} clients have said and heard all; ${[...endings].join(', ')}`,
    );
    assert.is(
      sum(shares, ({ seeds }) => seeds),
      SEEDS,
    );
    // In so many, everything has happened that a network can do.
    if (SEEDS < 1_000) return;
    for (const ending of [
      'finished',
      'ConnectionReset',
      'PeerIdle',
      'WriteStalled',
      'HalfCloseTimeout',
      'DrainTimeout',
    ]) {
      assert.ok(endings.has(ending), `no connection has ended with ${ending}`);
    }
  });
}

test.run();
