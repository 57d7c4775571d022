// The parts of the FTP server, each by itself: lines, commands, replies, addresses, paths, line endings, lists.
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import fc from 'fast-check';
import { from, lastValueFrom, toArray } from 'rxjs';
import * as assert from 'uvu/assert';
import { Command, EMPTY_LINE, controlLine, isFarewell, isPreliminary, quoted, reply } from '../examples/ftp/control.js';
import { extendedPortArgument, hostOf, passiveAnswer, portArgument, sameHost } from '../examples/ftp/data.js';
import { failure } from '../examples/ftp/failure.js';
import { Files, inside } from '../examples/ftp/files.js';
import {
  FACTS,
  chosenFacts,
  factsLine,
  longLine,
  nameLine,
  timeValue,
  withoutOptions,
} from '../examples/ftp/listings.js';
import { fromNetwork, toNetwork } from '../examples/ftp/transfer.js';
import { ConnectionReset } from '../src/errors.js';
import { verifyRule } from '../src/testing/index.js';
import { folders } from './kit/ftp.js';
import { suite } from './kit/suite.js';

const test = suite('ftp parts');

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
const understood = (line: Uint8Array | string): Command | undefined =>
  E.getOrElseW(() => undefined)(Command.decode(typeof line === 'string' ? latin1(line) : line));

// ── lines and commands ──────────────────────────────────────────────────────────────────────────────────────────────

test('either of CR and LF ends a line, wherever the network has cut them apart', () => {
  // For how it reads: what it writes, it reads with an empty line behind.
  verifyRule(
    { capacity: controlLine.capacity, judge: (front, seen, ended) => controlLine.judge(front, seen, ended) },
    [
      { wire: 'NOOP\r\nQUIT\r\n', frames: ['NOOP', '', 'QUIT', ''] },
      { wire: 'ABOR\rNOOP\n', frames: ['ABOR', 'NOOP'] },
      { wire: 'NOO', frames: [], error: 'TruncatedFrame' },
      { wire: `NOOP\r\n${'x'.repeat(4_201)}`, frames: ['NOOP', ''], error: 'FrameTooLong' },
    ],
    { budget: 2_000 },
  );
  assert.equal(Buffer.from(controlLine.encode(latin1('220 hello'))).toString(), '220 hello\r\n');
  for (const line of ['a\rb', 'a\nb', 'a\r\nb', 'a\r'])
    assert.throws(() => controlLine.encode(latin1(line)), RangeError);
});

test('a command is a verb of letters and an argument', () => {
  assert.equal(understood('noop'), { verb: 'NOOP', argument: '' });
  assert.equal(understood('STOR  a  b '), { verb: 'STOR', argument: ' a  b ' });
  assert.equal(understood(Buffer.from('CWD ü')), { verb: 'CWD', argument: 'ü' });
  assert.equal(understood(''), EMPTY_LINE);
  for (const line of ['OPTIONS * HTTP/1.1', 'x', 'NOOPS', 'NO OP', ' NOOP', 'N0OP', 'CWD \xc3', 'CWD a\0b', 'CWD\tx']) {
    assert.is(understood(line), undefined, line);
  }
});

test('what Telnet says is left out, and what is left of it', () => {
  const abort = { verb: 'ABOR', argument: '' };
  for (const before of ['\xff\xf4\xff\xf2', '\xff\xf4\xf2', '\xf4\xf2', '\xf2', '\xff\xfb\x01', '\xff\xf4\xff\xf4']) {
    assert.equal(understood(`${before}ABOR`), abort, before);
  }
  assert.equal(understood('AB\xff\xf4OR'), abort);
  assert.is(understood('CWD a\xff\xffb'), undefined);
});

const word = fc.stringMatching(/^[A-Z]{3,4}$/);
const argument = fc.string({ unit: 'grapheme', maxLength: 60 }).filter((text) => !/[\0\r\n]/.test(text));

