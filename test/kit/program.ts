import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** A program that runs beside the test, as a reader would start it. */
export interface Program {
  readonly pid: number;
  /** All that it has printed so far, both streams. */
  readonly output: () => string;
  /** Waits until what it prints matches, and gives the match. */
  readonly printed: (pattern: RegExp) => Promise<RegExpExecArray>;
  readonly signal: (name: NodeJS.Signals) => void;
  /** Its exit code, or the name of the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals | null>;
  /** Writes to its standard input. */
  readonly say: (text: string) => void;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a program; it does not outlive the test. */
export const start = (command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Program => {
  const child = spawn(command, args, { cwd: root, env: { ...process.env, ...env }, stdio: 'pipe' });
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
    printed: async (pattern) => {
      for (;;) {
        const match = pattern.exec(output);
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
  };
};

/** Starts an example as `npm run example -- NAME ...` does, once the package is built. */
export const example = (name: string, ...args: readonly string[]): Program =>
  start(process.execPath, ['--enable-source-maps', 'dist/examples/run.js', name, ...args]);

/** The port of a program that prints `listening on HOST:PORT`. */
export const portOf = async (program: Program): Promise<number> =>
  Number((await program.printed(/^listening on \S+:(\d+)$/m))[1]);

/** Whether a program is installed here. */
export const installed = (command: string): boolean => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;

/** A plain client of Node's own, and all that it has heard. */
export interface Client {
  readonly socket: Socket;
  readonly heard: () => Buffer;
  /** Waits until so many bytes have come, or what came matches. */
  readonly hears: (what: number | RegExp) => Promise<string>;
  /** Waits for the server's end. */
  readonly ended: Promise<void>;
}

export const client = async (port: number): Promise<Client> => {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  let heard = Buffer.alloc(0);
  const waiting = new Set<() => void>();
  const changed = (): void => {
    for (const look of waiting) look();
  };
  socket.on('error', () => {});
  socket.unref(); // a client that a test has forgotten does not keep the tests from ending
  socket.on('data', (chunk: Buffer) => {
    heard = Buffer.concat([heard, chunk]);
    changed();
  });
  const ended = new Promise<void>((resolve) => socket.once('end', resolve).once('close', () => resolve()));
  socket.once('close', changed);
  await once(socket, 'connect');
  return {
    socket,
    heard: () => heard,
    hears: (what) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const text = heard.toString('latin1');
          const there = typeof what === 'number' ? heard.length >= what : what.test(text);
          if (!there && !socket.destroyed) return;
          waiting.delete(look);
          if (there) resolve(text);
          else reject(new Error(`closed before it heard ${what}; it heard ${JSON.stringify(text)}`));
        };
        waiting.add(look);
        look();
      }),
    ended,
  };
};
