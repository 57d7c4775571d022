import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { type OperatorFunction, concatMap, delay, of } from 'rxjs';
import * as assert from 'uvu/assert';
import { frame } from '../operators/frame.js';
import { frameDelimited } from '../operators/frame-delimited.js';
import { frameFixed } from '../operators/frame-fixed.js';
import { frameLengthPrefixed } from '../operators/frame-length-prefixed.js';
import { frameLines } from '../operators/frame-lines.js';
import { frameNetstring } from '../operators/frame-netstring.js';
import { frameVarint } from '../operators/frame-varint.js';
import { FrameTooLong, FramingError, TruncatedFrame } from '../src/errors.js';
import { fixed } from '../src/framing/fixed.js';
import { lengthPrefixed } from '../src/framing/length-prefixed.js';
import { line } from '../src/framing/line.js';
import { raw } from '../src/framing/raw.js';
import type { Rule } from '../src/framing/rule.js';
import { deliveries } from '../src/testing/deliveries.js';
import type { MakeDecoder } from '../src/testing/verifier/decoder.js';
import { VerifyFailed } from '../src/testing/verifier/verify-failed.js';
import type { ChunkDecoder } from '../src/testing/verifier/run-function.js';
import { same } from '../src/testing/verifier/same.js';
import type { VerifyCase } from '../src/testing/verifier/stream.js';
import type { VerifyCheck } from '../src/testing/verifier/trial.js';
import type { VerifyReport } from '../src/testing/verifier/verification.js';
import { type VerifyDecoderOptions, verifyDecoder, verifyRule } from '../src/testing/verify.js';
import { bytes, text } from './kit/bytes.js';
import { compile } from './kit/compile.js';
import { frameCases } from './kit/frame-cases.js';
import { thrown } from './kit/heard.js';
import { raised } from './kit/raised.js';
import { suite } from './kit/suite.js';
import * as wrong from './kit/wrong-decoders.js';

const test = suite('verify', undefined, { timeout: 20_000 });
const root = fileURLToPath(new URL('../../', import.meta.url));
// Inside the package, where its own name leads to it.
const folder = join(root, 'dist/verify');

/** For `assert.throws`: a decoder found wrong, with this message. */
const failure =
  (message: RegExp) =>
  (error: unknown): boolean =>
    error instanceof VerifyFailed && message.test(error.message);

// ── what is right ───────────────────────────────────────────────────────────────────────────────────────────────────

/** Their last frame is there only when nothing more can come. */
const openAtEnd = ['the longest delimiter', 'the delimiter that begins first'];

for (const { name, rule, options, wire, frames, error } of frameCases) {
  test(`a rule that is right: ${name}`, () => {
    const given = {
      wire,
      frames,
      ...(error !== undefined && { error: (failed: unknown) => same(thrown(failed), thrown(error)) }),
      partial: (options?.onTruncated ?? 'error') !== 'error' || openAtEnd.includes(name),
    };
    const { tried } = verifyRule(rule, [given], { deframer: options ?? {}, budget: 120 });
    assert.ok(tried > wire.length);
  });
}

const operators: readonly (readonly [string, OperatorFunction<Uint8Array, Uint8Array>, readonly VerifyCase[]])[] = [
  [
    'frameFixed',
    frameFixed(3),
    [
      { wire: 'abcdef', frames: ['abc', 'def'] },
      { wire: 'ab', frames: [], error: 'TruncatedFrame' },
    ],
  ],
  [
    'frameLengthPrefixed',
    frameLengthPrefixed({ width: 2, limit: 5 }),
    [
      { wire: '\0\x02hi\0\0\0\x05world', frames: ['hi', '', 'world'] },
      { wire: '\0\x01a\x01\0', frames: ['a'], error: FrameTooLong },
    ],
  ],
  ['frameDelimited', frameDelimited('--'), [{ wire: 'a----b-c--', frames: ['a', '', 'b-c'] }]],
  [
    'frameLines',
    frameLines({ maxBytes: 4 }),
    [
      { wire: 'abcd\r\n\na\n', frames: ['abcd', '', 'a'] },
      { wire: 'a\nabcde', frames: ['a'], error: FramingError },
    ],
  ],
  ['frameVarint', frameVarint(), [{ wire: `\x02hi\0\x80\x01${'x'.repeat(128)}`, frames: ['hi', '', 'x'.repeat(128)] }]],
  [
    'frameNetstring',
    frameNetstring(),
    [
      { wire: '2:hi,0:,', frames: ['hi', ''] },
      { wire: '01:', frames: [], error: 'MalformedFrame' },
    ],
  ],
  ['frame', frame(lengthPrefixed(1), { onTruncated: 'drop' }), [{ wire: '\x01a\x02b', frames: ['a'], partial: true }]],
];

