// Servers that are steered, told as stories: in virtual time, and however the network cuts the bytes.
import {
  NEVER,
  Observable,
  asyncScheduler,
  concatMap,
  delay,
  ignoreElements,
  map,
  merge,
  of,
  startWith,
  tap,
} from 'rxjs';
import * as assert from 'uvu/assert';
import { authenticate, protocol } from '../operators/index.js';
import { type Connection, line, memory, text, tokenGate } from '../src/index.js';
import {
  type Alarm,
  type Client,
  type Server,
  type ServerEvent,
  type ServerOptions,
  type StopReport,
  createServer,
} from '../src/server/index.js';
import { type Story, everySplit, marbles } from '../src/testing/index.js';
import { raised } from './kit/raised.js';
import { suite } from './kit/suite.js';

const test = suite('a server, told as a story');

const lines = { name: 'lines', framing: line({ maxBytes: 64 }), message: text } as const;
const shout = protocol({ ...lines, session: (said) => said.pipe(map((word) => word.toUpperCase())) });
/** Answers each line after five seconds. */
const slow = protocol({ ...lines, session: (said) => said.pipe(concatMap((word) => of(word).pipe(delay(5_000)))) });
/** Says nothing by itself, and goes on for ever. */
const mute = protocol<string>({ ...lines, firstMessage: 0, session: (said) => said.pipe(ignoreElements()) });

/** A server of the story. */
const lobby = <B extends string>(
  served: typeof shout,
  { listen, start }: Pick<Story, 'listen' | 'start'>,
  options: ServerOptions<B | string> = {},
): Server<string> => {
  const server = createServer('lobby', served, { port: 7000, listen, ...options });
  start(server);
  return server;
};

const one = ({ clients }: Server<string>, address: string): Client => {
  const client = clients.at(address);
  if (client === undefined) throw new Error(`${address} is not there`);
  return client;
};

/** What an event says, in a line. */
const shown = (event: ServerEvent): string => {
  const told = event as unknown as Readonly<Record<string, unknown>>;
  const { client } = told as { readonly client?: Client };
  const more = ['reason', 'direction', 'message', 'why'].flatMap((key) => (key in told ? [String(told[key])] : []));
  const who = client?.name ?? (event.type === 'refused' ? event.address : undefined);
  return [event.type, ...(who === undefined ? [] : [who]), ...more].join(' ');
};

/** The events of a server from now on, with their times. */
const logOf = ({ events }: Server<string>): string[] => {
  const log: string[] = [];
  events.subscribe((event) => log.push(`${Math.round(performance.now())} ${shown(event)}`));
  return log;
};

const rejected = async (promise: Promise<unknown>): Promise<string> => {
  const error: unknown = await promise.then(
    () => 'it did not fail',
    (reason: unknown) => reason,
  );
  return String(error);
};

/** What comes of a stop, for which a moment has to pass. */
const over = async (stopping: Promise<StopReport>, pass: Story['pass']): Promise<StopReport> => {
  await pass('2ms');
  return stopping;
};

const cutOf = ({ cut }: StopReport): readonly (readonly string[])[] =>
  cut.map(({ client, stage, why }) => [client.address, stage, why]);

// ── its life ────────────────────────────────────────────────────────────────────────────────────────────────────────

test('tells what happens, in order', async () => {
  const logs: string[][] = [];
  await everySplit(({ listen, start, client, expectReceived, expectOutcomes }) => {
    const server = createServer('lobby', shout, { port: 7000, listen });
    logs.push(logOf(server));
    start(server);
    client('ann', '        --^--a--|', { a: 'hi\nyou\n' });
    client('bob', '        ---^----b#', { b: 'half' });
    expectReceived('ann', '-----a--|', { a: 'HI\nYOU\n' });
    expectOutcomes('        --------ab', { a: 'ann finished', b: 'bob ConnectionReset' });
  })();
  for (const log of logs) {
    assert.equal(log.slice(0, 9), [
      '0 listening',
      '2 connected ann',
      '3 connected bob',
      '5 message ann in hi',
      '5 message ann out HI',
      '5 message ann in you',
      '5 message ann out YOU',
      '8 disconnected ann finished',
      '9 disconnected bob ConnectionReset',
    ]);
  }
  assert.ok(logs.length > 10);
});

test(
  'stops in order and reports; starts again',
  marbles(async ({ listen, start, client, pass, expectReceived, expectOutcomes }) => {
    const server = lobby(slow, { listen, start });
    const flags: string[] = [];
    server.state.subscribe(({ running, draining }) =>
      flags.push(`${running ? 'running' : 'not'}${draining ? ' draining' : ''}`),
    );
    assert.is(server.address?.name, 'story:7000');
    client('ann', '        a', { a: 'one\n' });
    client('bob', '        -^');
    client('cyd', '        6s ^');
    client('dan', '        8s ^b', { b: 'two\n' });
    expectReceived('ann', '5s (a|)', { a: 'one\n' });
    expectReceived('bob', '1s |');
    expectReceived('cyd', '6s #');
    expectReceived('dan', '13001ms b 998ms #', { b: 'two\n' });
    expectOutcomes('        1s b 3999ms a 8999ms d', {
      a: 'ann finished',
      b: 'bob finished',
      d: 'dan ConnectionAborted',
    });
    await pass('1s');
    const stopping = server.stop();
    assert.is(server.stop({ drain: 5 }), stopping);
    assert.equal(server.state.value, {
      initialized: true,
      running: true,
      accepting: true,
      listening: true,
      draining: true,
      multiThreaded: false,
    });
    assert.is(await rejected(server.start()), 'Error: server lobby is stopping: it can be started when stop() is done');
    assert.throws(() => server.connect('there', 1), raised(Error, /^server lobby does not run: connect needs it /));
    await pass('6s');
    assert.equal(await stopping, { ended: 2, cut: [], took: 4_000 });
    assert.equal(await server.stop(), { ended: 0, cut: [], took: 0 });
    assert.is(server.address, undefined);
    const first = server.start();
    assert.is(server.start(), first);
    assert.is((await first).port, 7000);
    await pass('7s');
    assert.equal(flags, ['running', 'running draining', 'not', 'running']);
    assert.is(server.clients.count, 1);
    const report = await over(server.abort(), pass);
    assert.is(report.ended, 0);
    assert.equal(cutOf(report), [['dan', 'session', 'its session had not finished']]);
  }),
);

