import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../../../', import.meta.url);

/** A file of bench/, as it is in the sources. */
export const source = (path: string): string => fileURLToPath(new URL(`bench/${path}`, root));

/** A file of bench/, as it was compiled. */
export const compiled = (path: string): string => fileURLToPath(new URL(`dist/bench/${path}`, root));

/** A folder that is there, for what is built. */
export const built = (path: string): string => {
  const folder = compiled(`built/${path}`);
  mkdirSync(folder, { recursive: true });
  return folder;
};