for (const [name, operator, cases] of operators) {
  test(`an operator that is right: ${name}`, async () => {
    const { checks } = await verifyDecoder(() => operator, cases, { budget: 1000 });
    for (const check of ['split', 'inside', 'poison', 'shared', 'end', 'reset'] as const)
      assert.ok(checks[check] > 0, `${check} was not looked at`);
  });
}

const someLines: readonly VerifyCase<string>[] = [
  { wire: 'hello\r\n\r\nworld\r\n', frames: ['hello', '', 'world'] },
  { wire: 'GET a\r\n', frames: ['GET a'] },
];

test('a function, an operator and a Node stream that are right', async () => {
  const cut: VerifyCase<string> = { wire: 'hello\r\nwo', frames: ['hello'], error: 'Error' };
  const cases = [...someLines, cut];
  const options = { budget: 600, truncated: 'error', encode: (said: string) => `${said}\r\n` } as const;
  const checksOf = async (decoder: Promise<VerifyReport>): Promise<string> =>
    Object.entries((await decoder).checks)
      .filter(([, count]) => count > 0)
      .map(([check]) => check)
      .join(' ');
  const refused = (said: string): string => {
    if (said.includes('\r\n')) throw new RangeError('a line has no ending in it');
    return `${said}\r\n`;
  };
  assert.is(
    await checksOf(verifyDecoder(wrong.lines, cases, { ...options, encode: refused, payloads: ['a\r\nb'] })),
    'split inside poison state shared end inverse',
  );
  assert.is(
    await checksOf(verifyDecoder(wrong.operatorOfLines, cases, options)),
    'split inside poison shared end reset leave inverse',
  );
  assert.is(
    await checksOf(verifyDecoder(wrong.transformOfLines, cases, options)),
    'split inside poison end reset inverse',
  );
});

// ── what is wrong, each in one way ──────────────────────────────────────────────────────────────────────────────────

interface Wrong {
  readonly cases?: readonly VerifyCase<unknown>[];
  readonly options?: VerifyDecoderOptions<unknown>;
  readonly finds: VerifyCheck;
  /** What the message says is wrong. */
  readonly says: string;
  /** The call in the test to paste. */
  readonly test: string;
}

const somePrefixed: readonly VerifyCase[] = [
  { wire: '\x05hello\0\x05world', frames: ['hello', '', 'world'] },
  { wire: '\x02hi', frames: ['hi'] },
];

const someShouts: readonly VerifyCase<string>[] = [
  { wire: 'a\r\n!\r\nb\r\n', frames: ['a'], error: Error },
  ...someLines,
];

type WrongName = Exclude<keyof typeof wrong, 'lines' | 'prefixed' | 'operatorOfLines' | 'transformOfLines'>;