test(
  'a stop says what held those whom it had to cut',
  marbles(async ({ listen, start, client, pass, expectReceived, expectOutcomes }) => {
    const long = protocol({
      ...lines,
      session: (said) => said.pipe(concatMap((word) => of(word).pipe(delay(60_000)))),
    });
    const server = lobby(long, { listen, start }, { drain: 9_000, halfClose: 60_000 });
    client('ann', '        a', { a: 'one\n' });
    client('bob', '        <', {}, { window: 10 });
    client('cyd', '        -^|');
    expectReceived('ann', '10s #');
    expectReceived('bob', '');
    expectReceived('cyd', '--|');
    expectOutcomes('        --c 9997ms (ab)', {
      a: 'ann DrainTimeout',
      b: 'bob DrainTimeout',
      c: 'cyd finished',
    });
    await pass('1s');
    assert.ok(server.send(one(server, 'bob'), 'more than ten bytes'));
    const stopping = server.stop();
    await pass('10s');
    const report = await stopping;
    assert.equal([report.ended, report.took], [0, 9_000]);
    assert.equal(cutOf(report), [
      ['ann', 'session', 'its session had not finished'],
      ['bob', 'flushing', 'it had left 20 bytes unread'],
    ]);
    const [{ client: cut }] = report.cut as [(typeof report.cut)[0]];
    assert.equal([cut.name, cut.statistics.messagesIn, cut.state.connected], ['ann', 1, true]);
  }),
);

test(
  'an abort in the middle of a stop cuts who is left',
  marbles(async ({ listen, start, client, pass, expectReceived, expectOutcomes }) => {
    const server = lobby(shout, { listen, start });
    client('ann', '        ^ 20s |');
    client('bob', '        ^ 1200ms |');
    expectReceived('ann', '1s | 499ms #');
    expectReceived('bob', '1s |');
    expectOutcomes('        1201ms b 298ms a', { a: 'ann finished', b: 'bob finished' });
    await pass('1s');
    const stopping = server.stop();
    await pass('500ms');
    const report = await over(server.abort(), pass);
    assert.is(report, await stopping);
    assert.equal([report.ended, report.took], [1, 500]);
    assert.equal(cutOf(report), [['ann', 'peer', 'it had not ended its side']]);
  }),
);

test(
  'is aborted at any time, and once',
  marbles(async ({ listen, start, client, pass, expectReceived, expectOutcomes }) => {
    const server = createServer('lobby', slow, { port: 7000, listen });
    assert.equal(await server.abort(), { ended: 0, cut: [], took: 0 });
    start(server);
    server.pauseAccepting();
    server.pauseListening();
    client('ann', '        ^a', { a: 'one\n' });
    client('bob', '        ^a', { a: 'one\n' });
    expectReceived('ann', '20ms #');
    expectReceived('bob', '20ms #');
    expectOutcomes('        20ms a', { a: 'ann ConnectionAborted' });
    await pass('10ms');
    assert.is(server.clients.count, 0);
    server.setLimits({ maxConnections: 1 });
    server.resumeAccepting();
    await pass('10ms');
    assert.is(server.clients.count, 1);
    const aborting = server.abort();
    assert.is(server.abort(), aborting);
    const report = await over(aborting, pass);
    assert.equal([report.ended, cutOf(report)[0]?.[0]], [0, 'ann']);
    assert.is(server.state.value.running, false);
    assert.is(server.state.value.listening, false, 'a pause outlasts a stop');
    assert.equal(await server.abort(), { ended: 0, cut: [], took: 0 });
  }),
);

// ── pauses ──────────────────────────────────────────────────────────────────────────────────────────────────────────

test(
  'a client that is paused is not read from, loses nothing, and goes on where it stopped',
  everySplit(async ({ listen, start, client, pass, expectReceived, expectClosed, expectOpen }) => {
    const server = lobby(shout, { listen, start });
    client('ann', '        --a-b-c-d|', { a: 'on', b: 'e\ntw', c: 'o\nthr', d: 'ee\n' });
    client('bob', '        --a-a-a-a', { a: 'on\n' });
    expectReceived('ann', '----b-- 50ms (c|)', { b: 'ONE\n', c: 'TWO\nTHREE\n' });
    expectReceived('bob', '--a-a-a-a', { a: 'ON\n' });
    expectClosed('ann', '  ------- 50ms x', { x: 'finished' });
    expectOpen('bob');
    await pass('5ms');
    const ann = one(server, 'ann');
    server.pauseListening(ann);
    server.pauseListening(ann);
    assert.ok(ann.state.paused);
    await pass('52ms');
    assert.equal(ann.statistics.messagesIn, 1);
    assert.is(ann.statistics.pausedFor, 52);
    server.resumeListening(ann);
    assert.not.ok(ann.state.paused);
    await pass('1ms');
    assert.equal([ann.statistics.messagesIn, ann.statistics.pausedFor], [3, 52]);
    assert.is(server.statistics.pausedFor, 52);
  }),
);

