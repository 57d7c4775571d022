import { flow } from 'fp-ts/lib/function.js';
import { type Observable, Subject, delay, ignoreElements, map, merge, of, tap } from 'rxjs';
import * as assert from 'uvu/assert';
import type { KeepAliveEvent } from '../operators/keep-alive.js';
import { type Peer, protocol } from '../operators/protocol.js';
import { serve as serving } from '../operators/serve.js';
import { text } from '../src/codec/text.js';
import type { Connection } from '../src/connection/connection.js';
import { FrameTooLong, FrameTooSlow, InvalidMessage, PeerIdle, PeerSilent, TruncatedFrame } from '../src/errors.js';
import { lengthPrefixed } from '../src/framing/length-prefixed.js';
import { line } from '../src/framing/line.js';
import type { Outcome } from '../src/server/outcome.js';
import type { Watch } from '../src/server/watch.js';
import { everySplit, marbles as story } from '../src/testing/marbles.js';
import { marbles } from './kit/marbles.js';
import { suite } from './kit/suite.js';

const test = suite('protocol');
const bytes = (said: string): Uint8Array => new TextEncoder().encode(said);

/** Enough of a connection for a handler that never touches its socket. */
const connection = (id: number): Connection => ({ id, peer: `peer ${id}` }) as unknown as Connection;

const shout = (messages: Observable<string>): Observable<string> => messages.pipe(map((said) => said.toUpperCase()));
const lines = { name: 'test', framing: line({ maxBytes: 8 }), message: text } as const;

test(
  'bytes in, frames, messages, answers, bytes out',
  marbles(({ cold, expectObservable }) => {
    const { handler } = protocol({ ...lines, session: shout });
    const chunks = cold('  --a--b----|', { a: bytes('he'), b: bytes('y\nyou\n') });
    const answers = '      -----(xy)-|';
    expectObservable(handler(chunks, connection(1))).toBe(answers, { x: bytes('HEY\n'), y: bytes('YOU\n') });
  }),
);

test(
  'a frame that is too long, or cut short, ends it after what came before',
  marbles(({ cold, expectObservable }) => {
    const { handler } = protocol({ ...lines, session: shout });
    const long = cold('  --a|', { a: bytes('a\n123456789') });
    expectObservable(handler(long, connection(1))).toBe('--(x#)', { x: bytes('A\n') }, new FrameTooLong(9, 8, 2));
    const short = cold(' --a-|', { a: bytes('a\nb') });
    expectObservable(handler(short, connection(2))).toBe('--x-#', { x: bytes('A\n') }, new TruncatedFrame(1, 2));
    const forgiving = protocol({ ...lines, frames: { onTooLong: 'skip', onTruncated: 'emit' }, session: shout });
    const both = cold('  --a-|', { a: bytes('123456789\na\nb') });
    expectObservable(forgiving.handler(both, connection(3))).toBe('--x-(y|)', { x: bytes('A\n'), y: bytes('B\n') });
  }),
);

test(
  'a frame that is no message ends it, is dropped, or is answered',
  marbles(({ cold, expectObservable }) => {
    const wire = new Uint8Array([0xff, 10, 97, 10]);
    const answers = (invalid: 'end' | 'drop' | (() => string)): Observable<Uint8Array> =>
      protocol<string, string, string>({ ...lines, invalid, session: shout }).handler(
        cold('a---|', { a: wire }),
        connection(1),
      );
    expectObservable(answers('end')).toBe('#', undefined, new InvalidMessage(['not UTF-8']));
    expectObservable(answers('drop')).toBe('x---|', { x: bytes('A\n') });
    expectObservable(answers(() => 'what')).toBe('(wx)|', { w: bytes('WHAT\n'), x: bytes('A\n') });
  }),
);