const wrongs: Readonly<Record<WrongName, Wrong>> = {
  oneReadOneMessage: {
    finds: 'split',
    says: 'the frames are wrong',
    test: "[{ wire: ['GET a\\r', '\\n'], frames: ['GET a'] }]",
  },
  losesPartialHeader: {
    cases: [{ wire: '\0\x05hello\0\0\0\x05world', frames: ['hello', '', 'world'] }],
    finds: 'split',
    says: 'the frames are wrong',
    test: "[{ wire: ['\\x00', '\\x00'], frames: [''] }]",
  },
  resetsOnEmptyChunk: {
    finds: 'split',
    says: 'the frames are wrong',
    test: "[{ wire: ['\\r', '', '\\n'], frames: [''] }]",
  },
  missesCutDelimiter: {
    finds: 'split',
    says: 'the frames are wrong',
    test: "[{ wire: ['\\r', '\\n'], frames: [''] }]",
  },
  waitsForOneMore: {
    cases: somePrefixed,
    finds: 'split',
    says: 'only 0 of 1 frames come before the end',
    test: "[{ wire: ['\\x00'], frames: [''] }]",
  },
  oneLineAChunk: {
    finds: 'split',
    says: 'only 1 of 2 frames come before the end',
    test: "[{ wire: ['\\r\\n\\r\\n'], frames: ['', ''] }]",
  },
  reusesItsBuffer: {
    cases: somePrefixed,
    finds: 'split',
    says: 'a frame changes after it was given',
    test: "[{ wire: ['\\x01a\\x01d'], frames: ['a', 'd'] }]",
  },
  viewsOfChunks: {
    cases: [{ wire: 'abcdef', frames: ['abc', 'def'] }],
    finds: 'poison',
    says: 'a frame is a view of its chunk, where each chunk is overwritten as soon as it was taken',
    test: "[{ wire: ['aaa'], frames: ['aaa'] }]",
  },
  keepsViews: {
    finds: 'poison',
    says: 'the frames are wrong, where each chunk is overwritten as soon as it was taken',
    test: "[{ wire: ['\\r', '\\n'], frames: [''] }]",
  },
  goesOnAfterError: {
    cases: someShouts,
    finds: 'split',
    says: 'it gives frames after its error',
    test: "[{ wire: ['!\\r\\n\\r', '\\n'], frames: [], error: 'MalformedFrame' }]",
  },
  swallowsError: {
    cases: someShouts,
    finds: 'split',
    says: 'it does not fail',
    test: "[{ wire: ['a\\r\\n!\\r\\nb\\r\\n'], frames: ['a'], error: () => true }]",
  },
  errorOfTheChunk: {
    cases: someShouts,
    finds: 'split',
    says: 'its error depends on how the bytes are cut',
    test: "[{ wire: ['!\\r', '\\n'], frames: [], error: 'Error' }]",
  },
  losesFramesToError: {
    cases: someShouts,
    finds: 'split',
    says: 'the frames are wrong',
    test: "[{ wire: ['\\r\\n!\\r\\n'], frames: [''], error: 'MalformedFrame' }]",
  },
  emitsTail: {
    options: { truncated: 'drop' },
    finds: 'end',
    says: 'it gives a frame that the end cuts short, where the stream ends after 1 byte',
    test: "[{ wire: ['a', 'a\\r\\n'], frames: ['aa'] }], { truncated: 'drop' }",
  },
  dropsLastLine: {
    cases: [{ wire: 'a\r\nb', frames: ['a', 'b'], partial: true }],
    finds: 'split',
    says: 'the frames are wrong',
    test: "[{ wire: ['a\\r\\nb'], frames: ['a', 'b'], partial: true }]",
  },
  limitsChunks: {
    finds: 'split',
    says: 'it fails',
    test: "[{ wire: ['aaaaaaa\\r\\n'], frames: ['aaaaaaa'] }]",
  },
  countsCr: {
    cases: [
      { wire: 'abcd\r\nxy\r\n', frames: ['abcd', 'xy'] },
      { wire: 'abcde\r\n', frames: [], error: FrameTooLong },
    ],
    finds: 'split',
    says: 'it fails',
    test: "[{ wire: ['aaaa\\r', '\\n'], frames: ['aaaa'] }]",
  },
  takesVarintForMinimal: {
    cases: [
      { wire: '\x02hi', frames: ['hi'] },
      { wire: '\x01A\x80\0\x01B', frames: ['A', '', 'B'] },
    ],
    finds: 'split',
    says: 'the frames are wrong',
    test: "[{ wire: ['\\x01A\\x80\\x00\\x01B'], frames: ['A', '', 'B'] }]",
  },
  swapsOrder: {
    finds: 'split',
    says: 'the frames are wrong',
    test: "[{ wire: ['a', '\\r\\n\\r\\n'], frames: ['a', ''] }]",
  },
  movesWithoutHeld: {
    finds: 'state',
    says: 'the frames are wrong, where its state is taken out after each chunk and put back',
    test: "[{ wire: ['\\r', '\\n'], frames: [''] }]",
  },
  holdsForAll: {
    finds: 'shared',
    says: 'the frames are wrong, where it cuts two streams side by side',
    test: "[{ wire: ['\\r', '\\n'], frames: [''] }]",
  },
  ignoresOffset: {
    cases: somePrefixed,
    finds: 'inside',
    says: 'the frames are wrong, where each chunk lies inside a larger buffer',
    test: "[{ wire: ['\\x00'], frames: [''] }]",
  },
  runsOn: {
    finds: 'leave',
    says: 'it stays subscribed to its source when all is over, where the consumer leaves after 1 frame',
    test: "[{ wire: ['\\r\\n'], frames: [''] }]",
  },
  failsAndListens: {
    cases: someShouts,
    finds: 'split',
    says: 'it stays subscribed to its source when all is over',
    test: "[{ wire: ['!\\r\\n'], frames: [], error: 'Error' }]",
  },
  swallowsReset: {
    finds: 'reset',
    says: 'it swallows the error of its source, where the source fails after 0 bytes',
    test: "[{ wire: [''], frames: [] }]",
  },
  flushesOnReset: {
    finds: 'reset',
    says: 'it gives a frame when its source fails, where the source fails after 0 bytes',
    test: "[{ wire: [''], frames: [] }]",
  },
  renamesReset: {
    finds: 'reset',
    says: 'it fails with another error than its source, where the source fails after 0 bytes',
    test: "[{ wire: [''], frames: [] }]",
  },
  sharedOperator: {
    finds: 'shared',
    says: 'the frames are wrong, where it cuts two streams side by side',
    test: "[{ wire: ['\\r', '\\n'], frames: [''] }]",
  },
  neverEnds: {
    cases: [{ wire: 'a\r\n', frames: ['a'] }],
    options: { timeout: 20 },
    finds: 'split',
    says: 'it neither ends nor fails',
    test: "[{ wire: ['a\\r\\n'], frames: ['a'] }], { timeout: 20 }",
  },
  transformMissesDelimiter: {
    finds: 'split',
    says: 'the frames are wrong',
    test: "[{ wire: ['\\r', '\\n'], frames: [''] }]",
  },
  transformOfViews: {
    cases: [{ wire: 'abcdef', frames: ['abc', 'def'] }],
    finds: 'poison',
    says: 'a frame is a view of its chunk, where each chunk is overwritten as soon as it was taken',
    test: "[{ wire: ['aaa'], frames: ['aaa'] }]",
  },
  transformHangs: {
    cases: [{ wire: '!\r\n', frames: ['!'] }],
    options: { timeout: 20 },
    finds: 'split',
    says: 'it neither ends nor fails',
    test: "[{ wire: ['!\\r\\n'], frames: ['!'] }], { timeout: 20 }",
  },
  forgetsCr: {
    finds: 'split',
    says: 'it fails',
    test: "[{ wire: ['\\r', '\\n'], frames: [''] }]",
  },
  remembersLength: {
    cases: somePrefixed,
    finds: 'shared',
    says: 'it fails, where it cuts two streams side by side, where one case follows another',
    test: "[{ wire: ['\\x01', 'a\\x00'], frames: ['a', ''] }]",
  },
  tooSmall: {
    cases: somePrefixed,
    finds: 'split',
    says: 'it fails',
    test: "[{ wire: ['\\x05hello\\x00\\x05world'], frames: ['hello', '', 'world'] }]",
  },
  oneDigit: {
    cases: [{ wire: '2hi0', frames: ['hi', ''] }],
    finds: 'inverse',
    says: 'what is encoded is not cut back into the same',
    test: "[], { payloads: [Buffer.from('aaaaaaaaaa', 'latin1')] }",
  },
  encodesInPlace: {
    cases: somePrefixed,
    finds: 'inverse',
    says: 'what is encoded is not cut back into the same',
    test: "[], { payloads: [Buffer.from('a', 'latin1'), Buffer.from('i', 'latin1')] }",
  },
  encodeFails: {
    cases: somePrefixed,
    finds: 'inverse',
    says: 'encode throws',
    test: "[], { payloads: [Buffer.from('a'.repeat(256), 'latin1')] }",
  },
};

