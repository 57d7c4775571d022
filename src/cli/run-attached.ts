import { parseArgs } from 'node:util';
import { attach } from './attach.js';
import { Misuse, complain, interrupts, outputUntil, print } from './command-line.js';
import { interactive, runInput, type } from './run-shell.js';
import type { Shell } from './shell.js';
import { topOnce, topScreen } from './top.js';

const socketOf = (given: string | undefined): string => {
  const path = given ?? process.env['SLUICE_SOCKET'];
  if (path !== undefined && path !== '') return path;
  throw new Misuse('which shell? give --socket PATH, the one that it was started with, or set SLUICE_SOCKET');
};

/** Does something with the shell behind a control socket, and lets go of it. */
const attached = async (path: string, act: (shell: Shell, asked: AbortSignal) => Promise<number>): Promise<number> => {
  const shell = await attach(path);
  const interrupted = interrupts();
  try {
    return await act(shell, interrupted.asked);
  } finally {
    await shell.leave(outputUntil(interrupted.insisting()));
    interrupted.close();
  }
};

/** `npx sluice attach PATH`: types into another shell. */
export const runAttached = (args: readonly string[]): Promise<number> => {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { history: { type: 'string' }, 'keep-going': { type: 'boolean', default: false } },
  });
  if (positionals.length > 1) throw new Misuse('sluice attach takes one PATH');
  return attached(socketOf(positionals[0]), async (shell, asked) => {
    if (!interactive()) return (await runInput(shell, asked, values['keep-going'])).failed === 0 ? 0 : 1;
    await type(shell, asked, values.history);
    if (!shell.over.aborted) return 0;
    complain('the shell has ended');
    return 1;
  });
};

/** `npx sluice top`: the live table of another shell. */
export const runTop = (args: readonly string[]): Promise<number> => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      socket: { type: 'string' },
      once: { type: 'boolean', default: false },
      seconds: { type: 'string', default: '1' },
    },
  });
  const seconds = Number(values.seconds);
  if (!(seconds >= 0.1 && seconds <= 3600)) throw new Misuse(`--seconds is 0.1 to 3600, got ${values.seconds}`);
  return attached(socketOf(values.socket), async (shell, signal) => {
    if (values.once || !interactive()) print((await topOnce(shell, signal)).join('\n'));
    else await topScreen(shell, { input: process.stdin, output: process.stdout, seconds, signal });
    return 0;
  });
};

/** The words of a line, and the `--socket` that stands somewhere among them. */
const withoutSocket = (words: readonly string[]): { readonly line: string; readonly socket: string | undefined } => {
  const at = words.findIndex((word) => word === '--socket' || word.startsWith('--socket='));
  if (at < 0) return { line: words.join(' '), socket: undefined };
  const apart = words[at] === '--socket';
  const socket = apart ? words[at + 1] : words[at]?.slice('--socket='.length);
  return { line: words.toSpliced(at, apart ? 2 : 1).join(' '), socket };
};

/** `npx sluice show ...`: one line, typed into another shell. */
export const runLine = (words: readonly string[]): Promise<number> => {
  const { line, socket } = withoutSocket(words);
  return attached(socketOf(socket), async (shell, asked) => {
    await shell.run(line, outputUntil(asked));
    return 0;
  });
};
