import { once } from 'node:events';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions as TlsConnectOptions, connect as tlsConnect } from 'node:tls';
import {
  NEVER,
  type Observable,
  Subject,
  concat,
  filter,
  firstValueFrom,
  lastValueFrom,
  map,
  of,
  take,
  tap,
} from 'rxjs';
import * as assert from 'uvu/assert';
import { frameLengthPrefixed, serve } from '../operators/index.js';
import {
  type Connection,
  type DialFailed,
  type ListenEvent,
  type ListenOptions,
  type Outcome,
  type TlsClientOptions,
  type TlsInfo,
  type TlsServerOptions,
  dial,
  listen,
  tlsFrom,
} from '../src/index.js';
import { TlsFailed } from '../src/errors.js';
import { createServer as createSluice } from '../src/server/index.js';
import { assertNoLeaks } from '../src/testing/leaks.js';
import { type Certified, certify } from './kit/certificates.js';
import { type Loopback, loopback } from './kit/loopback.js';
import { ManualClock } from './kit/manual-clock.js';
import { freshPath } from './kit/paths.js';
import { type StreamPeer, dialRaw } from './kit/peer.js';
import { rounds } from './kit/quiet.js';
import { raised } from './kit/raised.js';
import { reasons } from './kit/reasons.js';
import { suite } from './kit/suite.js';
import { type TlsPeer, acceptOver, dialTls } from './kit/tls-peer.js';

const test = suite('tls');

const root = certify({ name: 'a root' });
const otherRoot = certify({ name: 'another root' });
const local = certify({ name: 'localhost', hosts: ['localhost', '127.0.0.1'], by: root });
const ann = certify({ name: 'ann', by: root });
const stranger = certify({ name: 'stranger', by: otherRoot });

const pairOf = ({ key, cert }: Certified): { key: string; cert: string } => ({ key, cert });
const own: TlsServerOptions = pairOf(local);
const trusting = { ca: root.cert, servername: 'localhost' };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** An echo server under TLS, with all that its acceptor told. */
const echoing = async (
  tls: ListenOptions['tls'],
  options: Partial<ListenOptions> = {},
): Promise<Loopback<Outcome> & { events: ListenEvent[]; connections: Connection[] }> => {
  const events: ListenEvent[] = [];
  const connections: Connection[] = [];
  const echo = serve((reads, connection) => {
    connections.push(connection);
    return reads;
  });
  const server = await loopback(echo, { ...options, ...(tls && { tls }), onEvent: (event) => events.push(event) });
  return { ...server, events, connections };
};

/** Says hello, and hangs up once it has come back. */
const hello = async (port: number, options: TlsConnectOptions = trusting): Promise<void> =>
  answered(await dialTls({ port }, options));

const answered = async (peer: TlsPeer): Promise<void> => {
  peer.read().send('hello');
  assert.is(await peer.heard(5), 'hello');
  peer.end();
  assert.is(await peer.over, 'end');
  peer.leave();
};

/** What became of a handshake that was refused: the event's reason and code. */
const refusal = (event: ListenEvent | undefined): string =>
  event?.type === 'refused' && 'error' in event && event.error instanceof TlsFailed
    ? `${event.reason} ${event.error.code}`
    : String(event?.type);

const until = async (so: () => boolean): Promise<void> => {
  while (!so()) await rounds(1);
};

const codeOf = (error: unknown): unknown => (error as { readonly code?: unknown }).code;

/** How a dial of ours fails. */
const dialFailure = async (port: number, tls: true | TlsClientOptions): Promise<unknown> =>
  codeOf(await lastValueFrom(dial({ port, tls })).catch((error: unknown) => error));

// ── options ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const serverMisuse: readonly [unknown, typeof Error, RegExp][] = [
  [true, TypeError, /^tls must be an object, got true$/],
  [{}, TypeError, /^tls must have a key and a cert$/],
  [{ ...own, kee: 1 }, TypeError, /^tls has no option kee here$/],
  [{ ...own, servername: 'x' }, TypeError, /^tls has no option servername here$/],
  [{ ...own, watch: true }, TypeError, /^tls has no option watch here$/],
  [{ ...own, key: 5 }, TypeError, /^tls.key must be a text or bytes, and not empty$/],
  [{ ...own, key: '' }, TypeError, /^tls.key must be a text or bytes, and not empty$/],
  [{ ...own, key: ann.key }, TypeError, /^tls cannot be used: .*key/i],
  [{ ...own, cert: 'no certificate' }, TypeError, /^tls cannot be used: /],
  [{ ...own, keyFile: '/x' }, TypeError, /^give tls.key or its file, got both$/],
  [{ keyFile: '/no/where', certFile: '/no/where' }, Error, /^tls.keyFile cannot be read: ENOENT/],
  [{ ...own, ca: ['x', 5] }, TypeError, /^tls.ca must be a text or bytes, and not empty$/],
  [{ ...own, minVersion: 'SSLv3' }, TypeError, /^tls.minVersion must be one of "TLSv1", .* got "SSLv3"$/],
  [{ ...own, maxVersion: 2 }, TypeError, /^tls.maxVersion must be one of .* got 2$/],
  [
    { ...own, minVersion: 'TLSv1.3', maxVersion: 'TLSv1.2' },
    RangeError,
    /^tls.minVersion must not be newer than tls.maxVersion, got TLSv1.3 and TLSv1.2$/,
  ],
  [{ ...own, maxVersion: 'TLSv1.1' }, RangeError, /^tls.minVersion must not be newer .* got TLSv1.2 and TLSv1.1$/],
  // What Node calls in the middle of a handshake, and does not survive everywhere when it throws (CVE-2026-21637).
  [{ ...own, SNICallback: () => {} }, TypeError, /^tls has no option SNICallback here$/],
  [{ ...own, ALPNCallback: () => {} }, TypeError, /^tls has no option ALPNCallback here$/],
  [{ ...own, pskCallback: () => {} }, TypeError, /^tls has no option pskCallback here$/],
  [{ ...own, ciphers: 'none at all' }, TypeError, /^tls cannot be used: /],
  [{ ...own, alpn: 'h2' }, TypeError, /^tls.alpn must be a list of names$/],
  [{ ...own, alpn: [''] }, TypeError, /^tls.alpn must be a text that is not empty, got ""$/],
  [{ ...own, alpn: ['x'.repeat(256)] }, RangeError, /^the length of a name in tls.alpn must be .* got 256$/],
  [{ ...own, requestCert: 'yes' }, TypeError, /^tls.requestCert must be true or false, got "yes"$/],
  [{ ...own, rejectUnauthorized: 0 }, TypeError, /^tls.rejectUnauthorized must be true or false, got 0$/],
  [{ ...own, handshakeTimeout: 0 }, RangeError, /^tls.handshakeTimeout must be a time from 1 to /],
  [{ ...own, maxHandshakes: 0 }, RangeError, /^tls.maxHandshakes must be a whole number from 1 to /],
  [{ ...own, ticketSecret: 'short' }, RangeError, /^the length of tls.ticketSecret must be .* from 32 to .* got 5$/],
  [{ ...own, ticketRotation: 5 }, RangeError, /^tls.ticketRotation must be a time from 1000 to /],
  [{ ...own, sni: 5 }, TypeError, /^tls.sni must be an object, got 5$/],
  [{ ...own, sni: { a: { ...own, ca: 'x' } } }, TypeError, /^tls.sni\["a"\] has no option ca here$/],
  [{ ...own, sni: { a: { key: ann.key, cert: local.cert } } }, TypeError, /^tls.sni\["a"\] cannot be used: /],
];