test(
  'all are paused together, and one of them by itself',
  marbles(async ({ listen, start, client, pass, expectReceived, expectOpen }) => {
    const server = lobby(shout, { listen, start });
    client('ann', '        --a', { a: 'a\n' });
    client('bob', '        --a', { a: 'b\n' });
    client('cyd', '        -----^a', { a: 'c\n' });
    expectReceived('ann', '-------------------(a)', { a: 'A\n' });
    expectReceived('bob', '---------b', { b: 'B\n' });
    expectReceived('cyd', '---------c', { c: 'C\n' });
    for (const name of ['ann', 'bob', 'cyd']) expectOpen(name);
    await pass('1ms');
    server.pauseListening();
    server.pauseListening(one(server, 'ann'));
    assert.not.ok(server.state.value.listening);
    await pass('4ms');
    server.resumeListening(one(server, 'bob'));
    await pass('3ms');
    assert.ok(one(server, 'bob').state.paused, 'a client is not resumed alone while all are paused');
    assert.ok(one(server, 'cyd').state.paused, 'also who came later');
    await pass('1ms');
    server.resumeListening();
    assert.ok(server.state.value.listening);
    await pass('10ms');
    assert.ok(one(server, 'ann').state.paused);
    server.resumeListening(one(server, 'ann'));
  }),
);

test(
  'who is paused is not given up: what it has said counts when it is read',
  marbles(async ({ listen, start, client, pass, expectHeard, expectEnding, expectOpen }) => {
    const keepAlive = { interval: 10_000, hold: 15_000, probe: 'ping', isKeepAlive: (said: string) => said === 'pong' };
    const kept = protocol<string, string>({ ...lines, firstMessage: 20_000, keepAlive, session: (said) => said });
    const server = lobby(kept, { listen, start });
    server.pauseListening();
    client('ann', '        ^ 5s a', { a: 'a\n' });
    client('bob', '        ^');
    client('cyd', '        65s ^a', { a: 'c\n' });
    client('dan', '        65s ^');
    expectHeard('ann', `${'ping\n'.repeat(6)}a\nping\n`);
    expectEnding('ann', 'PeerIdle');
    expectHeard('bob', 'ping\n'.repeat(6));
    expectEnding('bob', 'PeerIdle');
    expectHeard('cyd', 'c\nping\n');
    expectOpen('cyd');
    expectHeard('dan', 'ping\n');
    expectOpen('dan');
    await pass('1m');
    assert.is(server.clients.count, 2);
    server.resumeListening();
    await pass('8s');
    assert.equal(
      [...server.clients].map(({ name }) => name),
      ['ann', 'cyd', 'dan'],
    );
    server.pauseListening(one(server, 'cyd'));
    server.pauseListening(one(server, 'dan'));
    await pass('8s');
  }),
);

test(
  'a stop of a paused server answers what had come, and reads no more',
  marbles(async ({ listen, start, client, pass, expectReceived, expectClosed }) => {
    // Paused by its first line, while the other two wait in the same chunk or come later.
    const pausing = protocol<string>({
      ...lines,
      session: (said, { id }) =>
        said.pipe(
          tap(() => server.pauseListening(server.clients.get(id))),
          map((word) => word.toUpperCase()),
        ),
    });
    const server = lobby(pausing, { listen, start });
    client('ann', '        -a', { a: 'one\ntwo\n' });
    client('bob', '        -----b', { b: 'late\n' });
    expectReceived('ann', '-a----(t|)', { a: 'ONE\n', t: 'TWO\n' });
    expectReceived('bob', '------|');
    expectClosed('ann', '  ------x', { x: 'finished' });
    expectClosed('bob', '  ------x', { x: 'finished' });
    await pass('3ms');
    server.pauseListening();
    await pass('3ms');
    const stopping = server.stop();
    await pass('2ms');
    assert.equal(await stopping, { ended: 2, cut: [], took: 0 });
  }),
);

// ── who is let in ───────────────────────────────────────────────────────────────────────────────────────────────────

test(
  'who dials while accepting is paused waits unread, and is let in in order; a stop resets who still waits',
  marbles(async ({ listen, start, client, pass, expectReceived, expectOpened, expectOutcomes }) => {
    const server = lobby(shout, { listen, start }, { maxWaiting: 2 });
    const log = logOf(server);
    client('ann', '        ^---a', { a: 'a\n' });
    client('bob', '        --^b', { b: 'b\n' });
    client('cyd', '        ---^c', { c: 'c\n' });
    client('dan', '        -----^');
    client('eve', '        20ms ^');
    expectOpened('          a-------(bc)', { a: 'ann', b: 'bob', c: 'cyd' });
    expectReceived('ann', '----a 25ms |', { a: 'A\n' });
    expectReceived('bob', '--------b 21ms |', { b: 'B\n' });
    expectReceived('cyd', '--------c 21ms |', { c: 'C\n' });
    expectReceived('dan', '-----#');
    expectReceived('eve', '30ms #');
    expectOutcomes('        30ms (abc)', { a: 'ann finished', b: 'bob finished', c: 'cyd finished' });
    await pass('1ms');
    server.pauseAccepting();
    assert.not.ok(server.state.value.accepting);
    await pass('7ms');
    assert.is(server.clients.count, 1);
    server.resumeAccepting();
    assert.ok(server.state.value.accepting);
    await pass('10ms');
    server.pauseAccepting();
    await pass('12ms');
    const stopping = server.stop();
    await pass('2ms');
    assert.equal(await stopping, { ended: 3, cut: [], took: 0 });
    assert.equal(
      log.filter((entry) => entry.includes('refused')),
      ['5 refused dan too-many-waiting'],
    );
    assert.is(server.statistics.refused, 1);
  }),
);

test(
  'at most so many: the others wait, and a smaller limit closes nobody',
  marbles(async ({ listen, start, client, pass, expectOpened, expectOutcomes, expectOpen }) => {
    const server = lobby(mute, { listen, start }, { limits: { maxConnections: 2 } });
    client('ann', '        ^---|');
    client('bob', '        ^------|');
    client('cyd', '        -^-----------|');
    client('dan', '        -^');
    client('eve', '        -^');
    expectOpened('          (ab)---c--d', { a: 'ann', b: 'bob', c: 'cyd', d: 'dan' });
    expectOutcomes('        ----a--b-----c', { a: 'ann finished', b: 'bob finished', c: 'cyd finished' });
    expectOpen('dan');
    expectOpen('eve');
    await pass('8ms');
    server.setLimits({ maxConnections: 1 });
  }),
);

