import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../../../', import.meta.url);
const bin = fileURLToPath(new URL('dist/bench/bin/', root));

/** Where what was compiled goes. */
export const binary = (name: string): string => {
  mkdirSync(bin, { recursive: true });
  return `${bin}${name}`;
};

/** A file of bench/, as it is in the sources. */
export const source = (path: string): string => fileURLToPath(new URL(`bench/${path}`, root));

/** Compiles one C file, and says what is missing when that cannot be. */
export const compileC = (path: string, name: string): string => {
  const program = binary(name);
  const args = ['-O2', '-Wall', '-Wextra', '-o', program, source(path)];
  const { error, status, stderr } = spawnSync('cc', args, { encoding: 'utf8' });
  if (error !== undefined) throw new Error('there is no C compiler (cc) here: apt-get install gcc libc6-dev');
  if (status !== 0) throw new Error(`cc ${args.join(' ')}\n${stderr}`);
  return program;
};
