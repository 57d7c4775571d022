// npm run bench:resp: requests a second of examples/resp beside Debian's redis-server, asked by redis-benchmark.
// Both servers are on one core, the benchmark is on another, and they take turns: what disturbs one disturbs the other.
// Needs two cores, taskset, and apt-get install redis-server redis-tools. Options: --rounds N (default 5), --requests N.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { middle } from './micro/report.js';
import { table } from './micro/table.js';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, requests: { type: 'string', default: '500000' } },
});
const rounds = Number(values.rounds);
const requests = Number(values.requests);

const [SERVER_CORE, CLIENT_CORE] = ['0', '1'];

/** Requests in flight, the share of all requests, and the least ratio for each test. */
const scenarios = [
  { pipeline: 32, share: 1, wanted: { PING_INLINE: 0.8, PING_MBULK: 0.8, SET: 0.4, GET: 0.5 } },
  { pipeline: 1, share: 0.1, wanted: { PING_INLINE: 0.8, PING_MBULK: 0.8, SET: 0.8, GET: 0.8 } },
] as const;

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
};

const pinned = (core: string, command: readonly string[]): string[] => ['-c', core, ...command];

interface Running {
  readonly port: number;
  readonly pid: number;
  readonly stop: () => void;
}

for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => process.exit(1));

/** A server on the core of servers, once it answers. */
const started = async (command: (port: number) => readonly string[]): Promise<Running> => {
  const port = await freePort();
  const child = spawn('taskset', pinned(SERVER_CORE, command(port)), { stdio: 'ignore' });
  process.on('exit', () => child.kill('SIGKILL'));
  for (let tries = 0; ; tries++) {
    try {
      execFileSync('redis-cli', ['-p', String(port), 'ping'], { stdio: 'ignore' });
      return { port, pid: child.pid as number, stop: () => child.kill('SIGKILL') };
    } catch (error) {
      if (tries === 50) throw error;
      await new Promise((resolve) => {
        setTimeout(resolve, 100);
      });
    }
  }
};

/** Seconds of the processor that a process has used. */
const used = (pid: number): number => {
  const [, stat = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
  const fields = stat.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
};

/** Requests a second, and microseconds of the server's processor for each. */
type Figures = readonly [perSecond: number, cpu: number];

const measured = ({ port, pid }: Running, test: string, pipeline: number, count: number): Figures => {
  const before = used(pid);
  const options = ['-p', port, '-c', 64, '-P', pipeline, '-n', count, '-t', test.toLowerCase(), '--csv'].map(String);
  const printed = execFileSync('taskset', pinned(CLIENT_CORE, ['redis-benchmark', ...options]), {
    encoding: 'utf8',
    timeout: 120_000,
  });
  const [, perSecond] = new RegExp(`^"${test}","([\\d.]+)"`, 'm').exec(printed) ?? [];
  return [Number(perSecond), ((used(pid) - before) / count) * 1e6];
};

const example = fileURLToPath(new URL('../examples/run.js', import.meta.url));
const theirs = await started((port) => ['redis-server', '--port', `${port}`, '--save', '', '--appendonly', 'no']);
const ours = await started((port) => [process.execPath, example, 'resp', '--port', `${port}`]);

const rows: string[][] = [];
let met = true;
for (const { pipeline, share, wanted } of scenarios) {
  for (const [test, least] of Object.entries(wanted)) {
    const count = Math.round(requests * share);
    measured(ours, test, pipeline, count); // for the compiler
    const turns = Array.from({ length: rounds }, () => [
      measured(theirs, test, pipeline, count),
      measured(ours, test, pipeline, count),
    ]);
    const of = (who: 0 | 1, what: 0 | 1): number => middle(turns.map((turn) => (turn[who] as Figures)[what]));
    const ratio = middle(turns.map(([redis, sluice]) => (sluice as Figures)[0] / (redis as Figures)[0]));
    met &&= ratio >= least;
    rows.push([
      `-P ${pipeline} ${test}`,
      of(0, 0).toFixed(0),
      of(1, 0).toFixed(0),
      of(0, 1).toFixed(2),
      of(1, 1).toFixed(2),
      ratio.toFixed(2),
      `${least}, ${ratio >= least ? 'met' : 'NOT MET'}`,
    ]);
  }
}
theirs.stop();
ours.stop();
console.log(
  table([['redis-benchmark -c 64', 'redis /s', 'sluice /s', 'redis us', 'sluice us', 'ratio', 'wanted'], ...rows]),
);
process.exitCode = met ? 0 : 1;
