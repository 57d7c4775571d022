import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Figures, figures } from './figures.js';
import { pinned } from './server.js';

/** What the generator prints (see the head of loadgen.c), as far as it is used. */
interface Line {
  readonly msgs_s: number;
  readonly connects_s: number;
  readonly p50_us: number;
  readonly p99_us: number;
  readonly p999_us: number;
  readonly client_cpu: number;
  readonly server_cpu: number;
  readonly server_us_per_msg: number;
  readonly server_us_per_conn: number;
  readonly rss_before_mb: number;
  readonly rss_mb: number;
  readonly secs: number;
  readonly conns: number;
}

const run = promisify(execFile);

/** The longest that a measurement may take, in milliseconds. */
const PATIENCE = 600_000;

const printed = async (program: string, args: readonly string[]): Promise<string> => {
  try {
    return (await run(program, args, { timeout: PATIENCE })).stdout;
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : String(error);
    throw new Error(said === '' ? 'the generator was stopped' : said, { cause: error });
  }
};

/** Runs the generator on a core of its own. Fails when a reply was not the one expected. */
export const runLoad = async (program: string, core: number, args: readonly string[]): Promise<Figures> => {
  const [taskset, ...rest] = pinned(core, [program, ...args]) as [string, ...string[]];
  const line = JSON.parse(await printed(taskset, rest)) as Line;
  return figures({
    messagesPerSecond: line.msgs_s,
    connectionsPerSecond: line.connects_s,
    p50: line.p50_us,
    p99: line.p99_us,
    p999: line.p999_us,
    cpuPerMessage: line.server_us_per_msg,
    cpuPerConnection: line.server_us_per_conn,
    memoryPerConnection: ((line.rss_mb - line.rss_before_mb) * 1_000) / line.conns,
    memory: line.rss_mb,
    took: line.secs * 1_000,
    serverLoad: line.server_cpu,
    generatorLoad: line.client_cpu,
  });
};
