// The PROXY protocol around connections: who is believed, what becomes of the others, and who waits for whom.
import { flow } from 'fp-ts/lib/function.js';
import {
  type OperatorFunction,
  concat,
  defer,
  firstValueFrom,
  lastValueFrom,
  map,
  merge,
  mergeMap,
  of,
  startWith,
  timer,
  toArray,
} from 'rxjs';
import * as assert from 'uvu/assert';
import { authenticate } from '../operators/authenticate.js';
import { limitRate } from '../operators/limit-rate.js';
import { pauseWhile } from '../operators/pause-while.js';
import { type ProxyProtocolEvent, type ProxyProtocolOptions, proxyProtocol } from '../operators/proxy-protocol.js';
import { protocol } from '../operators/protocol.js';
import { sendProxyHeader } from '../operators/send-proxy-header.js';
import { serve } from '../operators/serve.js';
import { proxyHeader } from '../src/codec/proxy-header.js';
import { networks } from '../src/connection/networks.js';
import { errorName } from '../src/error-name.js';
import {
  type Connection,
  type Outcome,
  type RateLimit,
  text as utf8,
  dial,
  line,
  memory,
  networkOf,
  proxyHeaderOf,
  rateLimit,
  requestTls,
  tokenGate,
} from '../src/index.js';
import { createServer } from '../src/server/index.js';
import { assertNoLeaks } from '../src/testing/leaks.js';
import { everySplit, marbles } from '../src/testing/marbles.js';
import { bytes, text } from './kit/bytes.js';
import { certify } from './kit/certificates.js';
import { warnings } from './kit/flow.js';
import { loopback } from './kit/loopback.js';
import { ManualClock } from './kit/manual-clock.js';
import { rounds } from './kit/quiet.js';
import { reasons } from './kit/reasons.js';
import { suite } from './kit/suite.js';
import { carrierTo, dialTls, over } from './kit/tls-peer.js';

const test = suite('proxyProtocol');

const LINE = 'PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n';
const V2 = proxyHeader.encode({
  version: 2,
  command: 'proxy',
  source: { host: '2001:db8::7', port: 7 },
  destination: { host: '2001:db8::8', port: 8 },
  tlvs: { crc32c: true, authority: 'example.com', alpn: 'h2', uniqueId: bytes('id') },
});
const LOCAL = proxyHeader.encode({ version: 2, command: 'local' });
const anybody = (): boolean => true;

/** Says where its peer is, and then all that it hears. */
const named = serve((heard, { peer }) => heard.pipe(startWith(bytes(`${peer}.`))));

/** What is told, in a word each. */
const told = (events: string[]): Pick<ProxyProtocolOptions, 'onEvent'> => ({
  onEvent: ({ peer, reason, error }: ProxyProtocolEvent) => {
    events.push([peer, reason, ...(error === undefined ? [] : [errorName(error)])].join(' '));
  },
});

const behind = (
  options: Partial<ProxyProtocolOptions>,
  serving: OperatorFunction<Connection, Outcome> = named,
): OperatorFunction<Connection, Outcome> => flow(proxyProtocol({ trusted: anybody, ...options }), serving);

// ── stories ─────────────────────────────────────────────────────────────────────────────────────────────────────────

test(
  'a connection comes with the names of its header, and with all the bytes behind it',
  everySplit(({ serveWith, client, expectReceived, expectClosed }) => {
    serveWith(behind({}));
    client('ann', '        --a---b-|', { a: `${LINE}hi`, b: '!' });
    expectReceived('ann', '--a---b-|', { a: '192.0.2.1:56324.hi', b: '!' });
    expectClosed('ann', '  --------x', { x: 'finished' });
    client('bob', '        --a---b-|', { a: V2, b: 'ho' });
    expectReceived('bob', '--a---b-|', { a: '[2001:db8::7]:7.', b: 'ho' });
    expectClosed('bob', '  --------x', { x: 'finished' });
    client('cyd', '        --a-----|', { a: [LOCAL, LINE] });
    expectReceived('cyd', '--a-----|', { a: `cyd.${LINE}` });
    expectClosed('cyd', '  --------x', { x: 'finished' });
    client('dot', '        --a-----|', { a: 'PROXY UNKNOWN anything\r\n' });
    expectReceived('dot', '--a-----|', { a: 'dot.' });
    expectClosed('dot', '  --------x', { x: 'finished' });
  }),
);