test('whatever bytes come, they are a command or none; and a command is its own bytes read back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      const command = understood(bytes);
      if (command === undefined || command === EMPTY_LINE) return;
      assert.match(command.verb, /^[A-Z]{3,4}$/);
      assert.not.match(command.argument, /[\0\r\n]/);
    }),
    { numRuns: 2_000 },
  );
  fc.assert(
    fc.property(word, argument, (verb, said) => {
      assert.equal(understood(Command.encode({ verb, argument: said })), { verb, argument: said });
    }),
    { numRuns: 500 },
  );
});

test('a reply of several lines has the code in the first and the last', () => {
  assert.equal(reply(220, 'hello'), ['220 hello']);
  assert.equal(reply(211, 'Features:', 'MDTM', '226 no end', 'End'), [
    '211-Features:',
    ' MDTM',
    ' 226 no end',
    '211 End',
  ]);
  assert.is(quoted('/a "b"'), '"/a ""b"""');
  assert.ok(isPreliminary(reply(150, 'soon')) && !isPreliminary(reply(226, 'done')) && !isPreliminary([]));
  assert.ok(isFarewell('221 bye') && isFarewell('421 bye') && !isFarewell('211-221 bye') && !isFarewell(' 421 x'));
});

test('what went wrong is told in our words', () => {
  assert.equal(failure(Object.assign(new Error('/etc/secret'), { code: 'ENOENT' })), ['550 No such file or folder']);
  assert.equal(failure(Object.assign(new Error('disk'), { code: 'ENOSPC' })), ['452 There is no room']);
  assert.equal(failure(new ConnectionReset('ECONNRESET')), ['426 The transfer was cut short']);
  for (const other of [new Error('what'), undefined, null, 'x', { code: 'toString' }, { code: '__proto__' }]) {
    assert.equal(failure(other), ['451 That has failed']);
  }
});

// ── addresses ───────────────────────────────────────────────────────────────────────────────────────────────────────

test('PORT and EPRT say a place, or nothing', () => {
  assert.equal(portArgument('127,0,0,1,195,80'), { host: '127.0.0.1', port: 50_000 });
  for (const wrong of [
    '',
    '127,0,0,1,195',
    '127,0,0,256,1,1',
    '1,2,3,4,5,6,7',
    '127,0,0,1,0,21',
    '127.0.0.1,4,1',
    'a,b,c,d,e,f',
    '-1,0,0,1,4,1',
  ]) {
    assert.is(portArgument(wrong), undefined, wrong);
  }
  assert.equal(extendedPortArgument('|1|127.0.0.1|50000|'), { host: '127.0.0.1', port: 50_000 });
  assert.equal(extendedPortArgument('!2!::1!1024!'), { host: '::1', port: 1_024 });
  for (const wrong of [
    '',
    '|1|::1|5000|',
    '|2|127.0.0.1|5000|',
    '|1|127.0.0.1|80|',
    '|1|127.0.0.1|99999|',
    '|3|x|5000|',
    '|1|127.0.0.1|5000',
    '111127.0.0.11500011',
  ]) {
    assert.is(extendedPortArgument(wrong), undefined, wrong);
  }
  assert.is(passiveAnswer('127.0.0.1', 50_000), '(127,0,0,1,195,80)');
  assert.is(passiveAnswer('::1', 50_000), undefined);
  fc.assert(
    fc.property(fc.ipV4(), fc.integer({ min: 1_024, max: 65_535 }), (host, port) => {
      assert.equal(portArgument((passiveAnswer(host, port) as string).slice(1, -1)), { host, port });
      assert.equal(extendedPortArgument(`|1|${host}|${port}|`), { host, port });
    }),
  );
  fc.assert(
    fc.property(fc.string({ maxLength: 40 }), (text) => {
      for (const place of [portArgument(text), extendedPortArgument(text)]) if (place) assert.ok(place.port >= 1_024);
    }),
  );
});

test('an address is the same however it is written', () => {
  assert.is(hostOf('127.0.0.1:7000'), '127.0.0.1');
  assert.is(hostOf('[::1]:7000'), '::1');
  assert.is(hostOf('ann'), 'ann');
  assert.ok(sameHost('::1', '0:0:0:0:0:0:0:1') && sameHost('::ABCD', '::abcd') && sameHost('ann', 'ann'));
  assert.ok(!sameHost('127.0.0.1', '127.0.0.2') && !sameHost('ann', 'bob') && !sameHost('::1', '127.0.0.1'));
});