test(
  'keeps alive, and gives a silent peer up after the hold time',
  marbles(({ cold, expectObservable }) => {
    const { handler } = protocol({
      ...lines,
      keepAlive: { interval: 10, hold: 24, probe: 'ping', isKeepAlive: (said) => said === 'ping' },
      session: shout,
    });
    const chunks = cold('  a----p', { a: bytes('a\n'), p: bytes('ping\n') });
    const answers = '      x 9ms p 9ms p 8ms #';
    expectObservable(handler(chunks, connection(1))).toBe(
      answers,
      { x: bytes('A\n'), p: bytes('ping\n') },
      new PeerIdle(24),
    );
  }),
);

test(
  'has a deadline for a frame, 30 s unless told otherwise',
  marbles(({ cold, expectObservable }) => {
    const drip = cold('a 10s b 10s c 10s d', { a: bytes('hi\na'), b: bytes('b'), c: bytes('c'), d: bytes('d') });
    const hi = { h: bytes('HI\n') };
    const { handler } = protocol({ ...lines, session: shout });
    expectObservable(handler(drip, connection(1))).toBe('h 29999ms #', hi, new FrameTooSlow(30_000));
    const patient = protocol({ ...lines, frameDeadline: 0, session: shout });
    expectObservable(patient.handler(drip, connection(2)), '^ 59s !').toBe('h', hi);
  }),
);

test(
  'has a deadline for the first whole message, 10 s unless told otherwise, and then none',
  marbles(({ cold, expectObservable }) => {
    const half = cold('a', { a: bytes('a') });
    const { handler } = protocol({ ...lines, session: shout });
    expectObservable(handler(half, connection(1))).toBe('10s #', undefined, new PeerSilent(10_000));
    const strict = protocol({ ...lines, firstMessage: 50, session: shout });
    expectObservable(strict.handler(half, connection(2))).toBe('50ms #', undefined, new PeerSilent(50));
    const patient = protocol({ ...lines, firstMessage: 0, frameDeadline: 0, session: shout });
    expectObservable(patient.handler(half, connection(3)), '^ 1000m !').toBe('');
    const once = cold('9999ms a', { a: bytes('a\n') });
    expectObservable(handler(once, connection(4)), '^ 1000m !').toBe('9999ms a', { a: bytes('A\n') });
    // Whom we have dialled is no stranger.
    const dialled = { opener: 'active' } as Watch;
    expectObservable(handler(half, connection(6), dialled), '^ 29s !').toBe('');
    // The hold time says the same, and better.
    const keepAlive = { interval: 10_000, hold: 15_000, probe: 'ping', isKeepAlive: (said: string) => said === 'pong' };
    const kept = protocol({ ...lines, keepAlive, session: shout });
    expectObservable(kept.handler(half, connection(5))).toBe(
      '10s p 4999ms #',
      { p: bytes('ping\n') },
      new PeerIdle(15_000),
    );
  }),
);

test('a peer has a name, is sent to, and broadcasts to all others', () => {
  const heard = new Map<number, string[]>([1, 2, 3].map((id) => [id, []]));
  const room = protocol({
    ...lines,
    framing: lengthPrefixed(1),
    session: (said, peer) => {
      assert.is(peer.name, peer.address);
      peer.name = `n${peer.id}`;
      peer.send('hello');
      return said.pipe(
        tap((word) => peer.broadcast(`${peer.name} ${word}`)),
        ignoreElements(),
      );
    },
  });
  const inputs = [1, 2, 3].map((id) => {
    const input = new Subject<Uint8Array>();
    room
      .handler(input, connection(id))
      .subscribe((sent) => heard.get(id)?.push(new TextDecoder().decode(sent.subarray(1))));
    return input;
  });
  inputs[0]?.next(bytes('\u{2}hi'));
  assert.equal(heard.get(1), ['hello']);
  assert.equal(heard.get(2), ['hello', 'n1 hi']);
  assert.equal(heard.get(3), ['hello', 'n1 hi']);
  inputs[1]?.complete();
  inputs[2]?.next(bytes('\u{2}yo'));
  assert.equal(heard.get(1), ['hello', 'n3 yo']);
  assert.equal(heard.get(2), ['hello', 'n1 hi'], 'who has left hears nothing');
});