test('a header that is slow or silent holds up nobody else, and has five seconds', async () => {
  const events: string[] = [];
  await everySplit(({ serveWith, client, expectReceived, expectClosed, expectOpened }) => {
    events.length = 0;
    serveWith(behind(told(events)));
    client('ann', '        ^ 10s -');
    client('bob', '        P 999ms R 999ms O 4s -');
    client('cyd', '        a 4998ms b 2s |', { a: LINE.slice(0, 20), b: LINE.slice(20) });
    client('dot', '        -a 7s |', { a: LINE });
    expectReceived('ann', '5s #');
    expectReceived('bob', '5s #');
    expectReceived('cyd', '4999ms a 2s |', { a: '192.0.2.1:56324.' });
    expectReceived('dot', '-a 7s |', { a: '192.0.2.1:56324.' });
    expectClosed('dot', '  7002ms x', { x: 'finished' });
    expectOpened('          (abcd)', { a: 'ann', b: 'bob', c: 'cyd', d: 'dot' });
    expectClosed('cyd', '  7s x', { x: 'finished' });
  })();
  assert.equal(events.toSorted(), ['ann no-header FrameTooSlow', 'bob no-header FrameTooSlow']);
});

test('who leaves before the header is whole is not waited for', async () => {
  const events: string[] = [];
  await everySplit(({ serveWith, client, expectReceived }) => {
    events.length = 0;
    serveWith(behind(told(events)));
    client('ann', '        --|');
    client('bob', '        a-|', { a: 'PROXY TCP4' });
    client('cyd', '        a-#', { a: 'PROXY' });
    expectReceived('ann', '--#');
    expectReceived('bob', '--#');
  })();
  assert.equal(events.toSorted(), [
    'ann no-header TruncatedFrame',
    'bob no-header TruncatedFrame',
    'cyd no-header ConnectionReset',
  ]);
});

test('what is no header is refused at once; who is not trusted is refused unread, or served as who he is', async () => {
  const events: string[] = [];
  const trusted = ({ peer }: Connection): boolean => peer !== 'eve';
  await everySplit(({ serveWith, client, expectReceived }) => {
    events.length = 0;
    serveWith(behind({ ...told(events), trusted }));
    client('ann', '        --a', { a: 'GET / HTTP/1.1\r\n' });
    client('bob', '        --a', { a: 'PROXY TCP4 1.2.3.4 1.2.3.4 5 x\r\n' });
    client('eve', '        --a', { a: LINE });
    expectReceived('ann', '--#');
    expectReceived('bob', '--#');
    expectReceived('eve', '#');
  })();
  assert.equal(events.toSorted(), ['ann no-header MalformedFrame', 'bob no-header MalformedFrame', 'eve untrusted']);
  await everySplit(({ serveWith, client, expectReceived, expectClosed }) => {
    serveWith(behind({ trusted, untrusted: 'pass' }));
    client('eve', '        --a--|', { a: 'hi' });
    expectReceived('eve', 'p-a--|', { p: 'eve.', a: 'hi' });
    expectClosed('eve', '  -----x', { x: 'finished' });
  })();
});

test(
  'while the server takes nobody headers are read all the same, and connections wait, unread and in order',
  everySplit(({ serveWith, client, hot, expectReceived, expectOutcomes }) => {
    const paused = hot('  t 9s f', { t: true, f: false });
    serveWith(flow(proxyProtocol({ trusted: anybody }), pauseWhile(paused), named));
    client('ann', '        -^------ 2s a 10s |', { a: `${LINE}a` });
    client('bob', '        -^ 1s b 10s |', { b: V2 });
    expectReceived('bob', '9001ms b 2001ms |', { b: '[2001:db8::7]:7.' });
    expectReceived('ann', '9001ms a 3007ms |', { a: '192.0.2.1:56324.a' });
    expectOutcomes('        11003ms b 1005ms a', { a: 'ann finished', b: 'bob finished' });
  }),
);

test('so many at once and no more are about to send theirs', async () => {
  const events: string[] = [];
  await marbles(({ serveWith, client, expectReceived, expectClosed }) => {
    serveWith(behind({ ...told(events), maxWaiting: 1 }));
    client('ann', '        ^--a-|', { a: LINE });
    client('bob', '        -^');
    client('cyd', '        ----^(a|)', { a: LINE });
    expectReceived('ann', '---a-|', { a: '192.0.2.1:56324.' });
    expectClosed('ann', '  -----x', { x: 'finished' });
    expectReceived('bob', '-#');
    expectReceived('cyd', '-----(a|)', { a: '192.0.2.1:56324.' });
    expectClosed('cyd', '  -----x', { x: 'finished' });
  })();
  assert.equal(events, ['bob too-many-waiting']);
});