test(
  'refuses who comes when it is full, with a last word, or closes the one that has been silent longest',
  marbles(async ({ listen, start, client, pass, expectReceived, expectOutcomes, expectOpen }) => {
    const server = lobby(
      mute,
      { listen, start },
      { limits: { maxConnections: 2, whenFull: 'refuse' }, farewell: 'full' },
    );
    const log = logOf(server);
    client('ann', '        ^---a', { a: 'a\n' });
    client('bob', '        -^');
    client('cyd', '        --^a', { a: 'never read\n' });
    client('dan', '        ---^ 5s |');
    client('eve', '        2s ^');
    client('fay', '        2s -^');
    expectReceived('cyd', '--(f|)', { f: 'full\n' });
    expectReceived('dan', '---(f|)', { f: 'full\n' });
    expectReceived('bob', '2s |');
    expectReceived('ann', '2s -|');
    expectOutcomes('        2s ba', { a: 'ann finished', b: 'bob finished' });
    expectOpen('eve');
    expectOpen('fay');
    await pass('1s');
    server.setLimits({ whenFull: 'close-idlest' });
    await pass('2s');
    assert.equal(
      log.filter((entry) => !entry.includes(' message ')),
      [
        '0 connected ann',
        '1 connected bob',
        '2 refused cyd full',
        '3 refused dan full',
        '2000 connected eve',
        '2000 disconnected bob made room for another',
        '2001 connected fay',
        '2001 disconnected ann made room for another',
      ],
    );
    assert.equal([server.statistics.accepted, server.statistics.refused, server.statistics.mostClients], [4, 2, 3]);
  }),
);

test(
  'who stands in front of a gate makes room before anybody who is known',
  marbles(async ({ listen, start, client, pass, expectReceived, expectClosed, expectOpen }) => {
    const guarded = authenticate(tokenGate([['s3cret', 'Ann']]), shout);
    const server = createServer('guarded', guarded, {
      port: 7000,
      listen,
      limits: { maxConnections: 3, whenFull: 'close-idlest' },
    });
    const log = logOf(server);
    start(server);
    client('ann', '        a', { a: 's3cret\n' });
    client('eve 1', '      -^ 1s |');
    client('eve 2', '      --^ 1s |');
    for (const [name, when] of [
      ['bob', '      ---^a'],
      ['eve 3', '    -----^ 1s |'],
      ['cyd', '      ------^a'],
    ] as const) {
      client(name, when, { a: 's3cret\n' });
    }
    client('dot', '        --------^a', { a: 's3cret\n' });
    for (const [name, gone, closed] of [
      ['eve 1', '---|', '1002ms x'],
      ['eve 2', '-----|', '1003ms x'],
      ['eve 3', '------|', '1006ms x'],
      ['ann', '--------|', '--------x'],
    ] as const) {
      expectReceived(name, gone);
      expectClosed(name, closed, { x: 'finished' });
    }
    for (const name of ['bob', 'cyd', 'dot']) expectOpen(name);
    await pass('2s');
    assert.equal(
      log.filter((entry) => entry.includes('made room')),
      ['8 Ann', '1002 eve 1', '1003 eve 2', '1006 eve 3'].map((who) =>
        who.replace(' ', ' disconnected ').concat(' made room for another'),
      ),
    );
  }),
);

test(
  'looks at addresses: who is denied, who is not allowed, and how many there are of one',
  marbles(async ({ listen, start, client, pass, expectReceived, expectClosed, expectOpen }) => {
    const server = lobby(mute, { listen, start }, { limits: { maxPerAddress: 1 } });
    const log = logOf(server);
    server.rules.deny('10.1.0.0/16');
    client('10.1.2.3:1', '  ^');
    client('10.2.2.3:1', '  ^------|');
    client('10.2.2.3:2', '  -^');
    client('[::1]:1', '     -^');
    client('ann', '         -^');
    client('[::2]:1', '     ----^');
    client('10.2.2.4:1', '  ----^');
    client('10.2.2.3:3', '  --------^');
    // One has the whole of an IPv6 network.
    client('[2001:db8::1]:1', '-^');
    client('[2001:db8::2]:1', '--^');
    client('[2001:db8:0:1::2]:1', '--^');
    expectReceived('[2001:db8::2]:1', '--|');
    for (const name of ['[2001:db8::1]:1', '[2001:db8:0:1::2]:1']) expectOpen(name);
    expectReceived('10.1.2.3:1', '#');
    expectReceived('10.2.2.3:2', '-|');
    expectReceived('[::2]:1', '----#');
    expectClosed('10.2.2.3:1', '-------x', { x: 'finished' });
    for (const name of ['[::1]:1', 'ann', '10.2.2.4:1', '10.2.2.3:3']) expectOpen(name);
    await pass('3ms');
    server.rules.allow('10.0.0.0/8');
    await pass('10ms');
    assert.equal(
      log.filter((entry) => entry.includes('refused')),
      [
        '0 refused 10.1.2.3:1 denied',
        '1 refused 10.2.2.3:2 too-many-of-address',
        '2 refused [2001:db8::2]:1 too-many-of-address',
        '4 refused [::2]:1 not-allowed',
      ],
    );
  }),
);

test(
  'who is refused for his address uses up nothing of the accept rate',
  marbles(async ({ listen, start, client, pass, expectReceived, expectOpen }) => {
    const server = lobby(mute, { listen, start }, { limits: { acceptRate: 2, maxPerAddress: 1 } });
    const log = logOf(server);
    for (const [index, name] of ['10.1.1.1:1', '10.1.1.1:2', '10.1.1.1:3', '10.1.1.1:4', '10.2.2.2:1'].entries()) {
      client(name, '-^');
      if (index > 0 && index < 4) expectReceived(name, '-|');
      else expectOpen(name);
    }
    await pass('5ms');
    assert.equal(
      log.filter((entry) => entry.includes('connected')),
      ['1 connected 10.1.1.1:1', '1 connected 10.2.2.2:1'],
    );
  }),
);

