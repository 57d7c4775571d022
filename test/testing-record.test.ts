import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { flow } from 'fp-ts/lib/function.js';
import { type MonoTypeOperatorFunction, Subject, ignoreElements } from 'rxjs';
import * as assert from 'uvu/assert';
import { drain } from '../operators/drain.js';
import { failIfIdle } from '../operators/fail-if-idle.js';
import { frameFixed } from '../operators/frame-fixed.js';
import { mapAsync } from '../operators/map-async.js';
import { serve } from '../operators/serve.js';
import type { Connection } from '../src/connection/connection.js';
import { memory } from '../src/connection/memory.js';
import type { Handler } from '../src/server/outcome.js';
import { ending } from '../src/testing/ending.js';
import { loopback } from '../src/testing/loopback.js';
import { marbles } from '../src/testing/marbles.js';
import { record } from '../src/testing/record.js';
import { RecordedConnection } from '../src/testing/recorded-connection.js';
import { type Happening, parseRecording, readRecording } from '../src/testing/recording.js';
import { quiet } from './kit/quiet.js';
import { raised } from './kit/raised.js';
import { suite } from './kit/suite.js';

const test = suite('record');
const folder = mkdtempSync(join(tmpdir(), 'sluice-record-'));
test.after(() => rmSync(folder, { recursive: true }));

const echo: Handler = (bytes) => bytes;

/** A recording that is kept as text. */
const kept = (): { readonly text: () => string; readonly recording: MonoTypeOperatorFunction<Connection> } => {
  let text = '';
  const recording = record((lines) => {
    assert.ok(lines.endsWith('\n'), 'whole lines');
    text += lines;
  });
  return { text: () => text, recording };
};

/** A happening as words, for a table: `5 1 in hello`. */
const shown = (happening: Happening, ids: readonly number[]): string => {
  const { at, id, type } = happening;
  const words: (string | number)[] = [at, ids.indexOf(id) + 1, type];
  if ('bytes' in happening) words.push(Buffer.from(happening.bytes).toString('latin1'));
  if (happening.type === 'open') words.push(happening.peer, happening.local);
  if (happening.type === 'closed') words.push(happening.how ?? '');
  return words.join(' ').trimEnd();
};

/** The happenings of a recording, their connections counted from 1. */
const happeningsOf = (text: string): string[] => {
  const { happenings } = parseRecording(text);
  const ids = [...new Set(happenings.map(({ id }) => id))];
  return happenings.map((happening) => shown(happening, ids));
};

test('writes down what came and what was answered, with its times', async () => {
  const { text, recording } = kept();
  await marbles(({ serveWith, client, expectReceived, expectOutcomes }) => {
    serveWith(flow(recording, serve(echo)));
    client('ann', '        --a----b|', { a: 'hi', b: 'ho' });
    client('bob', '        ---^-c|');
    expectReceived('ann', '--a----b|', { a: 'hi', b: 'ho' });
    expectReceived('bob', '-----c|');
    expectOutcomes('       ------x-y', { x: 'bob finished', y: 'ann finished' });
  })();
  assert.equal(happeningsOf(text()), [
    '0 1 open ann server',
    '2 1 in hi',
    '2 1 out hi',
    '3 2 open bob server',
    '5 2 in c',
    '5 2 out c',
    '6 2 in-end',
    '6 2 out-end',
    '6 2 closed finished',
    '7 1 in ho',
    '7 1 out ho',
    '8 1 in-end',
    '8 1 out-end',
    '8 1 closed finished',
  ]);
});

test('and how each connection ended', async () => {
  const { text, recording } = kept();
  await marbles(({ serveWith, client, expectReceived, expectOutcomes }) => {
    serveWith(
      flow(
        recording,
        serve((bytes) => bytes.pipe(frameFixed(2), failIfIdle(10))),
      ),
    );
    client('cut', '          --#');
    client('short', '        ---a|');
    client('idle', '         -----a', { a: 'ab' });
    expectReceived('idle', ' -----a---------|', { a: 'ab' });
    expectOutcomes('         --r-t----------i', {
      r: 'cut ConnectionReset',
      t: 'short TruncatedFrame',
      i: 'idle PeerIdle',
    });
  })();
  assert.equal(
    happeningsOf(text()).filter((line) => !/ open /.test(line)),
    [
      '2 1 reset',
      '2 1 closed ConnectionReset',
      '3 2 in a',
      '4 2 in-end',
      '4 2 closed TruncatedFrame',
      '5 3 in ab',
      '5 3 out ab',
      '15 3 closed PeerIdle',
    ],
  );
});

test('a server that is told to stop is not taken for a peer that ended', async () => {
  const { text, recording } = kept();
  await marbles(({ serveWith, client, expectReceived, expectClosed, cold }) => {
    serveWith(flow(recording, drain(cold('---s'), 100, serve(echo))));
    client('ann', '        -a');
    expectReceived('ann', '-a-|');
    expectClosed('ann', '  ---x', { x: 'finished' });
  })();
  assert.equal(happeningsOf(text()).slice(3), ['3 1 stop', '3 1 out-end', '3 1 closed finished']);
});

test('a connection that nobody wrote to has no ending', async () => {
  const { text, recording } = kept();
  const [near, far] = memory();
  const connections = new Subject<Connection>();
  const seen: Connection[] = [];
  const recordingOne = connections.pipe(recording).subscribe((connection) => seen.push(connection));
  connections.next(near);
  seen[0]?.end();
  seen[0]?.end();
  seen[0]?.reads.subscribe();
  far.reads.subscribe();
  far.end();
  await quiet(() => text().length);
  recordingOne.unsubscribe();
  assert.equal(
    happeningsOf(text()).map((line) => line.replace(/^\S+ /, '')),
    ['1 open memory:b memory:a', '1 out-end', '1 in-end', '1 closed'],
  );
});