test('a server behind a proxy goes by its clients: rules, places, lockout, rates, names', async () => {
  const from = (host: string): string => `PROXY TCP4 ${host} 198.51.100.2 56324 443\r\n`;
  const log: string[] = [];
  const gate = tokenGate([['s3cret', { name: 'Ann' }]], { refusal: 'no' });
  const each = (): RateLimit => rateLimit({ messages: 0.001, messageBurst: 1 });
  await marbles(async ({ listen, start, client, pass, expectReceived, expectClosed, expectOpen }) => {
    log.length = 0;
    const limit = each();
    const chat = protocol({
      name: 'chat',
      framing: line(64),
      message: utf8,
      session: (said, { connection }) =>
        said.pipe(limitRate(limit, { key: networkOf(connection), policy: () => 'slower' })),
    });
    const server = createServer('behind', authenticate(gate, chat, { lockout: { after: 2 } }), {
      port: 7000,
      listen: (options) => listen(options).pipe(proxyProtocol({ trusted: anybody, onEvent: options.onEvent })),
      limits: { maxPerAddress: 2 },
    });
    server.rules.deny('203.0.113.0/24');
    server.events.subscribe((event) => {
      if (event.type === 'refused') log.push(`${event.address} ${event.reason}`);
      if (event.type === 'admitted') log.push(`${event.client.address} ${event.client.name}`);
    });
    start(server);
    // All of them come from the proxy.
    client('10.0.0.1:1', ' --a', { a: from('203.0.113.9') });
    client('10.0.0.1:2', ' --a 9ms b', { a: `${from('192.0.2.1')}s3cret\nhi\nho\n`, b: 'hi\n' });
    client('10.0.0.1:3', ' ----a', { a: `${from('192.0.2.2')}1\n2\ns3cret\n` });
    client('10.0.0.1:4', ' ------^a', { a: `${from('192.0.2.2')}s3cret\n` });
    client('10.0.0.1:5', ' ------^a', { a: `${from('192.0.2.1')}s3cret\nhi\n` });
    client('10.0.0.1:6', ' --------^a', { a: `${from('192.0.2.1')}s3cret\n` });
    client('10.0.0.1:7', ' -a', { a: 'GET / HTTP/1.1\r\n' });
    expectReceived('10.0.0.1:7', '-#');
    expectReceived('10.0.0.1:1', '--#');
    expectReceived('10.0.0.1:2', '--a 9ms b', { a: 'hi\nslower\n', b: 'slower\n' });
    expectReceived('10.0.0.1:3', '----(a|)', { a: 'no\nno\n' });
    expectClosed('10.0.0.1:3', '----x', { x: 'NotAuthenticated' });
    expectReceived('10.0.0.1:4', '-------|');
    expectClosed('10.0.0.1:4', '-------x', { x: 'NotAuthenticated' });
    expectReceived('10.0.0.1:5', '-------a', { a: 'slower\n' });
    expectReceived('10.0.0.1:6', '---------|');
    for (const name of ['10.0.0.1:2', '10.0.0.1:5']) expectOpen(name);
    await pass('20ms');
    assert.is(server.clients.named('Ann').length, 2);
    assert.is(server.statistics.refused, 3);
  })();
  assert.equal(log, [
    '10.0.0.1:7 no-header',
    '203.0.113.9:56324 denied',
    '192.0.2.1:56324 Ann',
    '192.0.2.1:56324 Ann',
    '192.0.2.1:56324 too-many-of-address',
  ]);
});

// ── sockets ─────────────────────────────────────────────────────────────────────────────────────────────────────────