test('what a peer is offered waits while it takes no more, and then its policy decides', async () => {
  const taken: boolean[] = [];
  const peers: Peer<string>[] = [];
  const feed = protocol({
    ...lines,
    slow: { policy: 'drop-newest', highWater: 2 },
    session: (said, peer) => {
      peers.push(peer);
      return said.pipe(
        tap((word) => taken.push(peers[0]?.offer(word) === true)),
        ignoreElements(),
      );
    },
  });
  await story(
    ({ serve, client, expectReceived, expectClosed }) => {
      serve(feed);
      client('ann', '        ^<------>--|');
      client('bob', '        -^abcd-----e--|', { a: 'a\n', b: 'b\n', c: 'c\n', d: 'd\n', e: 'e\n' });
      expectReceived('ann', '--------(abc)--|', {}, line());
      expectReceived('bob', '--------------|');
      expectClosed('ann', '  -----------x', { x: 'finished' });
      expectClosed('bob', '  --------------x', { x: 'finished' });
    },
    { window: 2 },
  )();
  assert.equal(taken, [true, true, true, false, false]);
  let left: Peer<string> | undefined;
  const once = protocol({ ...lines, session: (said, peer) => ((left = peer), said) });
  once.handler(of(bytes('x\n')), connection(1)).subscribe();
  assert.is(left?.offer('late'), false, 'who has left takes nothing');
});

test(
  'a connection ends when its session has completed, its last answers given',
  everySplit(({ serve, client, expectReceived, expectClosed }) => {
    serve(protocol({ ...lines, session: (said) => merge(of('hi'), said.pipe(delay(5))) }));
    client('ann', '        ^-a-|', { a: 'a\nb\n' });
    expectReceived('ann', 'h------(a|)', { h: 'hi\n', a: 'a\nb\n' });
    expectClosed('ann', '  -------x', { x: 'finished' });
  }),
);

test('a session that throws is the error of its own connection', async () => {
  const error = new Error('at once');
  const outcomes: Outcome[] = [];
  await story(({ serveWith, client, expectReceived, expectOutcomes }) => {
    const session = (said: Observable<string>, { name }: Peer<string>): Observable<string> => {
      if (name === 'bob') throw error;
      return shout(said);
    };
    serveWith(
      flow(
        serving(protocol({ ...lines, session })),
        tap((outcome) => outcomes.push(outcome)),
      ),
    );
    client('ann', '        ^---a--|', { a: 'still\n' });
    client('bob', '        --^');
    expectReceived('ann', '----a--|', { a: 'STILL\n' });
    expectReceived('bob', '--|');
    expectOutcomes('        --b----a', { a: 'ann finished', b: 'bob Error' });
  })();
  const [failure] = outcomes;
  assert.ok(failure?._tag === 'Left' && failure.left.error === error);
});

test(
  'waits, probes and broadcasts are the same however the bytes come',
  everySplit(({ serve, client, expectReceived, expectOutcomes }) => {
    const room = protocol({
      ...lines,
      keepAlive: { interval: 10, hold: 24, probe: 'ping', isKeepAlive: (said) => said === 'ping' },
      session: (said, peer) =>
        said.pipe(
          tap((word) => peer.broadcast(`${peer.name} ${word}`)),
          ignoreElements(),
        ),
    });
    serve(room);
    client('ann', '        ^--a 9ms k', { a: 'hi\nho\n', k: 'ping\n' });
    client('bob', '        -^ 5ms #');
    expectReceived('ann', '10ms p 9ms p 9ms p------|', { p: 'ping\n' });
    expectReceived('bob', '---h', { h: 'ann hi\nann ho\n' });
    expectOutcomes('        -------b 29ms a', { a: 'ann PeerIdle', b: 'bob ConnectionReset' });
  }),
);

