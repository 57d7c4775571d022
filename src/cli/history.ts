import { appendFileSync, chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/** How many lines are kept. */
const KEPT = 1_000;

/** Where the lines are kept: `SLUICE_HISTORY`, or a file in the state directory of the XDG specification. */
export const historyFile = (env: NodeJS.ProcessEnv): string =>
  env['SLUICE_HISTORY'] ?? join(env['XDG_STATE_HOME'] || join(homedir(), '.local/state'), 'sluice/history');

/**
 * The lines that were typed, the oldest first, in a file that is nobody else's to read. Lines are added to the file one
 * by one, so that shells which run at the same time lose each other nothing. An empty name keeps them in memory only.
 */
export class History {
  #file: string;
  readonly #lines: string[];

  /** Reads what is there. Throws when the file is there and cannot be read. */
  constructor(file: string) {
    this.#file = file;
    this.#lines = file === '' ? [] : read(file);
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Adds a line, unless it is empty or the same as the last. */
  add(line: string): void {
    if (line.trim() === '' || line === this.#lines.at(-1)) return;
    this.#lines.push(line);
    try {
      if (this.#file !== '') appendFileSync(this.#file, `${line}\n`, { mode: 0o600 });
    } catch {
      this.#file = ''; // The disk is full, or the directory gone: no reason to end a shell.
    }
  }
}

const read = (file: string): string[] => {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  appendFileSync(file, '', { mode: 0o600 });
  chmodSync(file, 0o600);
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  if (lines.length <= 2 * KEPT) return lines.slice(-KEPT);
  const kept = lines.slice(-KEPT);
  writeFileSync(file, kept.map((line) => `${line}\n`).join(''), { mode: 0o600 });
  return kept;
};