test('to a file, every byte as it was, over real sockets', async () => {
  const path = join(folder, 'echo.jsonl');
  const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const before = Date.now();
  const server = await loopback({ serving: flow(record(path), serve(echo)) });
  const ann = await server.dial();
  ann.send(all);
  await ann.heard(256);
  await server.stop();
  assert.is(statSync(path).mode & 0o077, 0, 'only its owner may read it');
  const [first] = readFileSync(path, 'utf8').split('\n');
  assert.match(first as string, /^\{"sluice":"recording","version":1,"startedAt":"\d{4}-\d\d-\d\dT[\d:.]+Z"\}$/);
  const { startedAt, happenings } = readRecording(path);
  assert.ok(Date.parse(startedAt) >= before && Date.parse(startedAt) <= Date.now());
  for (const type of ['in', 'out']) {
    const chunks = happenings.flatMap((happening) =>
      'bytes' in happening && happening.type === type ? [happening.bytes] : [],
    );
    assert.ok(Buffer.concat(chunks).equals(all), type);
  }
  assert.is(happenings.at(-1)?.type, 'closed');
  const times = happenings.map(({ at }) => at);
  assert.equal(
    times,
    times.toSorted((a, b) => a - b),
  );
});

test('many chunks of many connections, to the last', async () => {
  const path = join(folder, 'many.jsonl');
  const server = await loopback({ serving: flow(record(path), serve(echo)) });
  const chunk = Buffer.alloc(100_000, 'x');
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      const client = await server.dial();
      client.send(chunk).end();
      await client.heard(chunk.length);
    }),
  );
  await server.stop();
  const { happenings } = readRecording(path);
  for (const type of ['in', 'out']) {
    const sizes = happenings.map((one) => ('bytes' in one && one.type === type ? one.bytes.length : 0));
    assert.is(
      sizes.reduce((sum, size) => sum + size),
      8 * chunk.length,
    );
  }
  assert.is(happenings.filter(({ type }) => type === 'closed').length, 8);
});

test('a slow handler still holds its peer up', async () => {
  const { recording } = kept();
  const release = new Subject<void>();
  const waits = new Promise<void>((resolve) => {
    release.subscribe(() => resolve());
  });
  const slow: Handler = (bytes) =>
    bytes.pipe(
      mapAsync(1, () => waits),
      ignoreElements(),
    );
  const server = await loopback({ serving: flow(recording, serve(slow)) }, { drain: 0 });
  const flood = await server.dial();
  flood.send(Buffer.alloc(32 * 1024 * 1024));
  const taken = await quiet(() => server.connections[0]?.statistics.bytesIn ?? 0);
  assert.ok(taken > 0 && taken < 2 * 1024 * 1024, `${taken} bytes were taken in`);
  flood.reset();
  release.next();
  await server.stop();
});

test('looks like the connection that it stands for', () => {
  const [near] = memory();
  const recorded = new RecordedConnection(near, { chunk: () => {}, mark: () => {}, closed: () => {} });
  assert.is(inspect({ recorded }), inspect({ recorded: near }));
  assert.equal([recorded.id, recorded.peer, recorded.local], [near.id, near.peer, near.local]);
  near.abort();
});

test('a file that cannot be opened fails the stream', async () => {
  const path = join(folder, 'no', 'such', 'folder');
  try {
    await loopback({ serving: flow(record(path), serve(echo)) });
    assert.unreachable();
  } catch (error) {
    assert.is((error as NodeJS.ErrnoException).code, 'ENOENT');
  }
});

test('one that cannot be written any more is a warning, and nobody else is concerned', async () => {
  const warnings: Error[] = [];
  const warned = (warning: Error): number => warnings.push(warning);
  process.on('warning', warned);
  let times = 0;
  const full = record(() => {
    if (++times > 1) throw new Error('the disk is full');
  });
  const server = await loopback({ serving: flow(full, serve(echo)) });
  const ann = await server.dial();
  assert.is(await ann.send('hello').heard(5), 'hello');
  assert.is(await ann.send('again').heard(10), 'helloagain');
  assert.equal((await server.stop()).map(ending), ['finished']);
  process.off('warning', warned);
  assert.is(times, 2);
  assert.equal(
    warnings.map(({ message }) => message.split('\n')[0]),
    ['the recording threw Error: the disk is full'],
  );
});

test('what is no recording is refused, and says where', () => {
  const heading = '{"sluice":"recording","version":1,"startedAt":"2026-11-05T12:00:00.000Z"}\n';
  const open = '{"at":0,"id":1,"type":"open","peer":"a","local":"b"}\n';
  const refused = (text: string, message: RegExp): void => {
    assert.throws(() => parseRecording(text), raised(SyntaxError, message));
  };
  refused('', /^line 1 is not of a recording: /);
  refused('hello\n', /^line 1 is not of a recording: .*"hello"/);
  refused(heading.replace('1,', '2,'), /^a recording of version 2; this reads version 1$/);
  refused(`${heading}${open}{"at":1,"id":1,"type":"in","bytes":"?"}\n`, /^line 3 is not of a recording: /);
  refused(`${heading}{"at":1,"id":1,"type":"later"}\n`, /^line 2 is not of a recording: /);
  assert.is(
    parseRecording(`${heading}${open}{"at":1,"id":1,"ty`).happenings.length,
    1,
    'a last line that was cut short',
  );
  assert.throws(() => record(''), raised(TypeError, /^to must be a text/));
  assert.throws(() => record('x', { scheduler: 5 as never }), raised(TypeError, /^scheduler must be/));
});

test.run();
