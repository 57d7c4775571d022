import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type PlainClient, plainClient } from '../../src/testing/plain-client.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** A program that runs beside the test, as a reader would start it. */
export interface Program {
  readonly pid: number;
  /** All that it has printed so far, both streams. */
  readonly output: () => string;
  /** Waits until what it prints matches, from a place of its output on, and gives the match. */
  readonly printed: (pattern: RegExp, from?: number) => Promise<RegExpExecArray>;
  readonly signal: (name: NodeJS.Signals) => void;
  /** Its exit code, or the name of the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals | null>;
  /** Writes to its standard input. */
  readonly say: (text: string) => void;
  /** Ends its standard input. */
  readonly close: () => void;
  /** Ends its standard input. */
  readonly hush: () => void;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a program; it does not outlive the test. */
export const start = (
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  cwd: string = root,
): Program => {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: 'pipe' });
  running.add(child);
  let output = '';
  let changed = (): void => {};
  const collect = (chunk: Buffer): void => {
    output += chunk.toString();
    changed();
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  child.stdin.on('error', () => {});
  const exited = once(child, 'close').then(([code, signal]) => {
    running.delete(child);
    changed();
    return (code ?? signal) as number | NodeJS.Signals | null;
  });
  return {
    pid: child.pid as number,
    output: () => output,
    printed: async (pattern, from = 0) => {
      for (;;) {
        const match = pattern.exec(output.slice(from));
        if (match !== null) return match;
        if (!running.has(child)) throw new Error(`it ended and never printed ${pattern}:\n${output}`);
        await new Promise<void>((resolve) => {
          const before = changed;
          changed = () => {
            before();
            resolve();
          };
        });
        changed = () => {};
      }
    },
    signal: (name) => child.kill(name),
    exited,
    say: (text) => child.stdin.write(text),
    close: () => child.stdin.end(),
    hush: () => child.stdin.end(),
  };
};

/** Starts `sluice` as `npx sluice ...` does, once the package is built. */
export const sluice = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Program =>
  start(process.execPath, ['dist/lib/src/cli/main.js', ...args], { SLUICE_HISTORY: '', ...env });

/** Starts an example as `npm run example -- NAME ...` does, once the package is built. */
export const example = (name: string, ...args: readonly string[]): Program =>
  start(process.execPath, ['--enable-source-maps', 'dist/examples/run.js', name, ...args]);

/** The port of a program that prints `listening on HOST:PORT`. */
export const portOf = async (program: Program): Promise<number> =>
  Number((await program.printed(/^listening on \S+:(\d+)$/m))[1]);

/** A port that is free at the moment, for a program that has to be told one. */
export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
};

/** Whether a program is installed here. */
export const installed = (command: string): boolean => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;

/** A plain client of Node's own, which keeps its side open until it is told otherwise. */
export const client = async (port: number): Promise<PlainClient> => {
  const plain = await plainClient({ port }, { halfOpen: true });
  plain.socket.unref(); // a client that a test has forgotten does not keep the tests from ending
  return plain;
};
