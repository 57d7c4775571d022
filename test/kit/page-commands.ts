import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Block } from './page.js';
import { type Program, freePort, start } from './program.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const sluice = `'${process.execPath}' '${join(root, 'dist/lib/src/cli/main.js')}'`;
const example = `'${process.execPath}' '${join(root, 'dist/examples/run.js')}'`;

/** What is another each time is left out: times, ages, rates, ports that the system chose, and how wide columns are. */
export const steady = (text: string): string =>
  text
    .replaceAll(/\b\d+ ms\b/g, '# ms')
    .replaceAll(/\b\d+s\b/g, '#s')
    .replaceAll(/\b\d\d:\d\d:\d\d\.\d{3}\b/g, '#')
    .replaceAll(/127\.0\.0\.1:[3-6]\d{4}\b/g, '127.0.0.1:#')
    .replaceAll(/[\d.]+[kM]?B\/s/g, '#B/s')
    .replaceAll(/ +/g, ' ')
    // Of a client: after its ages, bytes and messages come its rates.
    .replaceAll(/( #s #s(?: \d+){4}) .*$/gm, '$1')
    .trim();

/**
 * Adds a test for every block of commands in a page, which runs them as a reader would who types them into a shell of the
 * system. A comment before a block says what happens:
 *
 *     <!-- file: setup.txt -->                   of any language: it is that file, in the folder of the commands
 *     <!-- prints: below -->                     they end by themselves and print what the next block shows
 *     <!-- stays: ready -->                      they go on, once they have printed this, until the page ends
 *
 * Ports from 7000 to 7099 are others when it runs.
 */
export const runsCommands = <T>(test: Test<T>, path: string, blocks: readonly Block[]): void => {
  const folder = join(root, 'dist/pages', `${basename(path, '.md')}-commands`);
  const ports = new Map<string, string>();
  const staying: Program[] = [];

  /** The same with ports that are free. */
  const relocated = async (code: string): Promise<string> => {
    for (const [port] of code.matchAll(/\b70\d\d\b/g)) {
      if (!ports.has(port)) ports.set(port, String(await freePort()));
    }
    return code.replaceAll(/\b70\d\d\b/g, (port) => ports.get(port) as string);
  };
  const printed = (program: Program): string => {
    let text = program.output();
    for (const [port, free] of ports) text = text.replaceAll(free, port);
    return steady(text.replaceAll(`${folder}/`, './'));
  };
  const typed = async (code: string): Promise<Program> => {
    const commands = (await relocated(code))
      .replaceAll('npx sluice', sluice)
      .replaceAll('npm run -s example --', example);
    return start('sh', ['-euc', commands], { SLUICE_HISTORY: '' }, folder);
  };

  test(`${path}: its files`, async () => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    for (const { code, says } of blocks) {
      if (says['file'] !== undefined) writeFileSync(join(folder, says['file']), await relocated(code));
    }
  });

  for (const [index, { code, says, language, line }] of blocks.entries()) {
    if (language !== 'sh') continue;
    test(`${path}, commands at line ${line}`, async () => {
      if (says['stays'] !== undefined) {
        const program = await typed(`exec ${code}`);
        staying.push(program);
        await program.printed(new RegExp(says['stays']));
        return;
      }
      assert.is(says['prints'], 'below', 'commands say what they print, or what they have printed when they stay');
      const program = await typed(code);
      assert.is(await program.exited, 0, program.output());
      assert.is(printed(program), steady(blocks[index + 1]?.code ?? ''));
    });
  }

  test(`${path}: what stays ends when it is told to`, async () => {
    for (const program of staying) {
      program.signal('SIGTERM');
      assert.is(await program.exited, 0, program.output());
    }
  });
};
