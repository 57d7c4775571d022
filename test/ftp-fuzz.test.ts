// Mutated sessions over connections in memory, control and data: the server never throws, never hangs, never grows. A
// few hundred of them; FTP_FUZZ=100000 node dist/test/kit/run.js --timeout 900000 ftp-fuzz plays so many.
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as E from 'fp-ts/lib/Either.js';
import { EMPTY, NEVER, Observable, concat, from, lastValueFrom, of } from 'rxjs';
import * as assert from 'uvu/assert';
import { Files } from '../examples/ftp/files.js';
import { ftp } from '../examples/ftp/protocol.js';
import { serve } from '../operators/serve.js';
import { type Connection, type ListenOptions, memory } from '../src/index.js';
import { dice } from '../src/testing/dice.js';
import { folders } from './kit/ftp.js';
import { suite } from './kit/suite.js';

const SESSIONS = Number(process.env['FTP_FUZZ'] ?? 600);
/** How many are under way at once: they meet in the same folder. */
const AT_ONCE = 100;
/** After how many the folder is made anew. */
const ROUND = 500;

const test = suite('ftp: fuzz', undefined, { timeout: 20_000 + SESSIONS * 20 });

type Dice = ReturnType<typeof dice>;

const ENDINGS = new Set([
  'finished',
  'ConnectionReset',
  'TruncatedFrame',
  'FrameTooLong',
  'NotAuthenticated',
  'ConnectionAborted',
]);

const PATHS = [
  'a',
  'b',
  'sub',
  'sub/a',
  '..',
  '/',
  'out/a',
  'link/a',
  'new',
  '__proto__',
  'ü',
  '',
  '/../../etc/passwd',
  '-la',
  'x'.repeat(300),
];
const VERBS =
  'PWD CWD CDUP MKD RMD LIST NLST MLSD MLST RETR STOR APPE DELE RNFR RNTO SIZE MDTM REST ABOR PASV EPSV PORT EPRT TYPE MODE STRU SYST FEAT OPTS STAT HELP NOOP USER PASS'.split(
    ' ',
  );

/** What a client says from its login to its end, `host` being where it is. */
const script = (roll: Dice, host: string): string => {
  const any = (list: readonly string[]): string => list[roll(list.length)] as string;
  const way = (): string => any(['PASV', 'EPSV', `PORT ${host.replaceAll('.', ',')},200,1`, `EPRT |1|${host}|50000|`]);
  const move = (): string => `${any(['RETR', 'STOR', 'APPE', 'LIST', 'NLST', 'MLSD'])} ${any(PATHS)}`;
  const lines = roll(12) === 0 ? [] : ['USER ann', `PASS ${roll(15) === 0 ? 'wrong' : 's3cret'}`];
  for (let count = roll(10); count > 0; count--) {
    const kind = roll(8);
    if (kind < 3) lines.push(way(), ...(roll(3) === 0 ? [`REST ${roll(20)}`] : []), move());
    else if (kind === 3) lines.push(`RNFR ${any(PATHS)}`, `RNTO ${any(PATHS)}`);
    else if (kind === 4) lines.push(`TYPE ${any(['A', 'I', 'A N', 'L 8', 'E'])}`);
    else if (kind === 5) lines.push(way(), move(), any(['ABOR', '\xff\xf4\xff\xf2ABOR', 'STAT']));
    else lines.push(`${any(VERBS)} ${any(PATHS)}`);
  }
  if (roll(2) === 0) lines.push('QUIT');
  return lines.map((line) => `${line}${any(['\r\n', '\r\n', '\r\n', '\n', '\r'])}`).join('');
};