for (const [index, [tls, type, message]] of serverMisuse.entries()) {
  test(`listen refuses wrong options, ${index + 1}: ${message.source}`, () => {
    assert.throws(() => listen({ port: 0, tls: tls as TlsServerOptions }), raised(type, message));
  });
}

test('dial refuses those that are for servers, and tlsFrom those that are for nobody', () => {
  for (const [tls, type, message] of [
    ['yes', TypeError, /^tls must be an object, got "yes"$/],
    [{ requestCert: true }, TypeError, /^tls has no option requestCert here$/],
    [{ servername: '' }, TypeError, /^tls.servername must be a text that is not empty, got ""$/],
    [tlsFrom({ ...own, requestCert: true }), TypeError, /^tls has no option requestCert here$/],
  ] as const) {
    assert.throws(() => dial({ port: 1, tls: tls as TlsClientOptions }), raised(type, message));
  }
  assert.throws(
    () => tlsFrom({ ...own, watch: 1 }),
    raised(RangeError, /^tls.watch must be a number from 10 to 2147483647, got 1$/),
  );
  assert.throws(
    () => tlsFrom({ ...own, onReload: 'log' as never }),
    raised(TypeError, /^tls.onReload must be a function, got "log"$/),
  );
});

test('no error shows a key', () => {
  const secret = local.key.split('\n')[1] as string;
  for (const options of [
    { key: local.key, cert: ann.cert },
    { key: local.key.slice(0, 100), cert: local.cert },
    { ...own, passphrase: 5 },
    { ...own, ticketSecret: secret.slice(0, 8) },
  ]) {
    try {
      listen({ port: 0, tls: options as TlsServerOptions });
      assert.unreachable();
    } catch (error) {
      assert.not.ok(`${(error as Error).stack}`.includes(secret.slice(0, 8)));
    }
  }
});

// ── what both know of each other ──────────────────────────────────────────────────────────────────────────────────────