for (const readBuffer of ['fresh', 'shared', 'poisoned'] as const) {
  test(`over sockets, with ${readBuffer} reads: nothing is lost, and nothing is counted twice`, async () => {
    const clean = assertNoLeaks();
    const connections: Connection[] = [];
    const noted = serve((heard, connection) => {
      connections.push(connection);
      return heard.pipe(map((chunk) => chunk.slice()));
    });
    const server = await loopback(flow(proxyProtocol({ trusted: ['127.0.0.0/8'] }), noted), { readBuffer });
    const ann = (await server.dial()).read();
    const body = 'x'.repeat(200_000);
    ann.send(`${text(V2)}${body}`);
    ann.end();
    assert.is(await ann.over, 'end');
    assert.is(ann.text, body);
    assert.equal(reasons(await server.stop()), ['finished']);
    const [connection] = connections as [Connection];
    assert.is(connection.peer, '[2001:db8::7]:7');
    assert.is(connection.local, '[2001:db8::8]:8');
    assert.equal(connection.proxy?.tlvs, {
      alpn: 'h2',
      authority: 'example.com',
      uniqueId: bytes('id'),
      crc32c: true,
    });
    assert.is(connection.statistics.bytesIn, V2.length + body.length);
    await clean();
  });
}

test('addresses are trusted by network, and nobody else is', async () => {
  const events: string[] = [];
  const elsewhere = { trusted: ['10.0.0.0/8', '::1'], ...told(events) };
  const server = await loopback(flow(proxyProtocol(elsewhere), named));
  const ann = server.knock().read();
  assert.is(await ann.over, 'reset');
  assert.match(events.join(), /^127\.0\.0\.1:\d+ untrusted$/);
  await server.stop();
});

test('networks are those that are named, in either family, and however an address is written', () => {
  const known = networks('trusted', ['10.0.0.0/8', '192.0.2.7', '2001:db8::/32', '::ffff:172.16.0.0/108']);
  for (const [peer, expected] of [
    ['10.1.2.3:4', true],
    ['11.1.2.3:4', false],
    ['192.0.2.7:4', true],
    ['192.0.2.8:4', false],
    ['[::ffff:10.0.0.1]:4', true],
    ['172.31.0.1:4', true],
    ['172.32.0.1:4', false],
    ['[2001:db8:1::1]:4', true],
    ['[2001:db9::1]:4', false],
    ['[2001:db8::1%eth0]:4', true],
    ['/run/a.sock', false],
    ['10.1.2.3', false],
  ] as const) {
    assert.is(known(peer), expected, peer);
  }
});

test('who cannot be judged is refused, and nobody else', async () => {
  const events: string[] = [];
  const heard = warnings();
  await marbles(({ serveWith, client, expectReceived, expectClosed }) => {
    const trusted = ({ peer }: Connection): boolean => {
      if (peer === 'ann') throw new Error('thrown');
      return true;
    };
    serveWith(behind({ ...told(events), trusted }));
    client('ann', '        --a', { a: LINE });
    client('bob', '        --a|', { a: LINE });
    expectReceived('ann', '#');
    expectReceived('bob', '--a|', { a: '192.0.2.1:56324.' });
    expectClosed('bob', '  ---x', { x: 'finished' });
  })();
  heard.stop();
  assert.equal([events, heard.codes], [['ann untrusted'], ['SLUICE_THREW']]);
});

test('unsubscribing resets those that are waited for, and leaves nothing', async () => {
  const clean = assertNoLeaks();
  const server = await loopback(flow(proxyProtocol({ trusted: ['127.0.0.1'] }), named));
  const ann = (await server.dial()).read();
  ann.send(LINE.slice(0, 9));
  const bob = (await server.dial()).read();
  bob.send(LINE);
  assert.is(await bob.heard(5), '192.0.2.1:56324.');
  server.cut();
  assert.is(await ann.over, 'reset');
  assert.is(await bob.over, 'reset');
  await clean();
});

test('what the port is closed for is over only when the last header is there', async () => {
  const server = await loopback(flow(proxyProtocol({ trusted: ['127.0.0.1'] }), named));
  const ann = (await server.dial()).read();
  await firstValueFrom(timer(20));
  const stopped = server.stop();
  ann.send(`${LINE}late`);
  ann.end();
  assert.is(await ann.over, 'end');
  assert.is(ann.text, '192.0.2.1:56324.late');
  assert.equal(reasons(await stopped), ['finished']);
});

// ── and TLS ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const root = certify({ name: 'a root' });
const { key, cert } = certify({ name: 'localhost', hosts: ['localhost', '127.0.0.1'], by: root });
const trusting = { ca: root.cert, servername: 'localhost' };
const secured: Partial<ProxyProtocolOptions> = { trusted: ['127.0.0.0/8'], tls: { key, cert } };

/** Says who its peer is and by which TLS it comes, and then all that it hears. */
const secret = serve((heard, { peer, tls }) => heard.pipe(startWith(bytes(`${peer} ${tls?.protocol}.`))));

