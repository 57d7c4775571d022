import { readFileSync } from 'node:fs';
import { Missing } from './build.js';
import { source } from './files.js';

/** The program of a rival that is an npm package, and the package's version. */
export const npmRival = (
  node: string,
  file: string,
  name: string,
): { readonly command: readonly string[]; readonly version: string } => {
  let described: string;
  try {
    described = readFileSync(source(`rivals/node_modules/${name}/package.json`), 'utf8');
  } catch {
    throw new Missing(`${name} is not installed: npm ci --prefix bench/rivals`);
  }
  const { version } = JSON.parse(described) as { readonly version: string };
  return { command: [node, source(`rivals/${file}`)], version: `${name} ${version}` };
};