test(
  'lets in so many a second, after a quiet second as many at once; the others wait',
  marbles(async ({ listen, start, client, pass, expectOpened, expectOpen }) => {
    const server = lobby(mute, { listen, start }, { limits: { acceptRate: 2 } });
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
      client(name, name === 'f' ? '10s ^' : '-^');
      expectOpen(name);
    }
    expectOpened('          -(ab) 499ms c 499ms d 499ms e 8498ms f', {
      a: 'a',
      b: 'b',
      c: 'c',
      d: 'd',
      e: 'e',
      f: 'f',
    });
    await pass('11s');
    server.setLimits({ acceptRate: Infinity });
  }),
);

// ── what is done to clients ─────────────────────────────────────────────────────────────────────────────────────────

test(
  'sends to one, to all, to a room, to those whom a function picks, and not to those who are excepted',
  everySplit(async ({ listen, start, client, pass, expectReceived, expectOutcomes, expectOpen }) => {
    const rooms = protocol<string>({
      ...lines,
      session: (said, peer) =>
        said.pipe(
          tap((room) => peer.enter(room)),
          ignoreElements(),
        ),
    });
    const server = lobby(rooms, { listen, start });
    client('ann', '        a', { a: 'red\n' });
    client('bob', '        a', { a: 'red\nblue\n' });
    client('cyd', '        ^-|');
    expectReceived('ann', '-----1234', { 1: 'one\n', 2: 'all\n', 3: 'red\n', 4: 'not bob\n' });
    expectReceived('bob', '------23-5', { 2: 'all\n', 3: 'red\nblue\n', 5: 'picked\n' });
    expectReceived('cyd', '--|');
    expectOutcomes('        --c', { c: 'cyd finished' });
    expectOpen('ann');
    expectOpen('bob');
    await pass('1ms');
    const cyd = one(server, 'cyd');
    await pass('4ms');
    const [ann, bob] = [one(server, 'ann'), one(server, 'bob')];
    assert.ok(server.send(ann, 'one'));
    assert.not.ok(server.send(cyd, 'gone'));
    await pass('1ms');
    assert.is(server.broadcast('all'), 2);
    await pass('1ms');
    assert.equal([server.broadcast('red', { to: 'red' }), server.broadcast('blue', { to: 'blue' })], [2, 1]);
    assert.is(server.broadcast('nobody', { to: 'green' }), 0);
    await pass('1ms');
    assert.is(server.broadcast('not bob', { except: bob }), 1);
    await pass('1ms');
    assert.is(server.broadcast('picked', { to: ({ rooms: in_ }) => in_.has('blue'), except: [ann, cyd] }), 1);
    assert.equal(
      [...server.clients.rooms].map(([room, { size }]) => `${room} ${size}`),
      ['red 2', 'blue 1'],
    );
    bob.exit('blue');
    assert.equal([...server.clients.in('blue')], []);
  }),
);

test(
  'a client that does not read loses broadcasts by their policy, and no message that was sent to it alone',
  marbles(async ({ listen, start, client, pass, expectReceived, expectOutcomes, expectOpen }) => {
    const server = lobby(mute, { listen, start }, { highWater: 2 });
    const log = logOf(server);
    client('ann', '        <- 98ms >', {}, { window: 5 });
    client('bob', '        <- 48ms >', {}, { window: 5 });
    client('cyd', '        ^');
    expectReceived('ann', '100ms x', { x: 'full!\n3\n4\nlast\n6\n' });
    expectReceived('bob', '50ms (x|)', { x: 'full!\n' });
    expectReceived('cyd', '-ab', { a: 'full!\n', b: '1\n2\n3\n4\n5\n6\n' });
    expectOutcomes('        50ms b', { b: 'bob PeerTooSlow' });
    expectOpen('ann');
    expectOpen('cyd');
    await pass('1ms');
    const [ann, bob] = [one(server, 'ann'), one(server, 'bob')];
    assert.is(server.broadcast('full!'), 3);
    await pass('1ms');
    const reached = ['1', '2', '3', '4'].map((word) => server.broadcast(word));
    assert.equal(reached, [3, 3, 3, 3]);
    assert.is(server.broadcast('5', { policy: 'drop-newest' }), 1);
    assert.ok(server.send(ann, 'last'));
    assert.is(server.broadcast('6', { to: ({ name }) => name !== 'bob' }), 2);
    assert.is(server.broadcast('7', { policy: 'disconnect', to: ({ name }) => name === 'bob' }), 0);
    await pass('1ms');
    assert.equal([ann.statistics.dropped, bob.statistics.dropped, server.statistics.dropped], [3, 3, 6]);
    assert.equal(log.filter((entry) => entry.endsWith('dropped ann')).length, 3);
    assert.not.ok(server.send(bob, 'gone'));
  }),
);

test(
  'a broadcast that waits for everybody stops whoever it comes from',
  marbles(async ({ listen, start, client, pass, expectHeard, expectOpen }) => {
    const relay = protocol<string>({
      ...lines,
      session: (said, { id }) =>
        said.pipe(
          tap((word) => {
            const except = server.clients.get(id) as Client;
            server.broadcast(word, { except, policy: 'pause' });
          }),
          ignoreElements(),
        ),
    });
    const server = lobby(relay, { listen, start }, { highWater: 2 });
    const signs = 'abcdefghijklmnopqrstuvwxyzABCD'.split('');
    const said = signs.map((_, number) => `${number}\n`);
    client('ann', `        ---${signs.join('')}`, Object.fromEntries(signs.map((sign, at) => [sign, said[at]])));
    client('bob', '        < 99ms >', {}, { window: 5 });
    expectHeard('bob', said.join(''));
    expectOpen('ann');
    expectOpen('bob');
    await pass('90ms');
    const ann = one(server, 'ann');
    assert.ok(ann.statistics.messagesIn < 10);
    assert.ok(ann.state.paused);
    await pass('20ms');
    assert.is(ann.statistics.messagesIn, 30);
    assert.is(server.statistics.dropped, 0);
  }),
);