test(
  'rooms: what is broadcast to one is heard by those who are in it',
  everySplit(({ serve, client, expectReceived, expectOutcomes }) => {
    const rooms = protocol<string>({
      ...lines,
      session: (said, peer) =>
        said.pipe(
          tap((word) => {
            const [deed, room] = [word[0], word.slice(1)];
            if (deed === '+') peer.enter(room);
            else if (deed === '-') peer.exit(room);
            else peer.broadcast([...peer.rooms].join(','), word);
          }),
          ignoreElements(),
        ),
    });
    serve(rooms);
    client('ann', '        a--b--c|', { a: '+red\n+red\n', b: 'red\n', c: 'red\nblue\n' });
    client('bob', '        a---b--|', { a: '+red\n+blue\n', b: '-red\n-none\n' });
    client('cyd', '        -------|');
    expectReceived('ann', '-------|');
    expectReceived('bob', '---r--b|', { r: 'red\n', b: 'red\n' });
    expectReceived('cyd', '-------|');
    expectOutcomes('        -------(abc)', { a: 'ann finished', b: 'bob finished', c: 'cyd finished' });
  }),
);

test('tells a watch of all that happens, and nobody where there is none', () => {
  const told: string[] = [];
  const watch: Watch = {
    opener: 'passive',
    name: 'ann',
    rooms: new Set(['red']),
    enter: (room) => told.push(`enters ${room}`),
    exit: (room) => told.push(`exits ${room}`),
    received: (message) => told.push(`received ${String(message)}`),
    sent: (message) => told.push(`sent ${String(message)}`),
    keepAlive: (event) => told.push(`keep-alive ${event}`),
    refused: (why) => told.push(`refused ${why.join()}`),
    dropped: () => told.push('dropped'),
    guarded: () => told.push('guarded'),
    attemptFailed: (attempt) => told.push(`attempt ${attempt} failed`),
    admitted: (identity) => told.push(`admitted ${String(identity)}`),
  };
  const skipped: FrameTooLong[] = [];
  const events: KeepAliveEvent[] = [];
  const { handler, encode } = protocol<string>({
    ...lines,
    frames: { onTooLong: 'skip', onSkipped: (why) => skipped.push(why) },
    invalid: 'drop',
    keepAlive: {
      interval: 10,
      hold: 0,
      probe: 'ping',
      isKeepAlive: (said) => said === 'pong',
      onEvent: (event) => events.push(event),
    },
    session: (said, peer) => {
      peer.enter('blue');
      peer.exit('red');
      peer.send(`${peer.name} ${[...peer.rooms].join()}`);
      return said.pipe(tap((word) => void (peer.name = word)));
    },
  });
  marbles(({ hot, expectObservable }) => {
    const chunks = hot('--a---------', { a: bytes('hi\npong\n123456789\n') });
    const answers = { h: bytes('ann red\n'), x: bytes('hi\n'), p: bytes('ping\n') };
    expectObservable(handler(chunks, connection(1), watch), '^-------------!').toBe('h-x---------p', answers);
  })();
  assert.equal(told, [
    'enters blue',
    'exits red',
    'sent ann red',
    'received hi',
    'sent hi',
    'keep-alive received',
    'refused a frame of 9 bytes is longer than the limit of 8 (frame at byte 8 of the stream)',
    'keep-alive sent',
    'keep-alive pending',
  ]);
  assert.equal([watch.name, skipped.length, events], ['hi', 1, ['received', 'sent', 'pending']]);
  assert.equal(encode('yes'), bytes('yes\n'));
});

test('checks what it is given', () => {
  const session = shout;
  assert.throws(() => protocol({ ...lines, name: '', session }), /name must be a text/);
  assert.throws(() => protocol({ ...lines, frameDeadline: -1, session }), /frameDeadline must be a time from 0/);
  assert.throws(() => protocol({ ...lines, firstMessage: -1, session }), /firstMessage must be a time from 0/);
  assert.throws(() => protocol({ ...lines, session: 'no' as never }), /session must be a function/);
  assert.throws(() => protocol({ ...lines, message: {} as never, session }), /codec must be an io-ts type/);
});

test.run();
