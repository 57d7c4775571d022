// The shell's grammar as text: what a line is read as, what is wrong with it, what may follow.
import * as E from 'fp-ts/lib/Either.js';
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { complete, explain, inText } from '../src/cli/complete.js';
import { grammar } from '../src/cli/grammar.js';
import { isKind } from '../src/cli/kinds.js';
import { parse } from '../src/cli/parse.js';
import { quoted, restOf, wordsOf } from '../src/cli/words.js';
import { suite } from './kit/suite.js';
import { sampleLine, samples } from './kit/shell-samples.js';

const test = suite('shell: lines');

const LOBBY = ['config', 'tcp-server', 'lobby'];

const read = (line: string, context: readonly string[] = []): string => {
  const result = parse(grammar, context, line);
  return E.isLeft(result) ? `${result.left.at}: ${result.left.reason}` : result.right.row.pattern;
};

const given = (line: string, context: readonly string[] = []): unknown => {
  const result = parse(grammar, context, line);
  return E.isLeft(result) ? result.left.reason : result.right.given;
};

// ── words ───────────────────────────────────────────────────────────────────────────────────────────────────────────

test('words are parted by spaces, except in double quotes', () => {
  const texts = (line: string): readonly string[] => wordsOf(line).map(({ text }) => text);
  assert.equal(texts('  show   clients '), ['show', 'clients']);
  assert.equal(texts('protocol "./my file.js"'), ['protocol', './my file.js']);
  assert.equal(texts('a "b\\"c\\\\" "d\\x41\\n'), ['a', 'b"c\\', 'dA\n']);
  assert.equal(texts(''), []);
  assert.equal(
    wordsOf(' a "b c" d').map(({ at }) => at),
    [1, 3, 9],
  );
});

test('the rest of a line is one text, whose quotes count where they are around all of it', () => {
  assert.is(restOf('say he said "no" ', 4), 'he said "no"');
  assert.is(restOf('say "a\\tb\\x00"', 4), 'a\tb\0');
  assert.is(restOf('say "a" and "b"', 4), '"a" and "b"');
});

test('what is quoted is one word again', () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 1 }).filter((text) => text.trim() === text),
      (text) => {
        fc.pre(!/^[^\s"]*$/.test(text) || !text.includes('\\'));
        assert.equal(
          wordsOf(quoted(text)).map((word) => word.text),
          [text],
        );
      },
    ),
    { numRuns: 200 },
  );
});

// ── commands ────────────────────────────────────────────────────────────────────────────────────────────────────────

test('every command is read as itself, and its values come out', () => {
  for (const row of grammar) assert.is(read(sampleLine(row)), row.pattern);
});

test('in the context of a server, a line may be what follows its words, and everything else as ever', () => {
  for (const row of grammar) {
    const words = sampleLine(row).split(' ');
    assert.is(read(sampleLine(row), LOBBY), row.pattern);
    if (row.pattern.startsWith('config tcp-server NAME ')) {
      assert.is(read(words.slice(3).join(' '), LOBBY), row.pattern);
      assert.is(parseName(words.slice(3).join(' ')), 'lobby');
    }
  }
});

const parseName = (line: string): unknown => (given(line, LOBBY) as { readonly NAME: unknown }).NAME;

test('no line is two commands', () => {
  const lines = grammar.map((row) => sampleLine(row));
  assert.is(new Set(lines).size, lines.length);
});

/** The shortest beginning of a keyword that no other keyword has which may stand in its place. */
const shortest = (keyword: string, others: readonly string[]): string => {
  if (others.some((other) => other !== keyword && other.startsWith(keyword))) return keyword;
  let length = 1;
  while (others.some((other) => other !== keyword && other.startsWith(keyword.slice(0, length)))) length++;
  return keyword.slice(0, length);
};

test('keywords may be cut short where they are unique', () => {
  for (const row of grammar) {
    const words = row.words.map((word, index) => {
      if (isKind(word)) return samples[word];
      const before = row.words.slice(0, index).join(' ');
      const others = grammar
        .filter((other) => other.words.slice(0, index).join(' ') === before)
        .map((other) => other.words[index] ?? '');
      return shortest(word, others);
    });
    assert.is(read(words.join(' ')), row.pattern, words.join(' '));
  }
});