for (const readBuffer of ['fresh', 'shared', 'poisoned'] as const) {
  test(`over sockets, with ${readBuffer} reads: the handshake comes behind the header, however both are cut`, async () => {
    const clean = assertNoLeaks();
    const server = await loopback(behind(secured, secret), { readBuffer });
    for (const way of ['together', 'apart', 'by bytes'] as const) {
      const carrier = await carrierTo({ port: server.port });
      if (way === 'together') {
        // The first words of the handshake leave in one segment with the header.
        carrier.socket.cork();
        carrier.write(LINE);
        setImmediate(() => carrier.socket.uncork());
      } else if (way === 'apart') {
        carrier.write(LINE);
        await rounds(3);
      } else {
        for (const letter of LINE) {
          carrier.write(letter);
          await rounds(1);
        }
      }
      const peer = (await over(carrier, trusting)).read();
      const body = 'x'.repeat(100_000);
      peer.send(body);
      peer.end();
      assert.is(await peer.over, 'end');
      assert.is(peer.text, `192.0.2.1:56324 TLSv1.3.${body}`, way);
      peer.leave();
    }
    assert.equal(reasons(await server.stop()), ['finished', 'finished', 'finished']);
    await clean();
  });
}

test('behind the header is TLS and nothing else; who is passed without a header speaks it too', async () => {
  const clean = assertNoLeaks();
  const events: string[] = [];
  const server = await loopback(behind({ ...secured, ...told(events) }, secret));
  const ann = (await server.dial()).read();
  ann.send(`${LINE}in the clear\n`);
  await ann.over;
  const bob = (await server.dial()).read();
  bob.send(LINE);
  await rounds(3);
  bob.end();
  await bob.over;
  assert.equal(events, ['192.0.2.1:56324 handshake-failed TlsFailed', '192.0.2.1:56324 handshake-failed TlsFailed']);
  assert.equal(reasons(await server.stop()), []);
  const open = await loopback(behind({ ...secured, trusted: ['10.0.0.0/8'], untrusted: 'pass' }, secret));
  const cyd = (await dialTls({ port: open.port }, trusting)).read();
  cyd.end();
  assert.is(await cyd.over, 'end');
  assert.match(cyd.text, /^127\.0\.0\.1:\d+ TLSv1\.3\.$/);
  for (const peer of [ann, bob, cyd]) peer.leave();
  assert.equal(reasons(await open.stop()), ['finished']);
  await clean();
});

test('a handshake that is slow has its time, counts as waiting, and is given up with all', async () => {
  const clean = assertNoLeaks();
  const events: string[] = [];
  const clock = new ManualClock();
  const options = { ...secured, ...told(events), tls: { key, cert, handshakeTimeout: 7_000 }, maxWaiting: 1 };
  const server = await loopback(behind({ ...options, scheduler: clock }, secret), { scheduler: clock });
  const ann = (await server.dial()).read();
  ann.send(LINE);
  await rounds(3);
  const bob = server.knock().read();
  await bob.over;
  clock.advance(6_999);
  await rounds(3);
  assert.match(events.join(), /^127\.0\.0\.1:\d+ too-many-waiting$/);
  clock.advance(2);
  await ann.over;
  assert.is(events[1], '192.0.2.1:56324 handshake-failed TlsFailed');
  const cyd = (await server.dial()).read();
  cyd.send(LINE);
  await rounds(3);
  server.cut();
  await cyd.over;
  for (const peer of [ann, bob, cyd]) peer.leave();
  await clean();
});

test('of too many handshakes the oldest makes room: who holds a place keeps nobody out', async () => {
  const clean = assertNoLeaks();
  const events: string[] = [];
  const options = { ...secured, ...told(events), tls: { key, cert, maxHandshakes: 2 } };
  const server = await loopback(behind(options, secret));
  const idle = await Promise.all([1, 2, 3].map(() => server.dial()));
  for (const [index, peer] of idle.entries()) {
    peer.read().send(LINE.replace('56324', `${index + 1}`));
    await rounds(3);
  }
  await idle[0]?.over;
  assert.equal(events, ['192.0.2.1:1 too-many-handshakes TlsFailed']);
  const carrier = await carrierTo({ port: server.port });
  carrier.write(LINE);
  const ann = (await over(carrier, trusting)).read();
  ann.end();
  assert.is(await ann.over, 'end');
  assert.is(ann.text, '192.0.2.1:56324 TLSv1.3.');
  assert.equal(events.slice(1), ['192.0.2.1:2 too-many-handshakes TlsFailed']);
  server.cut();
  for (const peer of [...idle, ann]) peer.leave();
  await clean();
});

