// The FTP server and the clients that people have: curl, lftp, Python's ftplib, and basic-ftp of npm.
import { existsSync, mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { Client as BasicFtp } from 'basic-ftp';
import * as assert from 'uvu/assert';
import { type FtpServer, PASSWORD, USER, ftpServer, printedBy } from './kit/ftp.js';
import { example, installed, start } from './kit/program.js';
import { suite } from './kit/suite.js';

const test = suite('ftp clients', undefined, { timeout: 30_000 });

const withProgram = (name: string): ((title: string, body: () => Promise<void>) => void) => {
  if (installed(name)) return test;
  console.log(`${name} is not installed (apt-get install ${name}): its tests are skipped`);
  return (title) => test.skip(title);
};

/** Bytes that no other place in a file has, of which some are line endings. */
const content = (size: number): Buffer => {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at + 4 <= size; at += 4) bytes.writeUInt32LE(Math.imul(at, 2_654_435_761) >>> 0, at);
  return bytes;
};

const big = content(3_000_000);

/** A server with a few files in it, for one test. */
const serving =
  (body: (server: FtpServer) => Promise<void>, ...options: readonly string[]) =>
  async (): Promise<void> => {
    const server = await ftpServer(
      options.length > 0 ? options : ['--writable', '--user', USER, '--password', PASSWORD],
    );
    writeFileSync(join(server.root, 'a.txt'), 'one\ntwo\n');
    writeFileSync(join(server.root, 'big.bin'), big);
    mkdirSync(join(server.root, 'sub'));
    writeFileSync(join(server.root, 'sub', 'b "quoted" ü.txt'), 'umlaut');
    symlinkSync('/etc', join(server.root, 'out'));
    symlinkSync('sub', join(server.root, 'link'));
    utimesSync(join(server.root, 'a.txt'), 1_700_000_000, 1_700_000_000);
    try {
      await body(server);
    } finally {
      await server.stop();
    }
  };

// ── curl ────────────────────────────────────────────────────────────────────────────────────────────────────────────

const withCurl = withProgram('curl');
const curl = (...args: readonly string[]): Promise<string> => printedBy('curl', '-sS', '--max-time', '20', ...args);
const url = ({ port }: FtpServer, path = ''): string => `ftp://${USER}:${PASSWORD}@127.0.0.1:${port}/${path}`;

withCurl(
  'curl lists, fetches, goes on where it was, and renames',
  serving(async (server) => {
    const got = join(server.beside, 'got');
    const list = await curl(url(server));
    assert.match(list, /^-rw-r--r-- +1 ftp +ftp +8 Nov 14 +2023 a\.txt\r?$/m);
    assert.match(list, /^drwx.* sub\r?$/m);
    assert.not.match(list, / out\r?$/m);
    assert.equal((await curl('-l', url(server))).trim().split(/\r?\n/).toSorted(), ['a.txt', 'big.bin', 'link', 'sub']);
    assert.match(
      await curl('-X', 'MLSD', url(server)),
      /^type=file;size=8;modify=20231114221320;perm=adfrw;unique=\w+; a\.txt\r?$/m,
    );
    assert.is(await curl(url(server, 'sub/b%20%22quoted%22%20%C3%BC.txt')), 'umlaut');
    assert.is(await curl('--ftp-method', 'nocwd', url(server, 'link/b%20%22quoted%22%20%C3%BC.txt')), 'umlaut');
    assert.match(await curl('-I', url(server, 'big.bin')), /Content-Length: 3000000/);
    await curl('-o', got, url(server, 'big.bin'));
    assert.ok(readFileSync(got).equals(big));
    writeFileSync(got, big.subarray(0, 1_234_567));
    await curl('-C', '-', '-o', got, url(server, 'big.bin'));
    assert.ok(readFileSync(got).equals(big));
    await curl('-Q', 'RNFR a.txt', '-Q', 'RNTO sub/c.txt', '-o', got, url(server));
    assert.is(readFileSync(join(server.root, 'sub/c.txt'), 'latin1'), 'one\ntwo\n');
  }),
);

withCurl(
  'curl uploads, appends, goes on with an upload, and makes folders on the way',
  serving(async (server) => {
    const source = join(server.beside, 'source');
    writeFileSync(source, big);
    await curl('--ftp-create-dirs', '-T', source, url(server, 'x/y/z.bin'));
    assert.ok(readFileSync(join(server.root, 'x/y/z.bin')).equals(big));
    await curl('-a', '-T', source, url(server, 'x/y/z.bin'));
    assert.ok(readFileSync(join(server.root, 'x/y/z.bin')).equals(Buffer.concat([big, big])));
    writeFileSync(join(server.root, 'half.bin'), big.subarray(0, 777_777));
    await curl('-C', '-', '-T', source, url(server, 'half.bin'));
    assert.ok(readFileSync(join(server.root, 'half.bin')).equals(big));
    await curl('-B', '-T', join(server.root, 'a.txt'), url(server, 'text.txt'));
    assert.is(readFileSync(join(server.root, 'text.txt'), 'latin1'), 'one\ntwo\n');
  }),
);