test('a keyword that is whole goes before those that it is the beginning of', () => {
  assert.is(read('show tcp-server --json'), 'show tcp-server --json');
  assert.is(read('end'), 'end');
});

test('values are what they say', () => {
  assert.equal(given('config tcp-server a ka-interval 2.5'), { NAME: 'a', SECONDS: 2.5 });
  assert.equal(given('config tcp-server a max-clients 007'), { NAME: 'a', COUNT: 7 });
  assert.equal(given('config tcp-server a ::1 0'), { NAME: 'a', IP: '::1', PORT: 0 });
  assert.equal(given('config tcp-server a deny 2001:db8::/32'), { NAME: 'a', CIDR: '2001:db8::/32' });
  assert.equal(given('run tcp-server a send-msg 127.0.0.1 7000  hello   there '), {
    NAME: 'a',
    IP: '127.0.0.1',
    PORT: 7000,
    TEXT: 'hello   there',
  });
  assert.equal(given('run tcp-server a broadcast "one\\ntwo"'), { NAME: 'a', TEXT: 'one\ntwo' });
  assert.equal(given('run tcp-server a broadcast stop'), { NAME: 'a', TEXT: 'stop' });
});

const misunderstood: readonly (readonly [string, string])[] = [
  ['shwo clients', '0: expected config, no, run, show, top, wait, help, history, exit, end or quit, got "shwo"'],
  ['show clinets', '5: expected tcp-server, clients, events or running-config, got "clinets"'],
  ['show', '4: expected tcp-server, clients, events or running-config after "show"'],
  ['h', '0: "h" may be help or history'],
  ['e', '0: "e" may be exit or end'],
  ['quit now', '5: expected the end of the line, got "now"'],
  [
    'config tcp-server 1st',
    `18: NAME is the name of a server: up to 64 letters, digits, - . or _, the first a letter, got "1st"`,
  ],
  ['config tcp-server a 127.0.0.1', '29: expected PORT after "config tcp-server a 127.0.0.1"'],
  [
    'config tcp-server a 127.0.0.1 70000',
    '30: PORT is a port, 0 to 65535; to listen on, 0 takes a free one, got "70000"',
  ],
  ['config tcp-server a ka-interval 0', '32: SECONDS is a time in seconds, from 0.001 to a day, got "0"'],
  ['config tcp-server a ka-interval 1e3', '32: SECONDS is a time in seconds, from 0.001 to a day, got "1e3"'],
  [
    'config tcp-server a deny 10.0.0.0/33',
    '25: CIDR is an address, or a range of them such as 10.0.0.0/8, got "10.0.0.0/33"',
  ],
  [
    'config tcp-server a client 3',
    '28: expected disconnect, disable-listen or no after "config tcp-server a client 3"',
  ],
  ['config tcp-server a s', '20: "s" may be start or stop'],
  ['config tcp-server a "" ', '20: expected '],
  ['run tcp-server a broadcast', '26: expected TEXT after "run tcp-server a broadcast"'],
  ['run tcp-server a broadcast   ', '26: expected TEXT after "run tcp-server a broadcast"'],
  ['config tcp-server a protocol fixed 0', '35: SIZE is a number of bytes from 1 to 1048576, got "0"'],
  ['config tcp-server a protocol mine', '29: expected echo, chat, line, fixed, variable, proxy or MODULE, got "mine"'],
];

for (const [line, told] of misunderstood) {
  test(`what is wrong with ${JSON.stringify(line)}`, () => {
    const said = read(line);
    assert.is(said.slice(0, told.length), told);
  });
}

test('no line makes it throw', () => {
  const words = fc.constantFrom(
    ...new Set(grammar.flatMap((row) => row.words)),
    ...Object.values(samples),
    '"',
    '?',
    '\\',
    '',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(words, fc.string()), { maxLength: 8 }), fc.boolean(), (typed, inside) => {
      const line = typed.join(' ');
      const context = inside ? LOBBY : [];
      parse(grammar, context, line);
      explain(grammar, context, line);
      inText(grammar, context, line);
    }),
    { numRuns: 500 },
  );
});

