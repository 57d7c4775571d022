// A real FTP server in a process of its own, over a folder that is gone afterwards, and what talks to it.
import * as assert from 'uvu/assert';
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PlainClient } from '../../src/testing/plain-client.js';
import { type Program, client, example, portOf, start } from './program.js';

/** A server, and the folder that it serves, beside one that it does not. */
export interface FtpServer {
  readonly port: number;
  /** The folder that is served. */
  readonly root: string;
  /** A folder of the test's own. */
  readonly beside: string;
  readonly program: Program;
  readonly stop: () => Promise<void>;
}

export const USER = 'ann';
export const PASSWORD = 's3cret';

/** Two folders, one to be served; they are gone when `forget` is called. */
export const folders = (): { readonly root: string; readonly beside: string; readonly forget: () => void } => {
  const both = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-ftp-')));
  const [root, beside] = [join(both, 'root'), join(both, 'beside')];
  for (const folder of [root, beside]) mkdirSync(folder);
  return { root, beside, forget: () => rmSync(both, { recursive: true, force: true }) };
};

/** Starts the example, writable and with a user, unless `options` say otherwise. */
export const ftpServer = async (
  options: readonly string[] = ['--writable', '--user', USER, '--password', PASSWORD],
): Promise<FtpServer> => {
  const { root, beside, forget } = folders();
  const program = example('ftp', '--root', root, '--port', '0', ...options);
  const port = await portOf(program);
  const stop = async (): Promise<void> => {
    program.signal('SIGKILL');
    await program.exited;
    forget();
  };
  return { port, root, beside, program, stop };
};

/** What a program prints that has to succeed. */
export const printedBy = async (command: string, ...args: readonly string[]): Promise<string> => {
  const program = start(command, args);
  assert.is(await program.exited, 0, `${command} ${args.join(' ')}\n${program.output()}`);
  return program.output();
};

/** A control connection by hand. */
export interface Control {
  readonly client: PlainClient;
  /** Says a command, and gives the first reply to it, all its lines. */
  readonly say: (command: string) => Promise<string>;
  /** The next reply. */
  readonly next: () => Promise<string>;
}

/** Dials, and logs in unless told otherwise. */
export const control = async (port: number, loggedIn = true): Promise<Control> => {
  const ann = await client(port);
  let at = 0;
  const next = async (): Promise<string> => {
    // A reply ends in a line of its code and a space.
    await ann.heard(new RegExp(`^[^]{${at}}(?:\\d{3}-[^]*?\\r\\n)?\\d{3} [^\\r\\n]*\\r\\n`));
    const [said = ''] = /^(?:(\d{3})-[^]*?\r\n\1 |\d{3} )[^\r\n]*\r\n/.exec(ann.text.slice(at)) ?? [];
    at += said.length;
    return said.trimEnd();
  };
  const say = (command: string): Promise<string> => {
    ann.send(`${command}\r\n`);
    return next();
  };
  assert.match(await next(), /^220 /);
  if (loggedIn) {
    assert.match(await say(`USER ${USER}`), /^331 /);
    assert.match(await say(`PASS ${PASSWORD}`), /^230 /);
  }
  return { client: ann, say, next };
};

/** Opens a data connection as EPSV says. */
export const dataOf = async ({ say }: Control): Promise<PlainClient> => {
  const [, port] = /^229 .*\(\|\|\|(\d+)\|\)$/.exec(await say('EPSV')) ?? [];
  return client(Number(port));
};
