// Runs every test file in its own process, a few at a time, and closes with 'N passed, N failed'.
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    // One more than there are processors: many tests wait most of the time.
    jobs: { type: 'string', short: 'j', default: String(availableParallelism() + 1) },
    timeout: { type: 'string', default: '120000' },
    verbose: { type: 'boolean', short: 'v', default: false },
  },
});

const root = fileURLToPath(new URL('../../../', import.meta.url));
const wanted = (name: string): boolean => positionals.length === 0 || positionals.some((part) => name.includes(part));
// Named from the sources: a compiled file whose source is gone must not run.
const files = readdirSync(`${root}test`, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts') && wanted(name))
  .toSorted();

interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const runFile = (name: string): Promise<Outcome> =>
  new Promise((done) => {
    const script = `${root}dist/test/${name.replace(/\.ts$/, '.js')}`;
    const started = performance.now();
    let output = '';
    let trouble = '';
    let lingering: NodeJS.Timeout | undefined;
    const child = spawn(process.execPath, ['--conditions=sluice-unbundled', '--enable-source-maps', script], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const stop = (why: string): void => {
      trouble = why;
      child.kill('SIGKILL');
    };
    const limit = setTimeout(stop, Number(values.timeout), `over ${values.timeout} ms`);
    const collect = (chunk: Buffer): void => {
      output += chunk.toString();
      if (lingering === undefined && /^ {2}Duration:/m.test(output))
        lingering = setTimeout(stop, 2000, 'done, but something keeps the process alive');
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('close', (code) => {
      clearTimeout(limit);
      clearTimeout(lingering);
      const count = (label: string): number =>
        Number(new RegExp(`^ {2}${label}:\\s+(\\d+)`, 'm').exec(output)?.[1] ?? 0);
      const [total, passed, skipped] = [count('Total'), count('Passed'), count('Skipped')];
      if (trouble === '' && total + skipped === 0)
        trouble = code === 0 ? 'no test ran (is run() called?)' : `ended early, exit code ${code}`;
      if (trouble === '' && code !== 0 && total === passed) trouble = `exit code ${code}`;
      const failed = total - passed + (trouble === '' ? 0 : 1);
      const ms = Math.round(performance.now() - started);
      console.log(
        `${failed > 0 ? 'FAIL' : 'ok  '} ${name} (${passed}/${total}, ${ms} ms)${trouble === '' ? '' : ` ${trouble}`}`,
      );
      if (failed > 0 || values.verbose) console.log(output.trimEnd());
      done({ passed, failed, skipped });
    });
  });

// What floods, measures or has a clock to beat runs after all others, and one at a time.
const isAlone = (name: string): boolean => /^(alone|abuse)\//.test(name);
const [alone, together] = [files.filter(isAlone), files.filter((name) => !isAlone(name))];
const outcomes: Outcome[] = [];
const runAll = async (queue: string[], jobs: number): Promise<void> => {
  const worker = async (): Promise<void> => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) outcomes.push(await runFile(name));
  };
  await Promise.all(Array.from({ length: jobs }, worker));
};
await runAll(together, Math.max(1, Number(values.jobs)));
await runAll(alone, 1);
const sum = (key: keyof Outcome): number => outcomes.reduce((total, item) => total + item[key], 0);
if (sum('skipped') > 0) console.log(`${sum('skipped')} skipped`);
console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
process.exitCode = sum('failed') > 0 || files.length === 0 ? 1 : 0;