const mutated = (roll: Dice, bytes: Buffer): Buffer => {
  for (let count = roll(4); count > 0 && bytes.length > 0; count--) {
    const at = roll(bytes.length);
    const [before, behind] = [bytes.subarray(0, at), bytes.subarray(at)];
    const kind = roll(6);
    if (kind === 0) bytes[at] = roll(256);
    else if (kind === 1) bytes = Buffer.concat([before, behind.subarray(1 + roll(6))]);
    else if (kind === 2)
      bytes = Buffer.concat([before, Buffer.from([roll(256), 255, 0, 13, 10]).subarray(0, 1 + roll(5)), behind]);
    else if (kind === 3) bytes = Buffer.concat([before, behind.subarray(0, roll(40)), behind]);
    else if (kind === 4 && roll(20) === 0) bytes = Buffer.concat([before, Buffer.alloc(6_000, 'x'), behind]);
    else bytes = Buffer.concat([before, behind.subarray(0, roll(behind.length + 1))]);
  }
  return bytes;
};

/** Everything in pieces, some of them a moment later. */
const pieces = (roll: Dice, bytes: Uint8Array): Observable<Uint8Array> => {
  const cut: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = 1 + roll(60);
    cut.push(bytes.subarray(at, at + size));
    at += size;
  }
  const later = roll(2) === 0;
  return later
    ? from(
        (async function* () {
          for (const piece of cut) {
            yield piece;
            // oxlint-disable-next-line no-await-in-loop
            await new Promise(setImmediate);
          }
        })(),
      )
    : from(cut);
};

const { root, beside, forget } = folders();
test.after(forget);

const furnish = (): void => {
  for (const folder of [root, beside]) {
    for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, force: true });
  }
  mkdirSync(join(root, 'sub'));
  writeFileSync(join(root, 'a'), 'one\ntwo\n');
  writeFileSync(join(root, 'b'), Buffer.alloc(200_000, 'b\n'));
  writeFileSync(join(root, 'sub/a'), '');
  writeFileSync(join(beside, 'a'), 'outside');
  symlinkSync(beside, join(root, 'out'));
  symlinkSync('sub', join(root, 'link'));
};

