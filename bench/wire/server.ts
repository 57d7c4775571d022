import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** A server under measurement, alone on its core. */
export interface Server {
  readonly pid: number;
  readonly port: number;
  /** From the start of the process to the line that says it listens, in milliseconds. */
  readonly startedIn: number;
  readonly stop: () => Promise<void>;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => process.exit(1));

/** The longest that a server may take to listen. */
const STARTING = 20_000;

/** As many descriptors as may be had; `exec`, so that the process that is measured is the one that was started. */
const UNLIMITED = 'ulimit -S -n "$(ulimit -H -n)"; exec "$@"';

/** The command on one core. */
export const pinned = (core: number, command: readonly string[]): readonly string[] => [
  'taskset',
  '-c',
  String(core),
  ...command,
];

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

/** Starts a server on a core of its own. Fails when it ends, or says nothing, before it listens. */
export const startServer = async (command: readonly string[], core: number): Promise<Server> => {
  const port = await freePort();
  const started = performance.now();
  const args = ['-c', UNLIMITED, 'sh', ...pinned(core, [...command, String(port)])];
  const child = spawn('sh', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  const exited = once(child, 'close').finally(() => running.delete(child));
  let said = '';
  await new Promise<void>((resolve, reject) => {
    const fail = (why: string): void => reject(new Error(`${why} ${said.trim()}`.trim()));
    const patience = setTimeout(() => {
      child.kill('SIGKILL');
      fail('it did not listen in time');
    }, STARTING);
    const hear = (chunk: Buffer): void => {
      said = (said + chunk.toString()).slice(-10_000);
      if (!said.includes('listening')) return;
      clearTimeout(patience);
      resolve();
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.on('close', () => {
      clearTimeout(patience);
      fail('it ended before it listened');
    });
  });
  return {
    pid: child.pid as number,
    port,
    startedIn: performance.now() - started,
    stop: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
};