withCurl(
  'curl by PASV, PORT and EPRT',
  serving(async (server) => {
    for (const mode of [
      ['--disable-epsv'],
      ['-P', '127.0.0.1', '--disable-eprt'],
      ['-P', '127.0.0.1', '--eprt'],
      ['-P', '-'],
    ]) {
      assert.is(await curl(...mode, url(server, 'a.txt')), 'one\ntwo\n', mode.join(' '));
    }
  }),
);

withCurl(
  'curl over IPv6: EPSV and EPRT',
  serving(
    async ({ port }) => {
      const place = `ftp://[::1]:${port}/a.txt`;
      assert.is(await curl('-g', place), 'one\ntwo\n');
      assert.is(await curl('-g', '-P', '::1', place), 'one\ntwo\n');
    },
    '--host',
    '::1',
    '--anonymous',
  ),
);

withCurl(
  'curl is let in as anybody, may change nothing, and gets nothing from outside',
  serving(async ({ port, root, beside }) => {
    const place = `ftp://127.0.0.1:${port}/`;
    assert.is(await curl(`${place}a.txt`), 'one\ntwo\n');
    for (const args of [
      ['-T', join(root, 'a.txt'), `${place}up`],
      [`${place}out/passwd`],
      [`${place}%2e%2e/beside/secret`],
      ['--path-as-is', `${place}../beside/secret`],
      ['--path-as-is', '--ftp-method', 'nocwd', `${place}%2F..%2F..%2F..%2Fetc%2Fpasswd`],
    ]) {
      writeFileSync(join(beside, 'secret'), 'secret');
      const tried = start('curl', ['-sS', '--max-time', '10', ...args]);
      assert.is.not(await tried.exited, 0, args.join(' '));
      assert.not.match(tried.output(), /secret$|root:/);
    }
    assert.not(existsSync(join(root, 'up')));
  }, '--anonymous'),
);

// ── lftp ────────────────────────────────────────────────────────────────────────────────────────────────────────────

const withLftp = withProgram('lftp');
const lftp = ({ port }: FtpServer, ...commands: readonly string[]): Promise<string> =>
  printedBy(
    'lftp',
    '--norc',
    '-c',
    [
      'set cmd:fail-exit yes; set net:max-retries 1; set net:timeout 10; set xfer:log no; set bmk:save-passwords no',
      `open -u ${USER},${PASSWORD} 127.0.0.1:${port}`,
      ...commands,
    ].join('; '),
  );

for (const mode of ['yes', 'no']) {
  withLftp(
    `lftp mirrors both ways, goes on, renames and removes; passive mode: ${mode}`,
    serving(async (server) => {
      const { root, beside } = server;
      const half = join(beside, 'half');
      writeFileSync(half, big.subarray(0, 1_000_000));
      const printed = await lftp(
        server,
        `set ftp:passive-mode ${mode}`,
        `lcd ${beside}`,
        'cls -1',
        'mirror / copy',
        'get -c big.bin -o half',
        'mirror -R copy again',
        'put -O again/deep half || mkdir -p again/deep && put -O again/deep half',
        'mv again/deep/half again/deep/whole',
        'cat a.txt',
        'rm a.txt',
        'rm -r sub',
        'pwd',
      );
      assert.match(printed, /^a\.txt$/m);
      assert.ok(readFileSync(half).equals(big));
      assert.ok(readFileSync(join(beside, 'copy/big.bin')).equals(big));
      assert.is(readFileSync(join(root, 'again/sub/b "quoted" ü.txt'), 'utf8'), 'umlaut');
      assert.ok(readFileSync(join(root, 'again/deep/whole')).equals(big));
      assert.not(existsSync(join(root, 'a.txt')));
      assert.not(existsSync(join(root, 'sub')));
      assert.not(existsSync(join(beside, 'copy/out')));
    }),
  );
}

