import * as E from 'fp-ts/lib/Either.js';
import { ignoreElements, mergeMap, of, timer } from 'rxjs';
import * as assert from 'uvu/assert';
import { frame, protocol } from '../operators/index.js';
import { type SluiceError, lengthPrefixed, line, text } from '../src/index.js';
import { type Client, createServer } from '../src/server/index.js';
import { until } from './kit/line-server.js';
import { dialRaw } from './kit/peer.js';
import { raised } from './kit/raised.js';
import { suite } from './kit/suite.js';

const test = suite('the limits of a server');

const KB = 1_024;

/** Does as it is told: `name ann`, `enter red`, `tag slow`; says `done`. */
const obeys = protocol<string>({
  name: 'obeys',
  framing: line(100 * KB),
  message: text,
  session: (said, peer) =>
    said.pipe(
      mergeMap((told) => {
        const [word, what = ''] = told.split(' ');
        if (word === 'name') peer.name = what;
        else if (word === 'enter') peer.enter(what);
        return of('done');
      }),
    ),
});

const served = async (limits: object): Promise<{ server: ReturnType<typeof make>; port: number; tags: string[] }> => {
  const server = make(limits);
  const tags: string[] = [];
  server.outcomes.subscribe((outcome) =>
    tags.push(E.isLeft(outcome) ? (outcome.left.error as SluiceError)._tag : 'ok'),
  );
  return { server, port: (await server.start()).port as number, tags };
};

const make = (limits: object) => createServer('obeys', obeys, { port: 0, limits });

for (const [limits, allowed, tooMuch, message] of [
  [{ maxRooms: 2 }, ['enter a', 'enter b', 'enter a'], 'enter c', 'no more than 2 rooms of a client'],
  [{ maxNameLength: 4 }, ['name anne', 'enter redd'], 'name annie', 'no more than 4 letters of a name'],
  [{ maxNameLength: 4 }, ['name anne', 'enter redd'], 'enter greeny', 'no more than 4 letters of a room'],
  [{}, [`name ${'x'.repeat(256)}`], `name ${'x'.repeat(64 * KB)}`, 'no more than 256 letters of a name'],
  [
    {},
    ['name __proto__', 'enter constructor', 'enter toString'],
    `enter ${'x'.repeat(257)}`,
    'no more than 256 letters of a room',
  ],
] as const) {
  test(`${message}: that client's own failure, and nobody else's (${tooMuch.slice(0, 20)})`, async () => {
    const { server, port, tags } = await served(limits);
    const failures: string[] = [];
    server.outcomes.subscribe((outcome) => {
      if (E.isLeft(outcome)) failures.push((outcome.left.error as Error).message);
    });
    const [greedy, other] = [(await dialRaw({ port })).read(), (await dialRaw({ port })).read()];
    for (const told of allowed) greedy.send(`${told}\n`);
    await greedy.heard('done\n'.length * allowed.length);
    greedy.send(`${tooMuch}\n`);
    await until(() => tags.length === 1);
    assert.equal([tags, failures], [['LimitReached'], [message]]);
    other.send('name bob\n');
    assert.is(await other.heard(5), 'done\n');
    await server.abort();
  });
}

test('what is left out stays as it is, also by the word undefined', () => {
  const limits = { writeLimit: 1_000, readLimit: undefined, maxRooms: 3, maxTags: undefined };
  const server = createServer('obeys', obeys, { port: 0, readLimit: 70_000, limits: limits as object });
  server.setLimits({ writeLimit: undefined, framesPerTurn: 64, maxRooms: undefined } as object);
  const { writeLimit, readLimit, framesPerTurn, maxRooms, maxTags } = server.limits;
  assert.equal([writeLimit, readLimit, framesPerTurn, maxRooms, maxTags], [1_000, 70_000, 64, 3, 100]);
});

test('tags: so many of a client, so many clients of a tag, and a place is free again at every end', async () => {
  const { server, port } = await served({ maxTags: 2, maxPerTag: 1, maxNameLength: 8 });
  const [ann, bob] = [await dialRaw({ port }), await dialRaw({ port })];
  await until(() => server.clients.count === 2);
  const [one, two] = [...server.clients];
  if (one === undefined || two === undefined) throw new Error('there are two');
  one.tags.add('slow').add('slow').add('old');
  const refused = (what: string): ((error: unknown) => boolean) => raised(Error, new RegExp(`^no more than ${what}$`));
  assert.throws(() => one.tags.add('third'), refused('2 tags of a client'));
  assert.throws(() => two.tags.add('slow'), refused('1 clients with a tag'));
  assert.throws(() => two.tags.add('far too long'), refused('8 letters of a tag'));
  assert.throws(() => two.tags.add(''), raised(TypeError, /^tag must be a text that is not empty/));
  assert.equal(
    [...server.clients.tagged('slow')].map(({ id }) => id),
    [one.id],
  );
  assert.is(one.tags.delete('slow'), true);
  assert.is(one.tags.delete('slow'), false);
  two.tags.add('slow');
  one.tags.clear();
  assert.equal([...one.tags, ...server.clients.tagged('old')], []);
  server.setLimits({ maxPerTag: 2 });
  one.tags.add('slow');
  assert.is([...server.clients.tagged('slow')].length, 2);
  ann.leave();
  bob.leave();
  await until(() => server.clients.count === 0);
  assert.equal([...server.clients.tagged('slow')], []);
  one.tags.add('whatever one likes of one who is gone');
  await server.stop();
});