test(
  'disconnects: what was sent arrives, then the end; or at once; and the event says why',
  marbles(async ({ listen, start, client, pass, expectReceived, expectOutcomes }) => {
    const server = lobby(slow, { listen, start });
    const log = logOf(server);
    client('ann', '        a', { a: 'never answered\n' });
    client('bob', '        ^ 20s |');
    client('cyd', '        ^');
    client('dan', '        <- 4s >', {}, { window: 5 });
    expectReceived('ann', '1s (w|)', { w: 'farewell\n' });
    expectReceived('bob', '1s |');
    expectReceived('cyd', '1s #');
    expectReceived('dan', '4002ms (w|)', { w: 'farewell\n' });
    expectOutcomes('        1s (ca) 999ms b 2001ms d', {
      a: 'ann finished',
      b: 'bob finished',
      c: 'cyd ConnectionAborted',
      d: 'dan finished',
    });
    await pass('1s');
    const [ann, bob, cyd, dan] = ['ann', 'bob', 'cyd', 'dan'].map((name) => one(server, name)) as [
      Client,
      Client,
      Client,
      Client,
    ];
    server.send(ann, 'farewell');
    server.send(dan, 'farewell');
    server.disconnect(ann, { reason: 'enough' });
    server.disconnect(bob);
    server.disconnect(bob, { reason: 'the first word counts' });
    server.disconnect(cyd, { reason: 'at once', flush: false });
    server.disconnect(dan);
    assert.not.ok(server.send(ann, 'too late'));
    assert.is(server.broadcast('too late'), 0);
    await pass('5s');
    server.disconnect(ann);
    assert.equal(
      log.filter((entry) => entry.includes('disconnected')).toSorted(),
      [
        '1000 disconnected ann enough',
        '1000 disconnected cyd at once',
        '2000 disconnected bob disconnected',
        '4002 disconnected dan disconnected',
      ].toSorted(),
    );
    assert.equal([ann.state.connected, ann.statistics.messagesOut, server.clients.count], [false, 1, 0]);
  }),
);

test(
  'a handler that fails is an event, and the end of its own client only; so is a message that has no bytes',
  marbles(async ({ listen, start, client, pass, expectReceived, expectOutcomes, expectOpen }) => {
    const failing = protocol<string>({
      ...lines,
      session: (said, peer) => {
        if (peer.name === 'bob') throw new Error('not him');
        return said.pipe(
          map((word) => {
            if (word === 'boom') throw new TypeError('boom');
            return word;
          }),
        );
      },
    });
    const server = lobby(failing, { listen, start });
    const log = logOf(server);
    client('ann', '        --a', { a: 'boom\n' });
    client('bob', '        -^');
    client('cyd', '        -^a', { a: 'hi\n' });
    client('dan', '        -^');
    client('eve', '        -^-b', { b: 'x'.repeat(65) });
    expectReceived('ann', '--|');
    expectReceived('bob', '-|');
    expectReceived('cyd', '--a', { a: 'hi\n' });
    expectReceived('dan', '---|');
    expectReceived('eve', '---|');
    expectOutcomes('        -ba(ed)', {
      a: 'ann TypeError',
      b: 'bob Error',
      d: 'dan RangeError',
      e: 'eve FrameTooLong',
    });
    expectOpen('cyd');
    await pass('3ms');
    assert.not.ok(server.send(one(server, 'dan'), 'y'.repeat(65)));
    await pass('2ms');
    assert.equal(log.filter((entry) => !/message| connected/.test(entry)).toSorted(), [
      '1 disconnected bob Error',
      '1 handler-error bob',
      '2 disconnected ann TypeError',
      '2 handler-error ann',
      '3 disconnected dan RangeError',
      '3 disconnected eve FrameTooLong',
      '3 handler-error dan',
    ]);
    assert.equal([server.statistics.handlerErrors, server.statistics.framesRefused, server.clients.count], [3, 1, 1]);
  }),
);

test(
  'tells of keep-alives, and who owes a sign of life',
  marbles(async ({ listen, start, client, pass, expectReceived, expectOutcomes }) => {
    const keepAlive = { interval: 10_000, hold: 15_000, probe: 'ping', isKeepAlive: (said: string) => said === 'pong' };
    const server = lobby(protocol<string>({ ...lines, keepAlive, session: (said) => said }), { listen, start });
    const log = logOf(server);
    client('ann', '        ^ 11999ms p-a', { p: 'pong\n', a: 'hi\n' });
    expectReceived('ann', '10s p 2001ms a 9999ms p 4999ms |', { p: 'ping\n', a: 'hi\n' });
    expectOutcomes('        27002ms x', { x: 'ann PeerIdle' });
    await pass('11s');
    const ann = one(server, 'ann');
    assert.ok(ann.state.keepAlivePending);
    await pass('2s');
    assert.not.ok(ann.state.keepAlivePending);
    await pass('15s');
    assert.equal(log, [
      '0 connected ann',
      '10000 keep-alive-sent ann',
      '10000 keep-alive-pending ann',
      '12000 keep-alive-received ann',
      '12002 message ann in hi',
      '12002 message ann out hi',
      '22002 keep-alive-sent ann',
      '22002 keep-alive-pending ann',
      '27002 keep-alive-expired ann',
      '27002 disconnected ann PeerIdle',
    ]);
    const { messagesIn, messagesOut, keepAlivesIn, keepAlivesOut } = ann.statistics;
    assert.equal([messagesIn, messagesOut, keepAlivesIn, keepAlivesOut], [1, 1, 1, 2]);
  }),
);

