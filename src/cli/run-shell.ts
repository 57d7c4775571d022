import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { aborted } from './aborting.js';
import { type Interrupts, complain, interrupts, outputUntil, print } from './command-line.js';
import { openControlSocket } from './control-socket.js';
import { History, historyFile } from './history.js';
import { type ScriptEnd, runScript } from './script.js';
import { Servers } from './servers.js';
import { Session } from './session.js';
import { type Shell, reasonOf } from './shell.js';
import { terminal } from './terminal.js';
import { topOnce } from './top.js';

/** Whether somebody sits at a terminal. */
export const interactive = (): boolean => process.stdin.isTTY && process.stdout.isTTY;

/** The lines typed so far. A shell whose history cannot be kept is a shell all the same. */
const historyAt = (file: string): History => {
  try {
    return new History(file);
  } catch (error) {
    complain(`what is typed will not be kept: ${reasonOf(error)}`);
    return new History('');
  }
};

/** Lets somebody type at the terminal. */
export const type = (shell: Shell, asked: AbortSignal, history = historyFile(process.env)): Promise<void> =>
  terminal(shell, { input: process.stdin, output: process.stdout, history: historyAt(history), signal: asked });

/** Runs the lines of the standard input. */
export const runInput = async (shell: Shell, asked: AbortSignal, keepGoing: boolean): Promise<ScriptEnd> => {
  const lines = createInterface({ input: process.stdin, signal: asked });
  try {
    return await runScript(shell, lines, {
      ...outputUntil(asked),
      complain,
      keepGoing,
      top: async () => print((await topOnce(shell, asked)).join('\n')),
    });
  } finally {
    // Left open, it would keep the process for as long as the input lasts.
    lines.close();
  }
};

/** `npx sluice`: the shell, at a terminal or fed with lines. */
export const runShell = async (args: readonly string[]): Promise<number> => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      socket: { type: 'string' },
      history: { type: 'string' },
      'keep-going': { type: 'boolean', default: false },
    },
  });
  const servers = new Servers();
  return whileOpen(servers, values.socket, async (session, { asked }) => {
    if (interactive()) {
      print('sluice: ? after the beginning of a command says what may follow; help lists them all');
      await type(session, asked, values.history);
      return 0;
    }
    const { failed, left } = await runInput(session, asked, values['keep-going']);
    const stays = !left && (failed === 0 || values['keep-going']) && (servers.running || values.socket !== undefined);
    if (stays) {
      complain('serving until SIGINT or SIGTERM');
      await aborted(asked);
    }
    return failed === 0 ? 0 : 1;
  });
};

/** Does something with servers, with a control socket open where one is asked for, and at the end drains them. */
export const whileOpen = async (
  servers: Servers,
  socket: string | undefined,
  act: (session: Session, interrupted: Interrupts) => Promise<number>,
): Promise<number> => {
  const session = new Session(servers);
  const control = socket === undefined ? undefined : await openControlSocket(socket, () => new Session(servers));
  const interrupted = interrupts();
  try {
    return await act(session, interrupted);
  } finally {
    await session.leave(outputUntil(interrupted.insisting()));
    await control?.close();
    interrupted.close();
  }
};