// ── Python ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const python = `
import ftplib, io, sys
big = open(sys.argv[2], 'rb').read()
for passive in (True, False):
    ftp = ftplib.FTP()
    ftp.connect('127.0.0.1', int(sys.argv[1]), 10)
    try:
        ftp.login('ann', 'wrong')
        raise SystemExit('let in')
    except ftplib.error_perm: pass
    ftp.login('ann', 's3cret')
    ftp.set_pasv(passive)
    assert ftp.pwd() == '/'
    assert sorted(ftp.nlst()) == ['a.txt', 'big.bin', 'link', 'sub'], ftp.nlst()
    assert ftp.nlst('sub') == ['sub/b "quoted" \\u00fc.txt'], ftp.nlst('sub')
    assert ftp.nlst('a.txt') == ['a.txt'] and ftp.nlst('/a.txt') == ['/a.txt']
    facts = dict(ftp.mlsd(facts=['size', 'type']))
    assert facts['a.txt'] == {'type': 'file', 'size': '8'}, facts
    lines = []
    ftp.retrlines('RETR a.txt', lines.append)
    assert lines == ['one', 'two'], lines
    ftp.voidcmd('TYPE I')
    assert ftp.size('big.bin') == len(big)
    assert ftp.sendcmd('MDTM a.txt') == '213 20231114221320'
    for rest in (None, 1, 2999999, 3000000):
        got = io.BytesIO()
        ftp.retrbinary('RETR big.bin', got.write, rest=rest)
        assert got.getvalue() == big[rest or 0:], rest
    ftp.storbinary('STOR up', io.BytesIO(big))
    ftp.storbinary('STOR up', io.BytesIO(big[1000000:]), rest=1000000)
    got = io.BytesIO()
    ftp.retrbinary('RETR up', got.write)
    assert got.getvalue() == big
    ftp.storlines('STOR lines', io.BytesIO(b'x\\ny\\n'))
    ftp.voidcmd('TYPE I')
    assert ftp.size('lines') == 4
    assert ftp.mkd('d "e"') == '/d "e"'
    assert ftp.cwd('d "e"').startswith('250')
    assert ftp.pwd() == '/d "e"'
    ftp.cwd('..')
    assert ftp.pwd() == '/'
    ftp.rename('up', 'd "e"/up')
    try:
        ftp.rmd('d "e"')
        raise SystemExit('removed')
    except ftplib.error_perm: pass
    ftp.delete('d "e"/up')
    ftp.rmd('d "e"')
    ftp.delete('lines')
    conn = ftp.transfercmd('RETR big.bin')
    conn.recv(10)
    answer = ftp.abort()
    assert answer[:3] in ('426', '225', '226'), answer
    conn.close()
    if answer[:3] == '426': assert ftp.getresp()[:3] == '226'
    else: assert ftp.getresp()[:3] in ('225', '226')
    assert ftp.sendcmd('SYST').startswith('215')
    assert '213 End' in ftp.sendcmd('STAT /')
    assert ftp.quit().startswith('221')
print('done')
`;

withProgram('python3')(
  "Python's ftplib, passive and active: all of it, REST both ways, an abort in the middle",
  serving(async ({ port, root }) => {
    assert.is(await printedBy('python3', '-c', python, String(port), join(root, 'big.bin')), 'done\n');
  }),
);

// ── npm ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

test(
  'basic-ftp',
  serving(async ({ port, root, beside }) => {
    const ftp = new BasicFtp(10_000);
    try {
      await ftp.access({ host: '127.0.0.1', port, user: USER, password: PASSWORD });
      assert.ok((await ftp.features()).has('MLST'));
      const names = (await ftp.list()).map(({ name, isDirectory, size }) => `${name} ${isDirectory ? 'd' : size}`);
      assert.equal(names.toSorted(), ['a.txt 8', 'big.bin 3000000', 'link d', 'sub d']);
      assert.is(await ftp.size('big.bin'), big.length);
      assert.is((await ftp.lastMod('a.txt')).getTime(), 1_700_000_000_000);

      const chunks: Buffer[] = [];
      const sink = new Writable({
        write: (chunk: Buffer, _, done) => {
          chunks.push(chunk);
          done();
        },
      });
      await ftp.downloadTo(sink, 'big.bin', 1_000);
      assert.ok(Buffer.concat(chunks).equals(big.subarray(1_000)));

      await ftp.uploadFrom(Readable.from([big]), 'up.bin');
      await ftp.appendFrom(Readable.from([big]), 'up.bin');
      assert.ok(readFileSync(join(root, 'up.bin')).equals(Buffer.concat([big, big])));

      await ftp.downloadToDir(join(beside, 'all'), 'sub');
      await ftp.ensureDir('deep/er');
      assert.is(await ftp.pwd(), '/deep/er');
      await ftp.uploadFromDir(join(beside, 'all'));
      await ftp.cd('/');
      await ftp.rename('deep/er/b "quoted" ü.txt', 'moved.txt');
      assert.is(readFileSync(join(root, 'moved.txt'), 'utf8'), 'umlaut');
      await ftp.removeDir('deep');
      assert.not(existsSync(join(root, 'deep')));
    } finally {
      ftp.close();
    }
  }),
);

// ── its command line ────────────────────────────────────────────────────────────────────────────────────────────────

test('it says what it does not understand, and where there is no such folder', async () => {
  for (const [given, message] of [
    [['--anonymous'], /^--root says which folder is served$/m],
    [['--root', '.'], /^it takes either --user and --password, or --anonymous$/m],
    [['--root', '.', '--anonymous', '--user', 'ann'], /^it takes either --user and --password, or --anonymous$/m],
    [['--root', '.', '--user', 'ann'], /^--user takes a --password$/m],
    [['--root', '/there/is/none', '--anonymous'], /^ENOENT/m],
    [['--root', 'package.json', '--anonymous'], /^package\.json is not a folder$/m],
  ] as const) {
    const ftp = example('ftp', ...given);
    assert.is(await ftp.exited, 2, given.join(' '));
    assert.match(ftp.output(), message);
  }
});

test.run();