test('what was agreed on, on both sides, also when it is over; and nothing without TLS', async () => {
  const gone = assertNoLeaks();
  const server = await echoing({ ...own, alpn: ['echo/2', 'echo/1'] });
  const connection = await lastValueFrom(
    dial({ port: server.port, host: 'localhost', tls: { ca: root.cert, alpn: ['echo/1', 'echo/3'] } }),
  );
  const reading = firstValueFrom(connection.reads);
  of(bytes('hello')).pipe(connection.writes).subscribe();
  assert.is(Buffer.from(await reading).toString(), 'hello');
  await server.stop();
  const [accepted] = server.connections as [Connection];
  const { certificate, ...dialled } = connection.tls as TlsInfo;
  const common = { protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', alpn: 'echo/1', servername: 'localhost' };
  assert.equal(dialled, { ...common, resumed: false, authorized: true, authorizationError: undefined });
  assert.is(certificate?.subject, 'CN=localhost');
  assert.equal(accepted.tls, {
    ...common,
    resumed: false,
    authorized: false,
    authorizationError: undefined,
    certificate: undefined,
  });
  await gone();

  const plain = await echoing(undefined);
  const peer = await plain.dial();
  peer.read().end();
  await peer.over;
  await plain.stop();
  assert.is(plain.connections[0]?.tls, undefined);
});

test('several certificates, by the name that is asked for', async () => {
  const certificates = Object.fromEntries(
    ['a.example', '*.b.example', 'x.b.example'].map((name) => [name, certify({ name, by: root })]),
  );
  const sni = Object.fromEntries(Object.entries(certificates).map(([name, certified]) => [name, pairOf(certified)]));
  const server = await echoing({ ...own, sni });
  for (const [asked, shown] of [
    ['a.example', 'a.example'],
    ['A.Example', 'a.example'],
    ['z.b.example', '*.b.example'],
    ['x.b.example', 'x.b.example'],
    ['y.z.b.example', 'localhost'],
    ['b.example', 'localhost'],
    ['example', 'localhost'],
    ['__proto__', 'localhost'],
    ['constructor', 'localhost'],
    [undefined, 'localhost'],
  ] as const) {
    const asking = { ...(asked && { servername: asked }) };
    await hello(server.port, { ca: root.cert, checkServerIdentity: () => undefined, ...asking });
    assert.is(server.connections.at(-1)?.tls?.servername, asked);
    assert.is(await shownTo(server.port, asked), shown, asked);
  }
  await server.stop();
});

/** The name in the certificate that a server shows to who asks for a name. */
const shownTo = async (port: number, servername?: string): Promise<string> => {
  const socket = tlsConnect({ port, ...(servername && { servername }), rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return String(subject.CN);
};

test('without a protocol in common there is no connection; who speaks of none has one', async () => {
  const server = await echoing({ ...own, alpn: ['echo/1'] });
  const refused = await dialTls({ port: server.port }, { ...trusting, ALPNProtocols: ['other'] }).catch(codeOf);
  assert.is(refused, 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL');
  await until(() => server.events.length > 0);
  assert.equal(server.events.map(refusal), ['handshake-failed ERR_SSL_NO_APPLICATION_PROTOCOL']);
  await hello(server.port);
  assert.is(server.connections[0]?.tls?.alpn, undefined);
  assert.is(
    await dialFailure(server.port, { ca: root.cert, alpn: ['x'] }),
    'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
  );
  await server.stop();
});

test('clients with certificates: who they are, and who is not let in', async () => {
  const server = await echoing({ ...own, requestCert: true, ca: root.cert });
  for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const) {
    server.events.length = 0;
    await hello(server.port, { ...trusting, ...pairOf(ann), maxVersion });
    const known = server.connections.at(-1)?.tls;
    assert.ok(known?.authorized);
    assert.is(known.certificate?.subject, 'CN=ann');
    assert.match(known.certificate?.fingerprint256 ?? '', /^([\dA-F]{2}:){31}[\dA-F]{2}$/);
    for (const without of [{}, pairOf(stranger)]) {
      const peer = await dialTls({ port: server.port }, { ...trusting, ...without, maxVersion }).catch(codeOf);
      if (typeof peer === 'object') await (peer as TlsPeer).read().over;
    }
    await until(() => server.events.length === 2);
    assert.equal(server.events.map(refusal), [
      'handshake-failed ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE',
      'handshake-failed UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ]);
  }
  assert.is(server.connections.length, 2);
  await server.stop();

  const lenient = await echoing({ ...own, requestCert: true, ca: root.cert, rejectUnauthorized: false });
  for (const [given, authorized, error, subject] of [
    [pairOf(ann), true, undefined, 'CN=ann'],
    [pairOf(stranger), false, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'CN=stranger'],
    [{}, false, 'UNABLE_TO_GET_ISSUER_CERT', undefined],
  ] as const) {
    await hello(lenient.port, { ...trusting, ...given });
    const info = lenient.connections.at(-1)?.tls;
    assert.equal(
      [info?.authorized, info?.authorizationError, info?.certificate?.subject],
      [authorized, error, subject],
    );
  }
  await lenient.stop();
});

test('a client of ours shows its certificate, too', async () => {
  const server = await echoing({ ...own, requestCert: true, ca: root.cert });
  const connection = await lastValueFrom(dial({ port: server.port, tls: { ca: root.cert, ...pairOf(ann) } }));
  of(bytes('x')).pipe(connection.writes).subscribe();
  await lastValueFrom(connection.reads);
  await server.stop();
  assert.is(server.connections[0]?.tls?.certificate?.subject, 'CN=ann');
});

test('a certificate that is locked, one in PKCS #12, and in files', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-tls-'));
  const file = (name: string, content: string | Uint8Array): string => {
    const path = join(directory, name);
    writeFileSync(path, content);
    return path;
  };
  const locked = local.privateKey
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open sesame' })
    .toString();
  for (const tls of [
    { key: locked, cert: local.cert, passphrase: 'open sesame' },
    { keyFile: file('key.pem', locked), certFile: file('cert.pem', local.cert), passphrase: 'open sesame' },
    { key: Buffer.from(local.key), cert: new TextEncoder().encode(local.cert) },
  ]) {
    const server = await echoing(tls);
    await hello(server.port);
    await server.stop();
  }
  assert.throws(
    () => listen({ port: 0, tls: { key: locked, cert: local.cert, passphrase: 'wrong' } }),
    raised(TypeError, /^tls cannot be used: /),
  );
  rmSync(directory, { recursive: true });
});

test('the versions that are spoken', async () => {
  const old = { ...trusting, minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
  const usual = await echoing(own);
  for (const [maxVersion, protocol] of [
    ['TLSv1.3', 'TLSv1.3'],
    ['TLSv1.2', 'TLSv1.2'],
    ['TLSv1.1', 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'],
  ] as const) {
    const spoken = await hello(usual.port, { ...old, maxVersion }).then(
      () => usual.connections.at(-1)?.tls?.protocol,
      codeOf,
    );
    assert.is(spoken, protocol);
  }
  const weak = { ...old, maxVersion: 'TLSv1.2', ciphers: 'NULL-SHA256:AES128-SHA:@SECLEVEL=0' } as const;
  // OpenSSL has named it after SSLv3, and does so no more.
  assert.match(String(await hello(usual.port, weak).catch(codeOf)), /^ERR_SSL_.*_ALERT_HANDSHAKE_FAILURE$/);
  await usual.stop();
  const strict = await echoing({ ...own, minVersion: 'TLSv1.3' });
  assert.is(
    await hello(strict.port, { ...trusting, maxVersion: 'TLSv1.2' }).catch(codeOf),
    'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
  );
  assert.is(
    await dialFailure(strict.port, { ca: root.cert, maxVersion: 'TLSv1.2' }),
    'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
  );
  await strict.stop();
});

test('over a Unix socket', async () => {
  const path = freshPath();
  const server = await echoing(own, { path });
  const connection = await lastValueFrom(dial({ path, tls: { ca: root.cert } }));
  of(bytes('hello')).pipe(connection.writes).subscribe();
  assert.is(Buffer.from(await lastValueFrom(connection.reads)).toString(), 'hello');
  assert.equal(reasons(await server.stop()), ['finished']);
});

// ── handshakes ────────────────────────────────────────────────────────────────────────────────────────────────────────

const tlsRecord = (type: number, body: Uint8Array, length = body.length): Buffer =>
  Buffer.concat([Buffer.from([type, 3, 1, length >> 8, length & 255]), body]);

test('what is no handshake is an event, and no concern of others', async () => {
  const gone = assertNoLeaks();
  const server = await echoing(own);
  for (const [said, code] of [
    ['GET / HTTP/1.1\r\n\r\n', 'ERR_SSL_HTTP_REQUEST'],
    ['EHLO there, this is plain text\r\n', 'ERR_SSL_WRONG_VERSION_NUMBER'],
    [tlsRecord(22, Buffer.alloc(100, 0xff), 0xffff), 'ERR_SSL_(PACKET_LENGTH_TOO_LONG|DATA_LENGTH_TOO_LONG)'],
    [tlsRecord(22, Buffer.from([1, 0xff, 0xff, 0xff, ...Buffer.alloc(60)])), 'ERR_SSL_EXCESSIVE_MESSAGE_SIZE'],
    [tlsRecord(21, Buffer.from([2, 40])), 'ERR_SSL_UNEXPECTED_MESSAGE'],
    [Buffer.alloc(10_000), 'ERR_SSL_.*'],
  ] as const) {
    const before = server.events.length;
    const peer = await server.dial();
    peer.read().send(said);
    await peer.over;
    await until(() => server.events.length > before);
    assert.match(refusal(server.events.at(-1)), new RegExp(`^handshake-failed ${code}$`));
    assert.match((server.events.at(-1) as { peer: string }).peer, /^127\.0\.0\.1:\d+$/);
    peer.leave();
    await hello(server.port);
  }
  // Gone in the middle of it, by an end, by a reset, before a word.
  const hi = tlsRecord(22, Buffer.from([1, 0, 1, 0, 3, 3]), 300);
  for (const leave of ['end', 'reset', 'leave'] as const) {
    for (const said of ['', hi]) {
      const before = server.events.length;
      const peer = await server.dial();
      peer.read().send(said);
      await rounds(2);
      peer[leave]();
      await until(() => server.events.length > before);
      assert.is(refusal(server.events.at(-1)), 'handshake-failed ECONNRESET', `${leave} ${said.length}`);
      peer.leave();
    }
  }
  await hello(server.port);
  assert.is(server.connections.length, 7);
  assert.equal(
    reasons(await server.stop()),
    Array.from({ length: 7 }, () => 'finished'),
  );
  await gone();
});

test('a handshake has its time, and nobody waits for another', async () => {
  const clock = new ManualClock();
  const gone = assertNoLeaks();
  const server = await echoing(own, { scheduler: clock });
  const silent = await Promise.all(Array.from({ length: 5 }, () => server.dial()));
  const drip = await server.dial();
  for (const peer of [...silent, drip]) peer.read();
  await hello(server.port);
  const hi = tlsRecord(22, Buffer.from([1, 0, 1, 0, 3, 3]), 300);
  for (let second = 0; second < 9; second++) {
    clock.advance(1_000);
    drip.send(hi.subarray(second, second + 1));
    await rounds(1);
  }
  assert.equal(server.events, []);
  await hello(server.port);
  clock.advance(1_001);
  await Promise.all([...silent, drip].map((peer) => peer.over));
  assert.equal(
    server.events.map(refusal),
    Array.from({ length: 6 }, () => 'handshake-failed ERR_TLS_HANDSHAKE_TIMEOUT'),
  );
  for (const peer of [...silent, drip]) peer.leave();
  await server.stop();
  await gone();
});

test('only so many are under way: the oldest goes for the next', async () => {
  const gone = assertNoLeaks();
  const server = await echoing({ ...own, maxHandshakes: 3 });
  const silent: StreamPeer[] = [];
  for (let made = 0; made < 4; made++) {
    silent.push((await server.dial()).read());
    await rounds(1);
  }
  await silent[0]?.over;
  assert.equal(server.events.map(refusal), ['too-many-handshakes ECANCELED']);
  for (let more = 0; more < 5; more++) await hello(server.port);
  assert.is(server.events.length, 2);
  for (const peer of silent) peer.leave();
  await until(() => server.events.length === 4);
  await server.stop();
  await gone();
});

test('those under way are given up when nobody listens any more', async () => {
  const gone = assertNoLeaks();
  const server = await echoing(own);
  const silent = await Promise.all([server.dial(), server.dial()]);
  for (const peer of silent) peer.read();
  await rounds();
  server.cut();
  for (const peer of silent) {
    await peer.over;
    peer.leave();
  }
  assert.equal(server.events, []);
  await gone();
});

test('who is through waits for a consumer that is busy, and is not lost', async () => {
  const gone = assertNoLeaks();
  const done = new Subject<void>();
  let served = 0;
  const server = await loopback(
    serve((reads) => (++served === 1 ? done.pipe(map(() => bytes('first'))) : reads), { concurrency: 1 }),
    { tls: own, maxWaiting: 4 },
  );
  const peers: TlsPeer[] = [];
  for (let made = 0; made < 6; made++) peers.push((await dialTls({ port: server.port }, trusting)).read());
  // One is served, one is next, four wait; with one more there is no shaking of hands.
  assert.is(await dialTls({ port: server.port }, trusting).catch(codeOf), 'ECONNRESET');
  peers[2]?.send('early');
  peers[3]?.reset();
  peers[4]?.end();
  peers[5]?.cut();
  await rounds();
  assert.is(served, 1);
  done.next();
  done.complete();
  assert.is(await peers[0]?.heard(5), 'first');
  for (const peer of [peers[0], peers[1], peers[2]]) peer?.end();
  await peers[2]?.over;
  assert.is(peers[2]?.text, 'early');
  const expected = ['finished', 'finished', 'finished', 'ConnectionReset', 'finished', 'TlsTruncated'];
  assert.equal(reasons(await server.stop()), expected);
  for (const peer of peers) peer.leave();
  await gone();
});

test('renegotiation, which only tires a server, is the end of a connection', async () => {
  const server = await loopback(
    serve((reads) => reads),
    { tls: own },
  );
  const peer = await dialTls({ port: server.port }, { ...trusting, maxVersion: 'TLSv1.2' });
  peer.read().send('hello');
  await peer.heard(5);
  peer.tls.renegotiate({}, () => {});
  await peer.over;
  peer.leave();
  const [outcome] = (await server.stop()) as unknown as [{ readonly left: { readonly error: unknown } }];
  assert.is(codeOf(outcome.left.error), 'ERR_TLS_RENEGOTIATION_DISABLED');
});

test('so it is when a server begins with it', async () => {
  const raw = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(raw, 'listening');
  const accepting = once(raw, 'connection') as Promise<[Socket]>;
  const dialling = lastValueFrom(dial({ port: (raw.address() as AddressInfo).port, tls: { ca: root.cert } }));
  const [socket] = await accepting;
  const accepted = acceptOver(socket, { ...pairOf(local), maxVersion: 'TLSv1.2' });
  const [connection, far] = await Promise.all([dialling, accepted]);
  const reading = lastValueFrom(connection.reads).catch(codeOf);
  far.read().tls.renegotiate({}, () => {});
  assert.is(await reading, 'ERR_TLS_RENEGOTIATION_DISABLED');
  far.leave();
  raw.close();
});

// ── how it ends ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** Serves frames to a peer, which ends as it likes, and gives what was heard and how it ended. */
const framed = async (said: readonly number[], end: (peer: TlsPeer) => void, maxVersion: 'TLSv1.2' | 'TLSv1.3') => {
  const frames: number[] = [];
  const server = await loopback(
    serve((reads: Observable<Uint8Array>) =>
      reads.pipe(
        frameLengthPrefixed(1),
        tap((frame) => frames.push(frame.length)),
      ),
    ),
    { tls: own },
  );
  const peer = await dialTls({ port: server.port }, { ...trusting, maxVersion });
  peer.read().send(Uint8Array.from(said));
  await rounds(3);
  end(peer);
  const [reason] = reasons(await Promise.race([server.stop(), peer.over.then(() => server.stop())]));
  peer.leave();
  return [frames, reason];
};

for (const version of ['TLSv1.3', 'TLSv1.2'] as const) {
  test(`an end that was cut is told from one that was sent, ${version}`, async () => {
    const end = (peer: TlsPeer): void => peer.end();
    const cut = (peer: TlsPeer): void => peer.cut();
    assert.equal(await framed([1, 7, 2, 7, 7], end, version), [[1, 2], 'finished']);
    assert.equal(await framed([1, 7, 2, 7, 7], cut, version), [[1, 2], 'TlsTruncated']);
    assert.equal(await framed([1, 7, 2, 7], end, version), [[1], 'TruncatedFrame']);
    assert.equal(await framed([1, 7, 2, 7], cut, version), [[1], 'TlsTruncated']);
  });
}

for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const) {
  test(`so is that of a server that is dialled, ${maxVersion}`, async () => {
    const raw = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1');
    await once(raw, 'listening');
    const { port } = raw.address() as AddressInfo;
    const seen: string[] = [];
    for (const ending of ['end', 'cut'] as const) {
      const accepting = once(raw, 'connection') as Promise<[Socket]>;
      const dialling = lastValueFrom(dial({ port, tls: { ca: root.cert } }));
      const [socket] = await accepting;
      const [connection, far] = await Promise.all([dialling, acceptOver(socket, { ...pairOf(local), maxVersion })]);
      assert.is(connection.tls?.protocol, maxVersion);
      far.read().send('hello');
      far[ending]();
      const said = await lastValueFrom(connection.reads).then(String, ({ name }: Error) => name);
      seen.push(`${ending} ${said}`);
      connection.abort();
      far.leave();
    }
    assert.equal(seen, ['end hello', 'cut TlsTruncated']);
    raw.close();
  });
}

test('all that came before a cut comes, however late it is read', async () => {
  for (const size of [10, 100_000, 3_000_000]) {
    for (const ending of ['end', 'cut'] as const) {
      const accepted = new Subject<Connection>();
      const connecting = firstValueFrom(accepted);
      const opening = new Subject<number>();
      const opened = firstValueFrom(opening);
      const listening = listen({
        port: 0,
        tls: own,
        onListening: ({ port }) => opening.next(port as number),
      }).subscribe(accepted);
      const peer = await dialTls({ port: await opened }, trusting);
      const connection = await connecting;
      listening.unsubscribe();
      peer.stream.write(new Uint8Array(size), () => peer[ending]());
      await rounds(20);
      let came = 0;
      const over = await new Promise((done) => {
        connection.reads.subscribe({
          next: (chunk) => {
            came += chunk.length;
          },
          complete: () => done('|'),
          error: ({ _tag }: { _tag: string }) => done(_tag),
        });
      });
      assert.equal([came, over], [size, ending === 'cut' ? 'TlsTruncated' : '|']);
      connection.abort();
      peer.leave();
    }
  }
});

test('a server of ours that aborts has its client see a cut, and not an end', async () => {
  const server = await loopback(
    serve((reads, connection) => {
      setTimeout(() => connection.abort(), 5);
      return reads;
    }),
    { tls: own },
  );
  const connection = await lastValueFrom(dial({ port: server.port, tls: { ca: root.cert } }));
  const error: unknown = await lastValueFrom(concat(connection.reads, NEVER)).catch((thrown: unknown) => thrown);
  assert.ok(['TlsTruncated', 'ConnectionReset'].includes((error as Error).name), String(error));
  await server.stop();
});

// ── keys and certificates that change ─────────────────────────────────────────────────────────────────────────────────

test('what is read again is for who comes; who is there stays', async () => {
  const next = certify({ name: 'next', hosts: ['localhost'], by: root });
  const tls = tlsFrom(own);
  const server = await echoing(tls);
  const before = await dialTls({ port: server.port }, trusting);
  assert.is(await shownTo(server.port), 'localhost');
  tls.reload(pairOf(next));
  assert.is(await shownTo(server.port), 'next');
  for (const [changes, type, message] of [
    [{ cert: ann.cert }, TypeError, /^tls cannot be used: /],
    [{ cert: '' }, TypeError, /^tls.cert must be a text or bytes, and not empty$/],
    [{ certs: '' }, TypeError, /^tls has no option certs here$/],
    [{ servername: 'x' }, TypeError, /^tls has no option servername here$/],
    [{ key: undefined, cert: undefined }, TypeError, /^tls must have a key and a cert$/],
    [null, TypeError, /^changes must be an object, got null$/],
  ] as const) {
    assert.throws(() => tls.reload(changes as TlsServerOptions), raised(type, message));
  }
  assert.is(await shownTo(server.port), 'next');
  // Anything may change: now it asks for certificates, and speaks the newest version only.
  tls.reload({ requestCert: true, ca: root.cert, minVersion: 'TLSv1.3' });
  await hello(server.port, { ...trusting, ...pairOf(ann) });
  assert.is(server.connections.at(-1)?.tls?.certificate?.subject, 'CN=ann');
  await answered(before);
  await server.stop();
});

/** The ways in which a new key and certificate come to where the old ones are. */
const replacing: Readonly<Record<string, (at: Folder, next: Certified, failed: () => Promise<unknown>) => unknown>> = {
  'written over, at once': ({ put }, next) => put(next),
  'written over, the one well after the other': async ({ keyFile, certFile }, next, failed) => {
    writeFileSync(keyFile, next.key);
    assert.match(((await failed()) as Error).message, /^tls cannot be used: .*key/i);
    writeFileSync(certFile, next.cert);
  },
  'written in two steps, between which it is empty': async ({ keyFile, certFile }, next, failed) => {
    writeFileSync(certFile, '');
    await failed();
    writeFileSync(keyFile, next.key);
    await failed();
    writeFileSync(certFile, next.cert);
  },
  'put in their places by a rename': ({ keyFile, certFile }, next) => {
    for (const [file, content] of [
      [keyFile, next.key],
      [certFile, next.cert],
    ] as const) {
      writeFileSync(`${file}.new`, content);
      renameSync(`${file}.new`, file);
    }
  },
  'gone for a while': async ({ keyFile, certFile, put }, next, failed) => {
    rmSync(keyFile);
    rmSync(certFile);
    assert.match(
      ((await failed()) as Error).message,
      /^tls.certFile cannot be read: ENOENT|^tls.keyFile cannot be read/,
    );
    put(next);
  },
  'behind a link that is turned, as Kubernetes does it': ({ directory, link }, next) => {
    mkdirSync(join(directory, 'next'));
    writeFileSync(join(directory, 'next', 'key.pem'), next.key);
    writeFileSync(join(directory, 'next', 'cert.pem'), next.cert);
    symlinkSync('next', `${link}.new`);
    renameSync(`${link}.new`, link);
  },
};

/** A key and a certificate in a folder, found through a link to where they are. */
class Folder {
  readonly directory = mkdtempSync(join(tmpdir(), 'sluice-tls-'));
  readonly link = join(this.directory, 'current');
  readonly keyFile = join(this.link, 'key.pem');
  readonly certFile = join(this.link, 'cert.pem');

  constructor() {
    mkdirSync(join(this.directory, 'first'));
    symlinkSync('first', this.link);
    this.put(local);
  }

  readonly put = ({ key, cert }: Certified): void => {
    writeFileSync(this.keyFile, key);
    writeFileSync(this.certFile, cert);
  };
}

for (const [how, replace] of Object.entries(replacing)) {
  test(`files are read again when they change: ${how}`, async () => {
    const folder = new Folder();
    const { keyFile, certFile } = folder;
    const told = new Subject<unknown>();
    const tls = tlsFrom({ keyFile, certFile, watch: 10, onReload: (error) => told.next(error) });
    const server = await echoing(tls);
    const before = await dialTls({ port: server.port }, trusting);
    await replace(folder, certify({ name: 'next', by: root }), async () => {
      const error = await firstValueFrom(told.pipe(filter((given) => given !== undefined)));
      assert.is(await shownTo(server.port), 'localhost');
      return error;
    });
    await firstValueFrom(told.pipe(filter((error) => error === undefined)));
    assert.is(await shownTo(server.port), 'next');
    await answered(before);
    // No more is told while nothing changes, and nothing is looked at any more.
    const more: unknown[] = [];
    told.subscribe((error) => more.push(error));
    await rounds(30);
    tls.close();
    writeFileSync(certFile, 'nothing of use');
    await rounds(30);
    assert.equal(more, []);
    await server.stop();
    rmSync(folder.directory, { recursive: true });
  });
}

test('what changes right after it was read is no less a change', async () => {
  const { keyFile, certFile, directory, put } = new Folder();
  const reading = new Subject<unknown>();
  const read = firstValueFrom(reading);
  const tls = tlsFrom({ keyFile, certFile, watch: 10, onReload: (error) => reading.next(error) });
  put(certify({ name: 'next', by: root, days: 9 }));
  assert.is(await read, undefined);
  assert.ok(Number(tls.expires) > Date.now() + 8 * 86_400_000);
  tls.close();
  rmSync(directory, { recursive: true });
});

test('says when a certificate is not good any more', () => {
  const day = 86_400_000;
  const soon = pairOf(certify({ name: 'soon', by: root, days: 1 }));
  const tls = tlsFrom({ ...pairOf(certify({ name: 'late', by: root, days: 5 })), sni: { soon } });
  assert.ok(Math.abs(Number(tls.expires) - Date.now() - day) < day / 2);
  tls.reload({ sni: {} });
  assert.ok(Math.abs(Number(tls.expires) - Date.now() - 5 * day) < day / 2);
  assert.is(tlsFrom({ ca: root.cert }).expires, undefined);
});

test('for a client what is read again is for the next dial', async () => {
  const bob = certify({ name: 'bob', by: root });
  const server = await echoing({ ...own, requestCert: true, ca: root.cert });
  const tls = tlsFrom({ ca: root.cert, ...pairOf(ann) });
  const names: (string | undefined)[] = [];
  const dialling = dial({ port: server.port, tls });
  for (const change of [{}, pairOf(bob)]) {
    tls.reload(change);
    const connection = await lastValueFrom(dialling);
    of(bytes('x')).pipe(connection.writes).subscribe();
    await lastValueFrom(connection.reads);
    names.push(server.connections.at(-1)?.tls?.certificate?.subject);
  }
  assert.equal(names, ['CN=ann', 'CN=bob']);
  await server.stop();
});

// ── sessions ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A session with a server, to be taken up again. */
const sessionWith = async (port: number, options: TlsConnectOptions = trusting): Promise<Buffer> => {
  const socket = tlsConnect({ port, ...options });
  const [session] = (await once(socket, 'session')) as [Buffer];
  socket.destroy();
  return session;
};

const resumes = async (port: number, session: Buffer, options: TlsConnectOptions = trusting): Promise<boolean> => {
  const socket = tlsConnect({ port, session, ...options });
  await once(socket, 'secureConnect');
  const resumed = socket.isSessionReused();
  socket.destroy();
  return resumed;
};

test('sessions are taken up again, by a server that has the secret', async () => {
  const ticketSecret = 'a secret of some length, shared by all of them';
  const servers = [
    await echoing(own),
    await echoing({ ...own, ticketSecret }),
    await echoing({ ...own, ticketSecret: Buffer.from(ticketSecret) }),
  ] as const;
  const [alone, one, other] = servers.map(({ port }) => port) as [number, number, number];
  for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const) {
    const options = { ...trusting, maxVersion };
    assert.ok(await resumes(alone, await sessionWith(alone, options), options));
    assert.ok(await resumes(one, await sessionWith(one, options), options));
    assert.ok(await resumes(other, await sessionWith(one, options), options));
    assert.not.ok(await resumes(alone, await sessionWith(one, options), options));
    assert.not.ok(await resumes(one, await sessionWith(alone, options), options));
  }
  for (const server of servers) await server.stop();
});

test('the keys of tickets change with the time, for all at once', async () => {
  const ticketSecret = 'a secret of some length, shared by all of them';
  const scheduler = new ManualClock();
  const servers = [
    await echoing({ ...own, ticketSecret, ticketRotation: 60_000 }, { scheduler }),
    await echoing({ ...own, ticketSecret, ticketRotation: 60_000 }, { scheduler }),
    await echoing({ ...own, ticketRotation: 60_000 }, { scheduler }),
  ] as const;
  const [one, other, alone] = servers.map(({ port }) => port) as [number, number, number];
  const session = await sessionWith(one);
  const ofAlone = await sessionWith(alone);
  scheduler.advance(59_000);
  assert.ok(await resumes(other, session));
  assert.ok(await resumes(alone, ofAlone));
  scheduler.advance(1_000);
  assert.not.ok(await resumes(other, session));
  assert.not.ok(await resumes(one, session));
  assert.not.ok(await resumes(alone, ofAlone));
  assert.ok(await resumes(other, await sessionWith(one)));
  for (const server of servers) await server.stop();
});

test('a session is not taken up again by a server that trusts others by now', async () => {
  const tls = tlsFrom({ ...own, requestCert: true, ca: [root.cert, otherRoot.cert] });
  const server = await echoing(tls);
  const options = { ...trusting, ...pairOf(stranger), maxVersion: 'TLSv1.2' } as const;
  const session = await sessionWith(server.port, options);
  tls.reload();
  assert.ok(await resumes(server.port, session, options));
  tls.reload({ ca: root.cert });
  const events = server.events.length;
  await resumes(server.port, session, options).catch(() => false);
  await until(() => server.events.length > events);
  assert.is(refusal(server.events.at(-1)), 'handshake-failed UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  await server.stop();
});

test('a client of ours that dials again takes up its session', async () => {
  const server = await echoing(own);
  const resumed: (boolean | undefined)[] = [];
  await lastValueFrom(
    dial({ port: server.port, tls: { ca: root.cert }, reconnect: { initial: 1 } }).pipe(
      take(3),
      tap((connection) => {
        resumed.push(connection.tls?.resumed);
        of(bytes('x'))
          .pipe(connection.writes)
          .subscribe({ error: () => {} });
        connection.reads.subscribe({ error: () => {} });
      }),
    ),
  );
  assert.equal(resumed, [false, true, true]);
  assert.ok(server.connections.at(1)?.tls?.resumed);
  await server.stop();
});

// ── dialling ──────────────────────────────────────────────────────────────────────────────────────────────────────────

test('a server that is not who it should be is not dialled', async () => {
  const gone = assertNoLeaks();
  const server = await echoing(own);
  const old = await echoing(pairOf(certify({ name: '127.0.0.1', by: root, days: -1 })));
  const selfSigned = await echoing(pairOf(certify({ name: '127.0.0.1' })));
  const plain = await loopback(serve(() => of(bytes('220 hello\r\n'))));
  const { ca } = trusting;
  assert.is(await dialFailure(server.port, { ca }), undefined);
  assert.is(await dialFailure(server.port, true), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  assert.is(await dialFailure(server.port, { ca, servername: 'other.example' }), 'ERR_TLS_CERT_ALTNAME_INVALID');
  assert.is(await dialFailure(old.port, { ca }), 'CERT_HAS_EXPIRED');
  assert.is(await dialFailure(selfSigned.port, { ca }), 'DEPTH_ZERO_SELF_SIGNED_CERT');
  assert.is(await dialFailure(plain.port, { ca }), 'ERR_SSL_WRONG_VERSION_NUMBER');
  const error = (await lastValueFrom(dial({ port: plain.port, tls: true })).catch(
    (thrown: unknown) => thrown,
  )) as DialFailed;
  assert.is(error.message, `cannot connect to 127.0.0.1:${plain.port}: ERR_SSL_WRONG_VERSION_NUMBER`);
  assert.is((error.cause as Error).name, 'TlsFailed');
  const insecure = await lastValueFrom(dial({ port: selfSigned.port, tls: { rejectUnauthorized: false } }));
  assert.is(insecure.tls?.authorizationError, 'DEPTH_ZERO_SELF_SIGNED_CERT');
  insecure.abort();
  server.cut();
  for (const other of [old, selfSigned, plain]) other.cut();
  await gone();
});

test('a server that says nothing is given up in time, and so is who does not want any more', async () => {
  const gone = assertNoLeaks();
  const raw = createServer().listen(0, '127.0.0.1');
  await once(raw, 'listening');
  const { port } = raw.address() as AddressInfo;
  const sockets: Socket[] = [];
  raw.on('connection', (socket) => sockets.push(socket));
  const clock = new ManualClock();
  const failing = lastValueFrom(dial({ port, tls: true, scheduler: clock })).catch((error: unknown) => error);
  await until(() => sockets.length === 1);
  await rounds();
  clock.advance(10_000);
  assert.is(((await failing) as Error).name, 'DialTimeout');
  const early = lastValueFrom(dial({ port, tls: { handshakeTimeout: 5_000 }, scheduler: clock })).catch(codeOf);
  await until(() => sockets.length === 2);
  await rounds();
  clock.advance(5_001);
  assert.is(await early, 'ERR_TLS_HANDSHAKE_TIMEOUT');
  const dialling = dial({ port, tls: true }).subscribe();
  await until(() => sockets.length === 3);
  dialling.unsubscribe();
  sockets[2]?.on('error', () => {}).resume();
  await once(sockets[2] as Socket, 'close');
  for (const socket of sockets) socket.destroy();
  raw.close();
  await gone();
});

test('a peer that accepts by Node, and one that ends in mid-handshake', async () => {
  const gone = assertNoLeaks();
  const raw = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(raw, 'listening');
  const { port } = raw.address() as AddressInfo;
  const accepting = once(raw, 'connection') as Promise<[Socket]>;
  const dialling = lastValueFrom(dial({ port, tls: { ca: root.cert } }));
  const [socket] = await accepting;
  const [connection, far] = await Promise.all([dialling, acceptOver(socket, pairOf(local))]);
  far.read().end();
  await lastValueFrom(connection.reads, { defaultValue: null });
  far.leave();
  raw.once('connection', (one: Socket) => one.resume().end());
  assert.is(await dialFailure(port, { ca: root.cert }), 'ECONNRESET');
  raw.close();
  await gone();
});

// ── with others ───────────────────────────────────────────────────────────────────────────────────────────────────────

test('a server with a registry tells whom it refused, and knows who is there', async () => {
  const server = createSluice('secure', (reads: Observable<Uint8Array>) => reads, {
    port: 0,
    tls: { ...own, requestCert: true, ca: root.cert },
  });
  const refused: unknown[] = [];
  server.events.subscribe((event) => {
    if (event.type === 'refused') refused.push(event.reason);
  });
  const { port = 0 } = await server.start();
  const peer = await dialRaw({ port });
  peer.read().send('GET / HTTP/1.1\r\n\r\n');
  await peer.over;
  await until(() => refused.length > 0);
  assert.equal(refused, ['handshake-failed']);
  const known = await dialTls({ port }, { ...trusting, ...pairOf(ann) });
  await rounds();
  const [client] = [...server.clients];
  assert.is(client?.connection.tls?.certificate?.subject, 'CN=ann');
  await answered(known);
  await server.stop();
});

test('bytes in the clear never come out of a server under TLS', async () => {
  const server = await echoing(own);
  const seen: Buffer[] = [];
  const relay = createServer((socket) => {
    const onward = connect(server.port, '127.0.0.1');
    socket.on('error', () => {}).pipe(onward);
    onward
      .on('error', () => {})
      .on('data', (chunk: Buffer) => seen.push(chunk))
      .pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(relay, 'listening');
  await hello((relay.address() as AddressInfo).port);
  relay.close();
  await server.stop();
  assert.ok(seen.length > 0);
  assert.not.ok(Buffer.concat(seen).includes('hello'));
});

test.run();