const subjects: Readonly<Record<WrongName, unknown>> = wrong;

const isRule = (subject: unknown): subject is Rule => typeof subject === 'object';

/** What is found wrong; nothing where it is taken for right. */
const findIn = async (name: WrongName): Promise<VerifyFailed | undefined> => {
  const subject = subjects[name];
  const { cases = someLines, options } = wrongs[name];
  try {
    if (isRule(subject)) verifyRule(subject, cases as readonly VerifyCase[], { budget: 4000 });
    else await verifyDecoder(subject as MakeDecoder<unknown>, cases, { budget: 4000, ...options });
    return undefined;
  } catch (error) {
    assert.instance(error, VerifyFailed);
    return error as VerifyFailed;
  }
};

const names = Object.keys(wrongs) as readonly WrongName[];
const failures = new Map<WrongName, VerifyFailed>();

for (const name of names) {
  test(`finds what is wrong with ${name}`, async () => {
    const found = await findIn(name);
    assert.ok(found !== undefined, 'it was taken for right');
    failures.set(name, found);
    const { finds, says, test: pasted } = wrongs[name];
    const [by, subject] = isRule(subjects[name]) ? ['verifyRule', 'rule'] : ['verifyDecoder', name];
    const { check, message, test: program, budget, seed } = found;
    assert.is(message.split('\n')[0], `${by}: ${says}`);
    assert.is(program.split('\n').at(-1), `${isRule(subjects[name]) ? '' : 'await '}${by}(${subject}, ${pasted});`);
    assert.is(check, finds);
    assert.ok(message.endsWith(`with budget ${budget} and seed ${seed}. As a test:\n\n${program}`));
  });
}

