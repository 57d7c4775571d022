import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Program, client, start } from './program.js';

const answers = async (port: number, program: Program): Promise<void> => {
  const ending = { over: false };
  void program.exited.finally(() => {
    ending.over = true;
  });
  for (;;) {
    try {
      (await client(port)).socket.destroy();
      return;
    } catch (error) {
      if (ending.over) throw new Error(`haproxy did not start:\n${program.output()}`, { cause: error });
      await new Promise((resolve) => {
        setTimeout(resolve, 20);
      });
    }
  }
};

/** A real HAProxy with these sections in its configuration, once it answers on `port`; and how to end it. */
export const haproxy = async (port: number, sections: string): Promise<() => Promise<void>> => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-haproxy-'));
  const file = join(folder, 'haproxy.cfg');
  const defaults = ['defaults', ...['connect', 'client', 'server'].map((of) => ` timeout ${of} 5s`)].join('\n');
  writeFileSync(file, `global\n maxconn 100\n${defaults}\n${sections}\n`);
  const program = start('haproxy', ['-db', '-f', file]);
  await answers(port, program);
  return async () => {
    program.signal('SIGTERM');
    await program.exited;
    rmSync(folder, { recursive: true, force: true });
  };
};
