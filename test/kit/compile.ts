import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Compiles programs, given by name, in a folder that is made anew: as `NAME.mjs`, where the package's own name leads to it. */
export const compile = (folder: string, programs: ReadonlyMap<string, string>): void => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, program] of programs) writeFileSync(join(folder, `${name}.mts`), program);
  const compilerOptions = {
    rootDir: '.',
    outDir: '.',
    incremental: false,
    tsBuildInfoFile: null,
    declaration: false,
    sourceMap: false,
    declarationMap: false,
  };
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions, include: ['*.mts'], exclude: [] }),
  );
  const { status, stdout } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', folder], { encoding: 'utf8' });
  assert.is(status, 0, `it does not compile:\n${stdout}`);
};