// ── paths ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const { root, beside, forget } = folders();
test.after(forget);
mkdirSync(join(root, 'sub/deep'), { recursive: true });
mkdirSync(`${root}-and-more`);
writeFileSync(join(root, 'a'), 'inside');
writeFileSync(join(root, 'sub/a'), 'inside');
writeFileSync(join(beside, 'a'), 'outside');
writeFileSync(`${root}-and-more/a`, 'outside');
symlinkSync(beside, join(root, 'out'));
symlinkSync('../../beside/a', join(root, 'sub/out'));
symlinkSync(`${root}-and-more`, join(root, 'near'));
symlinkSync(join(beside, 'new'), join(root, 'dangling'));
symlinkSync('loop', join(root, 'loop'));
symlinkSync('../sub', join(root, 'sub/in'));
symlinkSync('/', join(root, 'sub/deep/top'));
const files = await Files.at(root);

const piece = fc.constantFrom(
  '..',
  '.',
  '',
  'a',
  'sub',
  'deep',
  'out',
  'near',
  'dangling',
  'loop',
  'in',
  'top',
  'new',
  'etc',
  'passwd',
  'beside',
  '...',
  '%2e%2e',
  '..%2f',
  '\u2025',
  '~',
  'C:',
  '\\..',
  root.slice(1),
);
const path = fc.array(piece, { maxLength: 7 }).map((pieces) => pieces.join('/'));

test('whatever is said where, it is a path inside', () => {
  fc.assert(
    fc.property(fc.oneof(path, fc.string({ maxLength: 30 })), fc.oneof(path, argument), (where, said) => {
      let cwd: string;
      try {
        cwd = inside('/', where);
      } catch {
        return;
      }
      const real = inside(cwd, said);
      assert.match(real, /^\/(?!\/)/);
      assert.not(real.split('/').some((name) => name === '..' || name === '.'));
      assert.not.match(real, /[\0\r\n]/);
      assert.is(inside('/', real), real);
    }),
    { numRuns: 2_000 },
  );
  for (const wrong of ['a\0b', 'a\nb', 'a\rb', 'x'.repeat(5_000)])
    assert.throws(() => inside('/', wrong), /no such name/);
});

/** What nobody may see. */
const isOutside = async (reached: Promise<unknown>): Promise<boolean> =>
  reached.then(
    () => false,
    () => true,
  );

test('no path leads outside, by whatever links', async () => {
  await fc.assert(
    fc.asyncProperty(path, async (said) => {
      const virtual = inside('/', said);
      const opened = await files.read(virtual, 0).catch(() => undefined);
      if (opened !== undefined) {
        const content = await opened.file.readFile('latin1');
        await opened.file.close();
        assert.is(content, 'inside', virtual);
      }
      const stats = await files.stat(virtual).catch(() => undefined);
      if (stats !== undefined) assert.is.not(stats.ino, (await lstat(beside)).ino);
      for await (const { name } of listedOr(virtual))
        assert.ok(!['out', 'near', 'dangling', 'loop', 'top', 'new'].includes(name), name);
    }),
    { numRuns: 300 },
  );
});

async function* listedOr(virtual: string): AsyncGenerator<{ readonly name: string }> {
  try {
    yield* files.list(virtual);
  } catch {}
}