// ── a test to paste ─────────────────────────────────────────────────────────────────────────────────────────────────

test('a test to paste compiles', () => {
  const programs = new Map<string, string>();
  for (const [name, found] of failures) {
    const subject = isRule(subjects[name]) ? `{ ${name} as rule }` : `{ ${name} }`;
    programs.set(name, `import ${subject} from '../test/kit/wrong-decoders.js';\n${found.test}\n`);
  }
  compile(folder, programs);
});

for (const name of names) {
  test(`a pasted test fails as it should: ${name}`, async () => {
    const found = failures.get(name) as VerifyFailed;
    const failed = await import(pathToFileURL(join(folder, `${name}.mjs`)).href).then(
      () => undefined,
      (error: unknown) => error as VerifyFailed,
    );
    assert.instance(failed, VerifyFailed);
    assert.is(failed?.check, found.check);
    assert.is(
      failed?.message.split('\n')[0],
      found.message.split('\n')[0]?.replace(', where one case follows another', ''),
    );
  });
}

// ── smaller, and the same again ─────────────────────────────────────────────────────────────────────────────────────

/** Lines of one LF, with something wrong with them once in a while. */
const faulty = (loses: (chunk: string, held: string) => boolean) => (): ChunkDecoder<string> => {
  let held = '';
  return (chunk) => {
    if (loses(text(chunk), held)) held = '';
    const parts = (held + text(chunk)).split('\n');
    held = parts.pop() as string;
    return parts;
  };
};

const faults: readonly ((chunk: string, held: string) => boolean)[] = [
  (chunk) => chunk === '',
  (chunk, held) => held !== '' && chunk.startsWith('\n'),
  (chunk, held) => held.length > 2 && chunk.length > 1,
  (_, held) => held.endsWith('b'),
  (chunk) => chunk.length === 3,
  (chunk, held) => held.includes('c') && chunk.includes('c'),
];

const someText = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c', ' '), maxLength: 6 }), {
  minLength: 1,
  maxLength: 5,
});