// ── what may follow ─────────────────────────────────────────────────────────────────────────────────────────────────

const names = (kind: string, _: string, gave: Readonly<Record<string, unknown>>): Promise<readonly string[]> => {
  if (kind === 'NAME') return Promise.resolve(['lobby', 'lounge', 'bar']);
  if (kind === 'CLIENT') return Promise.resolve(gave['NAME'] === 'lobby' ? ['3', '127.0.0.1:5000'] : []);
  if (kind === 'MODULE') return Promise.resolve(['./lib/', './mine.js', './with space.js']);
  return Promise.resolve([]);
};

const completed = async (line: string, context: readonly string[] = []): Promise<readonly string[]> =>
  (await complete(grammar, context, line, names)).words;

test('Tab knows keywords, names of servers and clients, and modules', async () => {
  assert.equal(await completed('sh'), ['show ']);
  assert.equal(await completed('show '), ['clients', 'events', 'running-config', 'tcp-server']);
  assert.equal(await completed('sh tcp'), ['tcp-server ']);
  assert.equal(await completed('show tcp-server l'), ['lobby', 'lounge']);
  assert.equal(await completed('show tcp-server lob'), ['lobby ']);
  assert.equal(await completed('config tcp-server lobby client '), ['127.0.0.1:5000', '3']);
  assert.equal(await completed('config tcp-server bar client '), []);
  assert.equal(await completed('client 1', LOBBY), ['127.0.0.1:5000 ']);
  assert.equal(await completed('config tcp-server bar protocol ./l'), ['./lib/']);
  assert.equal(await completed('config tcp-server bar protocol ./m'), ['./mine.js ']);
});

test('Tab says nothing where nothing may follow, in a text, or after what is wrong', async () => {
  assert.equal(await completed('quit '), []);
  assert.equal(await completed('run tcp-server lobby broadcast show '), []);
  assert.equal(await completed('shwo cl'), []);
});

test('Tab offers what every command goes on with', async () => {
  for (const row of grammar) {
    for (const [index, word] of row.words.entries()) {
      if (isKind(word)) continue;
      const before = row.words.slice(0, index).map((one) => (isKind(one) ? samples[one] : one));
      const words = await completed([...before, ''].join(' '));
      assert.ok(words.map((one) => one.trim()).includes(word), `${before.join(' ')}: ${words.join(' ')}`);
    }
  }
});

test('? says what may follow, and what each is for', () => {
  assert.equal(explain(grammar, [], 'show '), [
    '  tcp-server      all servers',
    '  clients         all clients of all servers',
    '  events          what happens, until a key is pressed',
    '  running-config  the commands that rebuild what there is',
  ]);
  assert.equal(explain(grammar, [], 'show c'), ['  clients  all clients of all servers']);
  assert.equal(explain(grammar, [], 'show clients '), [
    '  --json   the same, as JSON for programs',
    '  NAME     the name of a server: up to 64 letters, digits, - . or _, the first a letter',
    '  <enter>  all clients of all servers',
  ]);
  assert.equal(explain(grammar, LOBBY, 'ka-interval '), ['  SECONDS  a time in seconds, from 0.001 to a day']);
  assert.equal(explain(grammar, [], 'shwo '), [
    'expected config, no, run, show, top, wait, help, history, exit, end or quit, got "shwo"',
  ]);
  assert.equal(explain(grammar, [], 'show x'), ['nothing begins with "x" here']);
});

test('? has a word for every word of the grammar', () => {
  for (const row of grammar) {
    for (const index of row.words.keys()) {
      const before = row.words.slice(0, index).map((one) => (isKind(one) ? samples[one] : one));
      for (const line of explain(grammar, [], [...before, ''].join(' '))) assert.match(line, /^ {2}\S+ {2,}\S/);
    }
  }
});

test('in a text, a ? is a sign like any other', () => {
  assert.not(inText(grammar, [], 'run tcp-server a broadcast '));
  assert.ok(inText(grammar, [], 'run tcp-server a broadcast how are you'));
  assert.ok(inText(grammar, LOBBY, 'protocol "./wh'));
  assert.not(inText(grammar, [], 'show '));
});

test.run();
