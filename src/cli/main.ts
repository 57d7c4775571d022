#!/usr/bin/env node
// npx sluice: finds out what is asked for, and loads no more than that takes.
import { readFileSync } from 'node:fs';

const version = (): string => {
  const file = new URL(import.meta.resolve('sluice/package.json'));
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version;
};

/** What the first word asks for; each gives the exit code. */
const JOBS: Readonly<Record<string, (words: readonly string[]) => Promise<number>>> = {
  '--help': async () => {
    process.stdout.write((await import('./usage.js')).usage);
    return 0;
  },
  '--version': async () => {
    process.stdout.write(`${version()}\n`);
    return 0;
  },
  echo: async ([, ...rest]) => (await import('./run-server.js')).runServer('echo', rest),
  chat: async ([, ...rest]) => (await import('./run-server.js')).runServer('chat', rest),
  proxy: async ([, ...rest]) => (await import('./run-server.js')).runServer('proxy', rest),
  dial: async ([, ...rest]) => (await import('./run-dial.js')).runDial(rest),
  attach: async ([, ...rest]) => (await import('./run-attached.js')).runAttached(rest),
  top: async ([, ...rest]) => (await import('./run-attached.js')).runTop(rest),
  show: async (words) => (await import('./run-attached.js')).runLine(words),
  run: async (words) => (await import('./run-attached.js')).runLine(words),
  config: async (words) => (await import('./run-attached.js')).runLine(words),
  no: async (words) => (await import('./run-attached.js')).runLine(words),
};

const shell = async (words: readonly string[]): Promise<number> => (await import('./run-shell.js')).runShell(words);

/** A command line that is not understood is a 2, also where it is `parseArgs` that says so. */
const failed = (error: unknown): number => {
  const { name, code, message } = error as NodeJS.ErrnoException;
  const misuse = name === 'Misuse' || code?.startsWith('ERR_PARSE_ARGS') === true;
  process.stderr.write(`${message}\n${misuse ? 'npx sluice --help tells what there is\n' : ''}`);
  return misuse ? 2 : 1;
};

// A reader that has seen enough (`sluice show clients | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

const main = async (words: readonly string[]): Promise<void> => {
  const [first = ''] = words;
  try {
    const asksHelp = words.slice(0, 2).some((word) => word === '--help' || word === '-h');
    const job = asksHelp ? JOBS['--help'] : Object.hasOwn(JOBS, first) ? JOBS[first] : undefined;
    process.exitCode = await (job ?? shell)(words);
  } catch (error) {
    process.exitCode = failed(error);
  }
};

void main(process.argv.slice(2));