test(
  'counts frames that are left out, and says why',
  marbles(async ({ listen, start, client, pass, expectHeard, expectOpen }) => {
    const lenient = protocol<string>({
      ...lines,
      framing: line({ maxBytes: 4 }),
      frames: { onTooLong: 'skip' },
      invalid: 'drop',
      session: (said) => said,
    });
    const server = lobby(lenient, { listen, start });
    const log = logOf(server);
    client('ann', '        abc', { a: 'too long\n', b: Uint8Array.of(0xff, 10), c: 'ok\n' });
    expectHeard('ann', 'ok\n');
    expectOpen('ann');
    await pass('5ms');
    assert.equal(
      log.filter((entry) => entry.includes('refused')).map((entry) => entry.replace(/ than.*/, '')),
      ['0 frame-refused ann a frame of 5 bytes is longer', '1 frame-refused ann not UTF-8'],
    );
    const { framesRefused, messagesIn } = one(server, 'ann').statistics;
    assert.equal([framesRefused, messagesIn], [2, 1]);
  }),
);

test(
  'may be steered by whoever hears its events, at once',
  marbles(async ({ listen, start, client, pass, expectReceived, expectOutcomes }) => {
    const server = lobby(shout, { listen, start }, { limits: { maxConnections: 4 } });
    const log = logOf(server);
    server.events.subscribe((event) => {
      if (event.type === 'disconnected' && event.client.address === 'dan') server.setLimits({ maxConnections: 5 });
      if (event.type !== 'connected') return;
      const { client: who } = event;
      if (who.address === 'ann') server.send(who, 'welcome');
      else if (who.address === 'bob') server.disconnect(who, { reason: 'not you' });
      else if (who.address === 'cyd') server.disconnect(who, { flush: false });
      else if (who.address === 'eve') void server.stop();
    });
    client('ann', '        a', { a: 'hi\n' });
    client('bob', '        -^a', { a: 'hi\n' });
    client('cyd', '        --^');
    client('dan', '        ---^-|');
    client('eve', '        ------^');
    client('fay', '        --------^');
    expectReceived('ann', 'w-----|', { w: 'welcome\nHI\n' });
    expectReceived('bob', '-|');
    expectReceived('cyd', '--#');
    expectReceived('dan', '-----|');
    expectReceived('eve', '------|');
    expectReceived('fay', '--------#');
    expectOutcomes('        -bc--d(ae)', {
      a: 'ann finished',
      b: 'bob finished',
      c: 'cyd ConnectionAborted',
      d: 'dan finished',
      e: 'eve finished',
    });
    await pass('9ms');
    assert.equal(
      log.filter((entry) => /connected|drained/.test(entry)),
      [
        '0 connected ann',
        '1 connected bob',
        '1 disconnected bob not you',
        '2 connected cyd',
        '2 disconnected cyd disconnected',
        '3 connected dan',
        '5 disconnected dan finished',
        '6 connected eve',
        '6 disconnected ann finished',
        '6 disconnected eve finished',
        '6 drained',
      ],
    );
    assert.is(server.limits.maxConnections, 5);
  }),
);

// ── what is known of them ───────────────────────────────────────────────────────────────────────────────────────────

test(
  'knows everybody by number, address, name, room and tag, and tells what changes',
  marbles(async ({ listen, start, client, pass, expectReceived, expectOutcomes, expectOpen }) => {
    const named = protocol<string>({
      ...lines,
      session: (said, peer) =>
        said.pipe(
          tap((name) => {
            peer.name = name;
            peer.enter(`room of ${name}`);
            peer.enter('all');
            peer.exit('nowhere');
            peer.broadcast(`hello ${name}`, 'all');
          }),
          ignoreElements(),
        ),
    });
    const server = lobby(named, { listen, start });
    const changes: string[] = [];
    server.clients.changes.subscribe((change) =>
      changes.push(
        [change.type, change.client.id, 'name' in change ? change.name : '', 'room' in change ? change.room : '']
          .join(' ')
          .trim(),
      ),
    );
    client('one', '        ^a---|', { a: 'ann\n' });
    client('two', '        ^-a', { a: 'ann\n' });
    expectReceived('one', '--h--|', { h: 'hello ann\n' });
    expectReceived('two', '');
    expectOutcomes('        -----o', { o: 'one finished' });
    expectOpen('two');
    await pass('4ms');
    const { clients } = server;
    assert.equal(
      [...clients].map(({ id, address, name }) => [id, address, name]),
      [
        [1, 'one', 'ann'],
        [2, 'two', 'ann'],
      ],
    );
    assert.equal([clients.get(2)?.address, clients.get(3), clients.at('one')?.id], ['two', undefined, 1]);
    assert.equal(
      clients.named('ann').map(({ id }) => id),
      [1, 2],
    );
    assert.equal(clients.named('one'), []);
    assert.equal([...clients.in('room of ann')].length, 2);
    clients.get(2)?.tags.add('watched');
    assert.equal(
      [...clients.tagged('watched')].map(({ id }) => id),
      [2],
    );
    await pass('2ms');
    const { state, statistics, ...rest } = (clients.get(2) as Client).snapshot();
    assert.equal(rest, {
      id: 2,
      address: 'two',
      name: 'ann',
      opener: 'passive',
      rooms: ['room of ann', 'all'],
      tags: ['watched'],
    });
    assert.equal(state, {
      connected: true,
      halfClosed: false,
      idle: false,
      paused: false,
      keepAlivePending: false,
      guarded: false,
    });
    assert.equal([statistics.messagesIn, statistics.lastSeen - statistics.connectedSince], [1, 2]);
    assert.equal(changes, [
      'joined 1',
      'joined 2',
      'named 1 ann',
      'entered 1  room of ann',
      'entered 1  all',
      'named 2 ann',
      'entered 2  room of ann',
      'entered 2  all',
      'left 1',
    ]);
    assert.equal([[...clients.in('all')].length, clients.count, clients.at('one')], [1, 1, undefined]);
  }),
);

test(
  'says who is idle, who has ended a side, and when each was heard',
  marbles(async ({ listen, start, client, pass, expectReceived, expectOpen }) => {
    const talks = protocol<string>({ ...lines, session: (said) => merge(said.pipe(ignoreElements()), NEVER) });
    const server = lobby(talks, { listen, start }, { idleAfter: 5_000, halfClose: 60_000 });
    client('ann', '        a 2s |', { a: 'a\n' });
    client('bob', '        4s a', { a: 'b\n' });
    expectReceived('ann', '');
    expectReceived('bob', '');
    expectOpen('ann');
    expectOpen('bob');
    await pass('6s');
    const told = ['ann', 'bob'].map((name) => {
      const { state, statistics } = one(server, name);
      return [state.idle, state.halfClosed, statistics.lastSeen - statistics.connectedSince];
    });
    assert.equal(told, [
      [true, true, 0],
      [false, false, 4_000],
    ]);
  }),
);

