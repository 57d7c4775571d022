import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let made = 0;

/** A path for a Unix socket that nobody uses. */
export const freshPath = (): string => {
  const path = join(tmpdir(), `sluice-${process.pid}-${++made}.sock`);
  rmSync(path, { force: true });
  return path;
};