test('what is dialled is told before the handshake; what is no socket cannot be secured', async () => {
  const server = await loopback(behind(secured, secret));
  const talk = dial({ port: server.port }).pipe(
    sendProxyHeader({ version: 1, command: 'local' }),
    mergeMap((connection) =>
      concat(
        requestTls(connection, trusting),
        defer(() => merge(connection.reads, of(bytes('hi')).pipe(connection.writes))),
      ),
    ),
    toArray(),
  );
  assert.match(Buffer.concat(await lastValueFrom(talk)).toString(), /^127\.0\.0\.1:\d+ TLSv1\.3\.hi$/);
  await server.stop();
  const [near] = memory();
  const misused = await lastValueFrom(of(near).pipe(proxyProtocol({ trusted: anybody, tls: { key, cert } }))).catch(
    (error: unknown) => error,
  );
  assert.instance(misused, TypeError);
});

// ── the side that sends ─────────────────────────────────────────────────────────────────────────────────────────────

for (const version of [1, 2] as const) {
  test(`what is passed on is told of, in version ${version}, and through another proxy`, async () => {
    const origin = await loopback(flow(proxyProtocol({ trusted: ['127.0.0.1'] }), named));
    const passing =
      (from: Connection): OperatorFunction<Uint8Array, Uint8Array> =>
      (heard) =>
        dial({ port: origin.port }).pipe(
          sendProxyHeader(proxyHeaderOf(from, { version })),
          mergeMap((there) => {
            heard.pipe(there.writes).subscribe();
            return there.reads;
          }),
        );
    const outer = await loopback(serve((heard, client) => passing(client)(heard)));
    const ann = (await outer.dial()).read();
    const { name } = ann;
    ann.send('hello');
    ann.end();
    assert.is(await ann.over, 'end');
    assert.is(ann.text, `${name}.hello`);
    const relay = await loopback(
      flow(
        proxyProtocol({ trusted: ['127.0.0.1'] }),
        serve((heard, client) => passing(client)(heard)),
      ),
    );
    const bob = (await relay.dial()).read();
    bob.send(`${LINE}hello`);
    bob.end();
    assert.is(await bob.over, 'end');
    assert.is(bob.text, '192.0.2.1:56324.hello');
    for (const server of [outer, relay, origin]) await server.stop();
  });
}

test('a header goes ahead of all else, is sent when nothing else is, and is counted', async () => {
  const [near, far] = memory();
  const header = { version: 1, command: 'proxy' } as const;
  const [sending] = await lastValueFrom(of(near).pipe(sendProxyHeader(header), toArray()));
  assert.is(sending, near);
  const heard: string[] = [];
  const reading = far.reads.subscribe((chunk) => heard.push(text(chunk)));
  await firstValueFrom(timer(5));
  assert.equal(heard, ['PROXY UNKNOWN\r\n']);
  of(bytes('hi')).pipe(near.writes).subscribe();
  await firstValueFrom(timer(5));
  assert.equal(heard, ['PROXY UNKNOWN\r\n', 'hi']);
  assert.is(near.statistics.bytesOut, 17);
  reading.unsubscribe();
  near.abort();
});

test('a connection is told of by its ends, where it has some', async () => {
  const from = (peer: string, local: string): unknown => {
    const { source, destination } = proxyHeaderOf({ peer, local } as Connection);
    return [source, destination];
  };
  assert.equal(from('1.2.3.4:5', '[::1]:6'), [
    { host: '1.2.3.4', port: 5 },
    { host: '::1', port: 6 },
  ]);
  assert.equal(from('[fe80::1%eth0]:5', '/tmp/a:7'), [{ host: 'fe80::1', port: 5 }, { path: '/tmp/a:7' }]);
  assert.equal(from('memory:a', 'memory:b'), [undefined, undefined]);
  assert.equal(from('ann', '1.2.3.4:5'), [undefined, undefined]);
});

test('both stand right behind what gives connections of the package', async () => {
  const other = { peer: '127.0.0.1:5' } as Connection;
  for (const operator of [proxyProtocol({ trusted: anybody }), sendProxyHeader({ version: 2, command: 'local' })]) {
    const failure = await lastValueFrom(of(other).pipe(operator)).catch((error: unknown) => error);
    assert.instance(failure, TypeError);
  }
});

test.run();