test(
  'rates: the last second as it was, and means over ten and sixty',
  marbles(async ({ listen, start, client, pass, expectOpen }) => {
    const server = lobby(mute, { listen, start });
    client('ann', `        ${' 99ms a'.repeat(10 * 30)}`, { a: '123456789\n' });
    expectOpen('ann');
    await pass('2500ms');
    const young = one(server, 'ann').statistics.rates;
    assert.equal(young.messagesIn, { s1: 10, s10: 10, s60: 10 });
    assert.equal(young.bytesIn, { s1: 100, s10: 100, s60: 100 });
    assert.equal(young.bytesOut, { s1: 0, s10: 0, s60: 0 });
    await pass('27500ms');
    await pass('10s');
    const { s1, s10, s60 } = server.statistics.rates.messagesIn;
    assert.is(s1, 0);
    assert.ok(s10 > 10 / Math.E - 0.2 && s10 < 10 / Math.E + 0.2, `after ten quiet seconds: ${s10}`);
    assert.ok(s60 > 7 && s60 < 9, `and of a minute: ${s60}`);
  }),
);

test(
  'alarms are raised and cleared, and do not flutter',
  marbles(async ({ listen, start, client, pass, expectOutcomes, expectOpen }) => {
    const server = lobby(mute, { listen, start });
    const told: string[] = [];
    const tellAlarm = ({ type, what, value, threshold }: Alarm): void =>
      void told.push(`${Math.round(performance.now())} ${what} ${type} at ${value}, ${threshold}`);
    server.alarms({ clients: { raise: 3, clear: 1 }, messagesIn: 10 }).subscribe(tellAlarm);
    client('ann', '        ^ 2s aaaaaaaaaaaaa 1s aaaaaaaaa 5s -', { a: 'a\n' });
    client('bob', '        500ms ^ 5s |');
    client('cyd', '        500ms ^ 2s |');
    expectOpen('ann');
    expectOutcomes('        2501ms c 2999ms b', { b: 'bob finished', c: 'cyd finished' });
    await pass('8s');
    assert.equal(told, [
      '1000 clients raised at 3, 3',
      '3000 messagesIn raised at 13, 10',
      '5000 messagesIn cleared at 0, 8',
      '6000 clients cleared at 1, 1',
    ]);
  }),
);

// ── what is served, and whom it dials ───────────────────────────────────────────────────────────────────────────────

test(
  'serves a plain handler, which may tell what it knows',
  marbles(async ({ listen, start, client, pass, expectReceived, expectClosed }) => {
    const server = createServer(
      'plain',
      (bytes, connection, watch) => {
        if (watch !== undefined) watch.name = `the one at ${connection.peer}`;
        return bytes.pipe(tap((chunk) => watch?.received(chunk)));
      },
      { port: 7000, listen, farewell: Buffer.from('full') },
    );
    start(server);
    server.setLimits({ maxConnections: 1, whenFull: 'refuse' });
    client('ann', '        -a--|', { a: 'hi' });
    client('bob', '        -^');
    expectReceived('ann', '-a-b|', { a: 'hi', b: 'to you' });
    expectReceived('bob', '-(f|)', { f: 'full' });
    expectClosed('ann', '  ----x', { x: 'finished' });
    await pass('3ms');
    const ann = one(server as never, 'ann');
    assert.equal([ann.name, ann.statistics.messagesIn], ['the one at ann', 1]);
    assert.is(server.broadcast(Buffer.from('to you')), 1);
    assert.throws(
      () => server.broadcast('to you' as never),
      raised(TypeError, /^message must be bytes .* got string$/),
    );
  }),
);

test(
  'a peer that it dials is one of its clients, until it is told to leave it',
  marbles(async ({ listen, start, client, pass, expectReceived, expectClosed }) => {
    const far: string[] = [];
    const dial = (): Observable<Connection> =>
      new Observable((out) => {
        const [near, other] = memory({
          names: ['there:1', 'here:1'],
          later: (work) => void asyncScheduler.schedule(work, 0),
        });
        Object.assign(near, { id: 1_000 });
        other.reads.subscribe({
          next: (chunk) => far.push(Buffer.from(chunk).toString()),
          complete: () => {
            far.push('|');
            other.end();
          },
        });
        NEVER.pipe(startWith(Buffer.from('hello\n')), other.writes).subscribe({ error: () => {} });
        out.next(near);
      });
    const server = lobby(shout, { listen, start }, { dial });
    const log = logOf(server);
    client('ann', '        ^----|');
    expectReceived('ann', '-a---|', { a: 'all\n' });
    expectClosed('ann', '  -----x', { x: 'finished' });
    await pass('1ms');
    const dialled = server.connect('there', 1);
    assert.equal(server.dials, [dialled]);
    assert.is(server.broadcast('all'), 2);
    await pass('1ms');
    assert.equal([dialled.client?.opener, dialled.client?.address], ['active', 'here:1']);
    assert.equal([server.statistics.dialled, server.statistics.accepted], [1, 1]);
    await pass('2ms');
    dialled.disconnect();
    assert.equal([server.dials, dialled.state.value.state], [[], 'ended']);
    await pass('2ms');
    assert.is(far.join(''), 'all\nHELLO\n|');
    assert.is(dialled.client, undefined);
    assert.equal(
      log.filter((entry) => /connected|dial/.test(entry)),
      [
        '0 connected ann',
        '1 connected here:1',
        '4 dial',
        '4 disconnected here:1 disconnected',
        '5 disconnected ann finished',
      ],
    );
  }),
);

test.run();