test('a smaller failure is a failure still, and no larger', async () => {
  let found = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...faults),
      fc.array(someText, { minLength: 1, maxLength: 3 }),
      async (fault, all) => {
        const cases = all.map((frames) => ({ wire: frames.map((said) => `${said}\n`).join(''), frames }));
        const failed = await verifyDecoder(faulty(fault), cases, { budget: 400 }).catch((error: unknown) => error);
        if (!(failed instanceof VerifyFailed)) return;
        found++;
        const smaller = failed.smallest as VerifyCase<string>;
        const wire = text(Buffer.concat(smaller.wire as readonly Uint8Array[]));
        assert.ok(wire.length <= cases.reduce((sum, given) => sum + 2 * given.wire.length, 0));
        assert.is(smaller.frames.map((said) => `${said}\n`).join(''), wire, 'and says what is true');
        const again = await verifyDecoder(faulty(fault), [smaller]).catch((error: unknown) => error);
        assert.instance(again, VerifyFailed);
        assert.is((again as VerifyFailed).test.split('\n').at(-1), failed.test.split('\n').at(-1));
      },
    ),
    { numRuns: 40 },
  );
  assert.ok(found > 20, `only ${found} were found`);
});

test('the same seed tries the same, and another something else', async () => {
  const tried = async (seed: number): Promise<readonly string[]> => {
    const seen: string[] = [];
    const spy = (): ChunkDecoder<string> => {
      const decode = wrong.lines();
      const taken: string[] = [];
      return Object.assign(
        (chunk: Uint8Array) => {
          taken.push(text(chunk));
          return decode(chunk);
        },
        {
          end: () => {
            seen.push(taken.join('|'));
            return decode.end?.() ?? [];
          },
        },
      );
    };
    await verifyDecoder(spy, [...someLines, { wire: 'hello', frames: [], error: Error }], { budget: 500, seed });
    return seen;
  };
  assert.equal(await tried(7), await tried(7));
  assert.not.equal(await tried(7), await tried(8));
});

test('a failure that takes luck to find is found again by its seed', async () => {
  const wire = 'abcdefghijklmnopqrstuvwxyz\n'.repeat(4);
  const rare = faulty((chunk) => chunk.length === 3);
  const cases = [{ wire, frames: wire.split('\n').slice(0, -1) }];
  const find = (seed: number): Promise<unknown> =>
    verifyDecoder(rare, cases, { budget: 300, seed }).catch((error: unknown) => (error as Error).message);
  assert.is(await find(3), await find(3));
});

// ── budget and report ───────────────────────────────────────────────────────────────────────────────────────────────

test('reports what was tried, and says it in a line where it is asked to', () => {
  const said: string[] = [];
  const report = verifyRule(fixed(3), [{ wire: 'abcdef', frames: ['abc', 'def'] }], { report: (it) => said.push(it) });
  const { checks, splits, tried, ...rest } = report;
  assert.equal(rest, { cases: 1, complete: true, budget: 10_000, seed: 1 });
  assert.is(checks.split, splits);
  assert.is(
    Object.values(checks).reduce((sum, count) => sum + count, 0),
    tried,
  );
  // In one chunk, byte by byte, by frames, with nothing between; an empty chunk at 7 places; cut at 1, 2 and 3 places;
  // and the same of the case that follows itself.
  assert.is(splits, 4 + 7 + 5 + 10 + 10 + (4 + 13 + 11 + 55 + 165));
  assert.equal(said, [
    `verified 1 case: ${splits} ways to cut them, ${tried} runs in all, nothing left out (budget 10000, seed 1)`,
  ]);
});

test('keeps to its budget, and tries a little of all', () => {
  const wire = 'hello\nworld\n'.repeat(20);
  const frames = wire.split('\n').slice(0, -1);
  for (const budget of [1, 50, 700]) {
    const { checks, tried, complete } = verifyRule(line(), [{ wire, frames }], { budget });
    assert.ok(tried - checks.inverse <= budget);
    assert.is(complete, false);
    if (budget === 700)
      for (const check of ['split', 'inside', 'poison', 'state', 'shared', 'end'] as const)
        assert.ok(checks[check] > 20);
  }
});

// ── cases and options ───────────────────────────────────────────────────────────────────────────────────────────────

test('a case in pieces is delivered in these and in no others', async () => {
  const cases: readonly VerifyCase<string>[] = [{ wire: ['GET a\r\n', 'b\r\n'], frames: ['GET a', 'b'] }];
  const { splits } = await verifyDecoder(wrong.missesCutDelimiter, cases);
  assert.is(splits, 1);
});