test('nothing outside is written, made, renamed or removed', async () => {
  for (const virtual of [
    '/out/x',
    '/near/x',
    '/dangling',
    '/sub/out',
    '/sub/deep/top/tmp/x',
    '/out',
    '/loop',
    '/a/b',
  ]) {
    assert.ok(await isOutside(files.write(virtual, 0)), virtual);
  }
  for (const virtual of ['/', '/out/x', '/near/x', '/dangling', '/a/b', '/loop/x']) {
    assert.ok(await isOutside(files.makeFolder(virtual)), virtual);
    assert.ok(await isOutside(files.rename('/a', inside(virtual, 'sub'))), virtual);
  }
  for (const virtual of ['/', '/out/a', '/near/a', '/sub/deep/top/tmp']) {
    assert.ok(await isOutside(files.remove(virtual)), virtual);
    assert.ok(await isOutside(files.removeFolder(virtual)), virtual);
    assert.ok(await isOutside(files.rename(virtual, '/moved')), virtual);
  }
  assert.is(readFileSync(join(beside, 'a'), 'latin1'), 'outside');
  assert.is(readFileSync(`${root}-and-more/a`, 'latin1'), 'outside');
  assert.ok(await isOutside(lstat(join(beside, 'new'))));
  assert.ok(await isOutside(Files.at(join(root, 'a'))), 'a file is no root');
});

test('a file is written from where it is said, and only what is a plain file is opened', async () => {
  const { file, start } = await files.write('/new', 0);
  await file.close();
  assert.is(start, 0);
  assert.ok(await isOutside(files.write('/new', 1)));
  assert.ok(await isOutside(files.write('/sub', 0)));
  assert.ok(await isOutside(files.read('/sub', 0)));
  const end = await files.write('/sub/in/a', 'end');
  assert.is(end.start, 6);
  await end.file.close();
});

// ── lines of another system ─────────────────────────────────────────────────────────────────────────────────────────

const through = async (operator: typeof toNetwork, chunks: readonly string[]): Promise<string> =>
  Buffer.concat(await lastValueFrom(from(chunks.map(latin1)).pipe(operator, toArray()))).toString('latin1');

test('LF is CR LF on the way, and comes back, wherever it is cut', async () => {
  const text = fc.array(fc.constantFrom('a', '\n', '\r', 'b\n'), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(text, async (chunks) => {
      const whole = chunks.join('');
      const sent = whole.replaceAll(/(?<!\r)\n/g, '\r\n');
      assert.is(await through(toNetwork, chunks), sent);
      assert.is(await through(toNetwork, [whole]), sent);
      assert.is(await through(fromNetwork, chunks), whole.replaceAll('\r\n', '\n'));
      assert.is(await through(fromNetwork, sent.split('')), whole.replaceAll('\r\n', '\n'));
    }),
    { numRuns: 300 },
  );
});

// ── lists ───────────────────────────────────────────────────────────────────────────────────────────────────────────

test('a list tells what people, and programs, want to know', async () => {
  const stats = await files.stat('/a');
  const now = stats.mtime.getTime();
  const entry = { name: 'a b', stats };
  assert.match(longLine(entry, now + 1_000), /^-rw-r--r-- +\d+ ftp +ftp +6 [A-Z][a-z]{2} [ \d]\d \d\d:\d\d a b$/);
  assert.match(
    longLine(entry, now + 300 * 86_400_000),
    /^-rw-r--r-- +\d+ ftp +ftp +6 [A-Z][a-z]{2} [ \d]\d  \d{4} a b$/,
  );
  assert.match(longLine({ name: 's', stats: await files.stat('/sub') }), /^drwx/);
  assert.match(
    factsLine(entry, FACTS, true),
    /^type=file;size=6;modify=\d{14};perm=adfrw;unique=[\da-f]+g[\da-f]+; a b$/,
  );
  assert.is(factsLine(entry, ['size'], false), 'size=6; a b');
  assert.equal(chosenFacts('Size;TYPE;UNIX.mode;'), ['type', 'size']);
  assert.equal(chosenFacts(''), []);
  assert.is(timeValue(new Date(1_700_000_000_999)), '20231114221320');
  assert.is(nameLine('', entry), 'a b');
  assert.is(nameLine('sub/', entry), 'sub/a b');
  assert.is(nameLine('.', entry), 'a b');
  for (const [given, left] of [
    ['-la', ''],
    ['-a -l x', 'x'],
    ['-la  x y', 'x y'],
    ['a-b', 'a-b'],
    ['./-x', './-x'],
    ['', ''],
  ]) {
    assert.is(withoutOptions(given as string), left);
  }
});

test.run();