test('a smaller readLimit closes who holds more of a frame, also of those who are connected', async () => {
  const rule = lengthPrefixed({ width: 4, limit: 100_000 * KB });
  const server = createServer('eats', (bytes) => bytes.pipe(frame(rule), ignoreElements()), { port: 0 });
  const failures: string[] = [];
  server.outcomes.subscribe((outcome) => {
    if (E.isLeft(outcome)) failures.push((outcome.left.error as Error).message);
  });
  const { port = 0 } = await server.start();
  const peer = await dialRaw({ port });
  peer.send(Buffer.from([0, 0x20, 0, 0]));
  peer.send(Buffer.alloc(300 * KB));
  await until(() => [...server.clients][0]?.statistics.bytesIn === 300 * KB + 4);
  assert.equal(failures, []);
  server.setLimits({ readLimit: 200 * KB });
  peer.send(Buffer.alloc(KB));
  await until(() => failures.length === 1);
  assert.equal(failures, [`held ${301 * KB + 4} bytes of an unfinished frame, over the limit of ${200 * KB}`]);
  await server.stop();
});

test('a smaller writeLimit holds for what is written from then on, also to those who are connected', async () => {
  const server = createServer('tells', (bytes) => bytes.pipe(ignoreElements()), {
    port: 0,
    limits: { writeLimit: 50_000 * KB },
  });
  const tags: string[] = [];
  server.outcomes.subscribe((outcome) =>
    tags.push(E.isLeft(outcome) ? (outcome.left.error as SluiceError)._tag : 'ok'),
  );
  const { port = 0 } = await server.start();
  const peer = await dialRaw({ port });
  await until(() => server.clients.count === 1);
  assert.is(server.limits.writeLimit, 50_000 * KB);
  const [client] = [...server.clients] as [Client];
  const tell = (): unknown => server.send(client, Buffer.alloc(1_000 * KB));
  for (let count = 0; count < 20; count++) tell();
  assert.equal(tags, []);
  server.setLimits({ writeLimit: 100 * KB });
  tell();
  await until(() => tags.length === 1);
  assert.equal(tags, ['WriteOverflow']);
  peer.leave();
  await server.stop();
});

test('each is checked when it is set', () => {
  const server = make({});
  for (const [limits, message] of [
    [{ maxRooms: -1 }, /^maxRooms must be a whole number from 0/],
    [{ maxTags: 0.5 }, /^maxTags must be a whole number/],
    [{ maxPerTag: 0 }, /^maxPerTag must be a whole number from 1/],
    [{ maxNameLength: 0 }, /^maxNameLength must be a whole number from 1/],
    [{ framesPerTurn: 63 }, /^framesPerTurn must be a whole number from 64/],
    [{ readLimit: 1_000 }, /^readLimit must be a whole number from 65536/],
    [{ writeLimit: Number.NaN }, /^writeLimit must be a whole number/],
  ] as const) {
    assert.throws(() => server.setLimits(limits), raised(RangeError, message));
    assert.throws(() => make(limits), raised(RangeError, message));
  }
  assert.is(server.limits.maxRooms, 1_000);
});

test('the same limits hold for those that the server dials, unless a dial has its own', async () => {
  const far = createServer('far', (bytes) => bytes.pipe(ignoreElements()), { port: 0 });
  const { port = 0 } = await far.start();
  const near = createServer('near', obeys, { port: 0, limits: { writeLimit: 10_000 * KB } });
  await near.start();
  const tags: string[] = [];
  near.outcomes.subscribe((outcome) => tags.push(E.isLeft(outcome) ? (outcome.left.error as SluiceError)._tag : 'ok'));
  const once = { reconnect: false } as const;
  near.connect('127.0.0.1', port, once);
  near.connect('127.0.0.1', port, { ...once, writeLimit: 200_000 * KB });
  await until(() => near.clients.count === 2 && far.clients.count === 2);
  far.pauseListening();
  near.setLimits({ writeLimit: 500 * KB });
  // Texts of the protocol go as lines.
  for (let count = 0; count < 200; count++) for (const client of near.clients) near.send(client, 'x'.repeat(90 * KB));
  await until(() => tags.length === 1);
  assert.equal(tags, ['WriteOverflow']);
  timer(0).subscribe(() => far.resumeListening());
  await Promise.all([near.abort(), far.abort()]);
});

test.run();