test('errors are expected by class, tag, name, code or a function', () => {
  const by = (error: NonNullable<VerifyCase['error']>): VerifyReport =>
    verifyRule(lengthPrefixed({ width: 1, limit: 2 }), [{ wire: '\x01a\x03', frames: ['a'], error }]);
  by(FrameTooLong);
  by(FramingError);
  by('FrameTooLong');
  by((error) => error instanceof FrameTooLong && error.got === 3);
  for (const other of [TruncatedFrame, 'TruncatedFrame', (): boolean => false])
    assert.throws(() => by(other), failure(/it fails with another error/));
  assert.throws(
    () => verifyRule(fixed(2), [{ wire: 'ab', frames: ['ab'], error: TruncatedFrame }]),
    failure(/it does not fail\n[^]*expected {2}\['ab'\], then TruncatedFrame/),
  );
});

test('any values are frames, compared by what they hold', async () => {
  const pairs = (): ChunkDecoder<unknown> => {
    const decode = wrong.prefixed();
    return function* pair(chunk) {
      for (const said of decode(chunk)) yield { _tag: 'Right', right: { raw: said, at: new Map([[1, said.length]]) } };
    };
  };
  const right = (raw_: string): unknown => ({
    _tag: 'Right',
    right: { raw: bytes(raw_), at: new Map([[1, raw_.length]]) },
  });
  await verifyDecoder(pairs, [{ wire: '\x02hi\0', frames: [right('hi'), right('')] }]);
  const failed = await verifyDecoder(pairs, [{ wire: '\x02hi', frames: [right('ho')] }]).catch(
    (error: unknown) => error,
  );
  assert.match(
    (failed as VerifyFailed).got,
    "[{ _tag: 'Right', right: { raw: Buffer.from('hi', 'latin1'), at: new Map([[1, 2]]) } }]",
  );
});

test('where frames may be views is an option', async () => {
  const cases = [{ wire: 'abcdef', frames: ['abc', 'def'] }];
  for (const views of ['call', 'forever'] as const) await verifyDecoder(wrong.viewsOfChunks, cases, { views });
  await verifyDecoder(wrong.keepsViews, someLines, { views: 'forever' });
  const failed = await verifyDecoder(() => frameFixed(3), cases, { views: 'no' }).catch((error: unknown) => error);
  assert.match((failed as Error).message, 'a frame is a view of its chunk');
});

test('what becomes of a frame that is cut short is an option', async () => {
  const frameBy = (onTruncated: 'error' | 'drop' | 'emit') => () => frame(lengthPrefixed(1), { onTruncated });
  const cases = [{ wire: '\x02hi\0\x01a', frames: ['hi', '', 'a'] }];
  for (const policy of ['error', 'drop', 'emit'] as const) {
    await verifyDecoder(frameBy(policy), cases);
    for (const truncated of ['error', 'drop', 'emit'] as const) {
      const failed = await verifyDecoder(frameBy(policy), cases, { truncated }).catch((error: unknown) => error);
      // Who drops it emits nothing of it, and that may be all there is.
      const fine = policy === truncated || (policy === 'drop' && truncated === 'emit');
      assert.is(failed instanceof VerifyFailed, !fine, `${policy} for ${truncated}`);
    }
  }
});

test('a decoder that takes time is late, where it may not be', async () => {
  const slow = () => (source: Parameters<ReturnType<typeof wrong.operatorOfLines>>[0]) =>
    source.pipe(
      wrong.operatorOfLines(),
      concatMap((said) => of(said).pipe(delay(1))),
    );
  const cases = [{ wire: '\r\n', frames: [''] }];
  const failed = await verifyDecoder(slow, cases, { budget: 20 }).catch((error: unknown) => error);
  assert.match((failed as Error).message, 'only 0 of 1 frames come before the end');
  await verifyDecoder(slow, cases, { budget: 20, prompt: false });
});

test('cases that cannot follow one another need not', async () => {
  const greeted = (): ChunkDecoder<string> => {
    const decode = wrong.lines();
    let first = true;
    return function* greet(chunk) {
      for (const said of decode(chunk)) {
        yield first ? `hello ${said}` : said;
        first = false;
      }
    };
  };
  const cases = [{ wire: 'ann\r\nhi\r\n', frames: ['hello ann', 'hi'] }];
  const failed = await verifyDecoder(greeted, cases).catch((error: unknown) => error);
  assert.match((failed as Error).message, 'the frames are wrong, where one case follows another');
  await verifyDecoder(greeted, cases, { joined: false });
});

