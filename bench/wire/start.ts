import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type Figures, figures, medians } from './figures.js';
import { pinned, startServer } from './server.js';

const FRAME = Buffer.from([0, 2, 104, 105]);

/** Milliseconds from the start of a server to the echo of the first frame, on a connection made when it listens. */
const untilFirstEcho = async (command: readonly string[], core: number): Promise<number> => {
  const server = await startServer(command, core);
  try {
    const asked = performance.now();
    const socket = connect({ port: server.port, host: '127.0.0.1', noDelay: true });
    socket.write(FRAME);
    let heard = 0;
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      heard += chunk.length;
      if (heard >= FRAME.length) break;
    }
    if (heard < FRAME.length) throw new Error('it closed the connection and never answered');
    return server.startedIn + performance.now() - asked;
  } finally {
    await server.stop();
  }
};

/** Milliseconds from the start of a process to its end. */
const untilEnd = async (command: readonly string[], core: number): Promise<number> => {
  const started = performance.now();
  const [program, ...args] = pinned(core, command) as [string, ...string[]];
  const [code] = (await once(spawn(program, args, { stdio: 'inherit' }), 'exit')) as [number | null];
  if (code !== 0) throw new Error(`it ended with ${code}`);
  return performance.now() - started;
};

/** Starts a program so many times. */
export const runStarts = async (
  role: 'echo' | 'import',
  command: readonly string[],
  core: number,
  times: number,
): Promise<Figures> => {
  const took: Figures[] = [];
  for (let time = 0; time < times; time++) {
    took.push(figures({ took: await (role === 'echo' ? untilFirstEcho : untilEnd)(command, core) }));
  }
  return medians(took);
};