test(`${SESSIONS} sessions that are nearly right`, async () => {
  const files = await Files.at(root);
  const open = new Set<Connection>();
  const noted = (connection: Connection): Connection => {
    open.add(connection);
    connection.closed.subscribe({ complete: () => open.delete(connection) });
    return connection;
  };
  let ports = 0;
  const ended: Record<string, number> = {};
  const replies: Record<string, number> = {};

  /** What somebody does at the other end of a data connection. */
  const use = (roll: Dice, far: Connection): void => {
    const kind = roll(6);
    if (kind === 0) return far.abort();
    const said = kind < 3 ? pieces(roll, Buffer.alloc(roll(3_000), 'x\r\n')) : kind === 3 ? NEVER : EMPTY;
    said.pipe(far.writes).subscribe({ error: () => {} });
    if (kind === 4) setImmediate(() => far.abort());
    else far.reads.subscribe({ error: () => {} });
    if (kind === 3) setTimeout(() => far.abort(), 5);
  };

  const run = async (seed: number): Promise<void> => {
    const roll = dice(seed);
    const host = `10.${seed & 255}.${(seed >> 8) & 255}.${(seed >> 16) & 255}`;
    /** A data connection comes, or a stranger, or nobody. */
    const arriving = (): Observable<Connection> => {
      const kind = roll(8);
      if (kind === 0) return NEVER;
      const [near, far] = memory({ names: [`${kind === 1 ? '10.9.9.9' : host}:5000`, '127.0.0.1:20'] });
      noted(near);
      use(roll, noted(far));
      return concat(of(near), NEVER);
    };
    const listen = ({ onListening }: ListenOptions): Observable<Connection> =>
      new Observable((out) => {
        ports++;
        onListening?.({ name: 'x', host: '127.0.0.1', port: 50_000, path: undefined });
        const coming = new Promise(setImmediate).then(() =>
          out.closed ? undefined : out.add(arriving().subscribe(out)),
        );
        void coming;
        return () => {
          ports--;
        };
      });
    const server = ftp({
      files,
      accounts: { user: 'ann', password: 's3cret' },
      writable: true,
      login: 60,
      delay: 0,
      idle: 60,
      data: { deadline: 20, listen, dial: arriving },
    });
    const [control, client] = memory({ names: [`${host}:40000`, '127.0.0.1:21'] });
    noted(control);
    noted(client);
    const wire = mutated(roll, Buffer.from(script(roll, host), 'latin1'));
    const how = roll(10);
    let heard = '';
    client.reads.subscribe({
      next: (chunk) => (heard += Buffer.from(chunk).toString('latin1')),
      error: () => {},
      complete: () => client.end(),
    });
    concat(pieces(roll, wire), how === 0 ? NEVER : EMPTY)
      .pipe(client.writes)
      .subscribe({ error: () => {} });
    if (how === 1) setImmediate(() => client.abort());
    const late = new AbortController();
    const outcome = await Promise.race([
      lastValueFrom(of(control).pipe(serve(server))),
      sleep(10_000, undefined, { signal: late.signal }).catch(() => undefined),
    ]);
    late.abort();
    assert.ok(outcome !== undefined, `seed ${seed} hangs:\n${wire.toString('latin1')}\n${heard}`);
    client.abort();
    const ending = E.match(
      ({ error }: { readonly error: unknown }) => (error as { readonly _tag?: string })._tag ?? String(error),
      () => 'finished',
    )(outcome);
    assert.ok(ENDINGS.has(ending), `seed ${seed} ended with ${ending}`);
    assert.not.match(heard, /outside|root:/, `seed ${seed} got out`);
    ended[ending] = (ended[ending] ?? 0) + 1;
    for (const [code] of heard.matchAll(/^\d{3}(?= )/gm)) replies[code] = (replies[code] ?? 0) + 1;
    for (const line of heard.split('\r\n').slice(0, -1)) assert.match(line, /^(\d{3}[ -]| )/, `seed ${seed}`);
  };

  const used = (): number => {
    setFlagsFromString('--expose-gc');
    (runInNewContext('gc') as () => void)();
    return process.memoryUsage().heapUsed;
  };

  const thrown: unknown[] = [];
  const note = (error: unknown): number => thrown.push(error);
  process.on('uncaughtException', note).on('unhandledRejection', note);
  try {
    let [first, descriptors] = [Infinity, Infinity];
    for (let seed = 0; seed < SESSIONS; seed += AT_ONCE) {
      if (seed % ROUND < AT_ONCE) furnish();
      // oxlint-disable-next-line no-await-in-loop
      await Promise.all(Array.from({ length: Math.min(AT_ONCE, SESSIONS - seed) }, (_, at) => run(seed + at)));
      if (seed < SESSIONS / 3 || first !== Infinity) continue;
      first = used();
      descriptors = openFiles();
    }
    for (let tries = 0; open.size + ports > 0 && tries < 100; tries++) {
      // oxlint-disable-next-line no-await-in-loop
      await sleep(20);
    }
    assert.equal(thrown, []);
    assert.equal([open.size, ports], [0, 0], 'connections and ports are left');
    // What is under way at the first look may be in the files that were open then.
    assert.ok(
      openFiles() <= descriptors,
      `${openFiles()} files are open, at a third of the way it were ${descriptors}`,
    );
    const grown = (used() - first) / 1024 / 1024;
    assert.ok(grown < 8, `it grew by ${grown} MiB`);
    for (const code of ['150', '226', '426', '425', '550', '250', '257', '350', '230']) assert.ok(replies[code], code);
    if (process.env['FTP_FUZZ'] !== undefined) console.log(ended, replies, `grown by ${grown.toFixed(2)} MiB`);
  } finally {
    process.off('uncaughtException', note).off('unhandledRejection', note);
  }
});

/** How many files, sockets and pipes are open, where the system tells. */
const openFiles = (): number => {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
};

test.run();