test('raw bytes depend on how they are cut, and it says so', () => {
  assert.throws(
    () => verifyRule(raw(), [{ wire: 'abc', frames: ['abc'] }]),
    failure(/the frames are wrong\n\n {2}chunks {4}\['ab', 'c'\]\n/),
  );
});

test('an option that is none is an error at the call', async () => {
  const cases = [{ wire: 'a', frames: ['a'] }];
  const rejects = async (work: () => Promise<unknown>, type: typeof Error, message: RegExp): Promise<void> => {
    const error = await work().catch((thrown_: unknown) => thrown_);
    assert.ok(raised(type, message)(error), String(error));
  };
  const verify = (options: object) => () => verifyDecoder(() => frameFixed(1), cases, options);
  assert.throws(() => verifyRule(fixed(1), []), raised(RangeError, /^cases must be one or more, got none$/));
  assert.throws(() => verifyRule(fixed(1), cases, { budget: 0 }), raised(RangeError, /^budget must be a whole number/));
  assert.throws(() => verifyRule(fixed(1), cases, { seed: -1 }), raised(RangeError, /^seed must be/));
  assert.throws(() => verifyRule({} as Rule, cases), raised(TypeError, /^rule.judge must be a function/));
  assert.throws(
    () => verifyRule(fixed(1), [{ wire: '\u0100', frames: [] }]),
    raised(RangeError, /^the letter Ā must be a whole number from 0 to 255/),
  );
  assert.throws(
    () => verifyRule({ capacity: 1, judge: fixed(1).judge }, cases, { payloads: ['a'] }),
    raised(TypeError, /^payloads must have an encode/),
  );
  await rejects(verify({ payloads: [bytes('a')] }), TypeError, /^payloads must have an encode/);
  await rejects(verify({ views: 'never' }), TypeError, /^views must be one of/);
  await rejects(verify({ truncated: 'skip' }), TypeError, /^truncated must be one of/);
  await rejects(verify({ timeout: 0 }), RangeError, /^timeout must be a time/);
  await rejects(verify({ prompt: 1 }), TypeError, /^prompt must be true or false/);
  await rejects(verify({ report: true }), TypeError, /^report must be a function/);
  await rejects(() => verifyDecoder((() => of(1)) as never, cases), TypeError, /^makeDecoder must return a function/);
});

// ── deliveries ──────────────────────────────────────────────────────────────────────────────────────────────────────

test('deliveries are all the same bytes, and all there are', () => {
  const all = [...deliveries('abcd')].map((chunks) => chunks.map(text));
  assert.equal(all, [
    ['abcd'],
    ['a', 'b', 'c', 'd'],
    ['a', 'b', 'c', 'd'],
    ['', 'a', '', 'b', '', 'c', '', 'd', ''],
    ['a', 'bcd'],
    ['ab', 'cd'],
    ['abc', 'd'],
    ['a', 'b', 'cd'],
    ['a', 'bc', 'd'],
    ['ab', 'c', 'd'],
    ['a', 'b', 'c', 'd'],
  ]);
  const [, alone, inLarger] = [...deliveries('abcd')];
  assert.is(alone?.[0]?.byteOffset, 0);
  assert.ok(
    inLarger?.every(({ buffer, byteOffset, length }) => byteOffset > 0 && buffer.byteLength > byteOffset + length),
  );
});

test('deliveries are fewer for longer wires, or as many as asked for', () => {
  const count = (wire: string | Uint8Array, cuts?: number): number => [...deliveries(wire, cuts)].length;
  assert.is(count('x'.repeat(20)), 4 + 19 + 171 + 969);
  assert.is(count('x'.repeat(60)), 4 + 59 + 1711);
  assert.is(count(new Uint8Array(61)), 4 + 60);
  assert.is(count('x'.repeat(61), 0), 4);
  assert.throws(() => count('abc', -1), raised(RangeError, /^cuts must be/));
});

test.run();
