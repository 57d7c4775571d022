import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import {
  EMPTY,
  NEVER,
  type Observable,
  Subject,
  concat,
  defer,
  ignoreElements,
  lastValueFrom,
  map,
  merge,
  mergeMap,
  of,
  take,
  takeWhile,
  tap,
  timer,
} from 'rxjs';
import * as assert from 'uvu/assert';
import { authenticate, copy, decodeOr, encodeWith, endLines, frameLines, mapAsync, serve } from '../operators/index.js';
import {
  type Connection,
  type Handler,
  type TlsClientOptions,
  acceptTls,
  dial,
  fromDuplex,
  line as byLine,
  memory,
  requestTls,
  text,
  tlsFrom,
  tokenGate,
} from '../src/index.js';
import { assertNoLeaks } from '../src/testing/leaks.js';
import { certify } from './kit/certificates.js';
import { loopback } from './kit/loopback.js';
import { ManualClock } from './kit/manual-clock.js';
import { StreamPeer } from './kit/peer.js';
import { rounds } from './kit/quiet.js';
import { raised } from './kit/raised.js';
import { reasons } from './kit/reasons.js';
import { suite } from './kit/suite.js';
import { carrierPair, carrierTo, over } from './kit/tls-peer.js';

const test = suite('turning to TLS');

const root = certify({ name: 'a root' });
const own = certify({ name: 'mail.example', by: root });
const tls = { key: own.key, cert: own.cert };
const trusting = { ca: root.cert, servername: 'mail.example' };

const lines = (bytes: Observable<Uint8Array>): Observable<string> => bytes.pipe(frameLines(), decodeOr(text, 'end'));
const said = (answers: Observable<string>): Observable<Uint8Array> => answers.pipe(encodeWith(text), endLines());

/** What is said in the clear, to the words with which both turn to TLS. */
const inTheClear = (bytes: Observable<Uint8Array>, heard: string[] = []): Observable<Uint8Array> =>
  lines(bytes).pipe(
    tap((line) => heard.push(line)),
    takeWhile((line) => line !== 'STARTTLS', true),
    map((line) => (line === 'STARTTLS' ? 'go ahead' : `clear ${line}`)),
    said,
  );

const underTls = (connection: Connection, heard: string[] = []): Observable<Uint8Array> =>
  defer(() =>
    lines(connection.reads).pipe(
      tap((line) => heard.push(line)),
      map((line) => `${connection.tls?.protocol} ${line}`),
      said,
    ),
  );

const mail =
  (heard: string[] = []): Handler =>
  (bytes, connection) =>
    concat(inTheClear(bytes, heard), acceptTls(connection, tls), underTls(connection, heard));

test('what is said in the clear, the turn, and what is said under TLS', async () => {
  const gone = assertNoLeaks();
  const server = await loopback(serve(mail()));
  const carrier = await carrierTo({ port: server.port });
  const clear = new StreamPeer(carrier);
  clear.read().send('hello\n');
  assert.is(await clear.heard(12), 'clear hello\n');
  clear.send('STARTTLS\n');
  assert.is(await clear.heard(21), 'clear hello\ngo ahead\n');
  carrier.removeAllListeners('data').removeAllListeners('end');
  const peer = await over(carrier, trusting);
  peer.read().send('hello\n');
  assert.is(await peer.heard(14), 'TLSv1.3 hello\n');
  peer.end();
  assert.is(await peer.over, 'end');
  assert.equal(reasons(await server.stop()), ['finished']);
  peer.leave();
  await gone();
});

/** Says all of it at once, in the clear, and gives how the server's connection ends, and what it took for said. */
const injecting = async (chunks: readonly string[], handler?: (heard: string[]) => Handler): Promise<unknown[]> => {
  const heard: string[] = [];
  const gone = assertNoLeaks();
  const server = await loopback(serve((handler ?? mail)(heard)));
  const peer = await server.dial();
  peer.read();
  for (const chunk of chunks) {
    peer.send(chunk);
    await rounds(2);
  }
  await peer.over;
  const outcomes = reasons(await server.stop());
  peer.leave();
  await gone();
  return [...outcomes, ...heard];
};

test('bytes in the clear that came with the agreement are refused (CVE-2011-0411)', async () => {
  assert.equal(await injecting(['STARTTLS\nEVIL\n']), ['PlaintextRefused', 'STARTTLS']);
  // Also where they are no whole frame, and where somebody works at the one before.
  assert.equal(await injecting(['hello\nSTARTTLS\nEV']), ['PlaintextRefused', 'hello', 'STARTTLS']);
  const slow =
    (heard: string[]): Handler =>
    (bytes, connection) =>
      concat(
        lines(bytes).pipe(
          mapAsync(
            1,
            async (line) => {
              await rounds(1);
              heard.push(line);
              return line;
            },
            { highWater: 1 },
          ),
          takeWhile((line) => line !== 'STARTTLS', true),
          map(() => 'go ahead'),
          said,
        ),
        acceptTls(connection, tls),
        underTls(connection, heard),
      );
  assert.equal(await injecting(['STARTTLS\nEVIL\nMORE\nAND\nMORE\n'], slow), ['PlaintextRefused', 'STARTTLS']);
});

test('behind a gate they are refused as well, and who turns there speaks TLS', async () => {
  const gate = tokenGate([['s3cret', 'ann']]);
  const behind = (heard: string[] = []): Handler => authenticate(gate, mail(heard), { framing: byLine() });
  assert.equal(await injecting(['s3cret\nSTARTTLS\nEVIL\n'], behind), ['PlaintextRefused', 'STARTTLS']);
  assert.equal(await injecting(['s3cret\n', 'STARTTLS\nEV'], behind), ['PlaintextRefused', 'STARTTLS']);
  const gone = assertNoLeaks();
  const server = await loopback(serve(behind()));
  const carrier = await carrierTo({ port: server.port });
  const clear = new StreamPeer(carrier);
  clear.read().send('s3cret\nSTARTTLS\n');
  assert.is(await clear.heard(9), 'go ahead\n');
  carrier.removeAllListeners('data').removeAllListeners('end');
  const peer = await over(carrier, trusting);
  peer.read().send('hello\n');
  assert.is(await peer.heard(14), 'TLSv1.3 hello\n');
  peer.end();
  assert.is(await peer.over, 'end');
  assert.equal(reasons(await server.stop()), ['finished']);
  peer.leave();
  await gone();
});

test('so are those that came before the turn was made', async () => {
  const late =
    (heard: string[]): Handler =>
    (bytes, connection) =>
      concat(
        inTheClear(bytes, heard),
        timer(20).pipe(ignoreElements()),
        acceptTls(connection, tls),
        underTls(connection, heard),
      );
  assert.equal(await injecting(['STARTTLS\n', 'EVIL\n'], late), ['PlaintextRefused', 'STARTTLS']);
});

test('and those that come after it are no handshake', async () => {
  assert.equal(await injecting(['STARTTLS\n', 'EVIL\n']), ['TlsFailed', 'STARTTLS']);
});

test('the reader may leave the cutting to others: what they have is lost, and never heard', async () => {
  const uncut =
    (heard: string[]): Handler =>
    (bytes, connection) =>
      concat(
        bytes.pipe(
          take(1),
          tap((chunk) => heard.push(Buffer.from(chunk).toString())),
          map(() => new TextEncoder().encode('go ahead\n')),
        ),
        acceptTls(connection, tls),
        underTls(connection, heard),
      );
  assert.equal(await injecting(['STARTTLS\nEVIL\n', 'MORE\n'], uncut), ['TlsFailed', 'STARTTLS\nEVIL\n']);
});

/** Dials a server of ours, turns to TLS and says hello. */
const asking = (port: number, options: TlsClientOptions & { servername: string }): Promise<string> =>
  lastValueFrom(
    dial({ port }).pipe(
      mergeMap((connection) => {
        const answers = new Subject<string>();
        return merge(
          answers,
          concat(
            said(of('STARTTLS')),
            lines(connection.reads).pipe(
              take(1),
              tap((line) => assert.is(line, 'go ahead')),
              ignoreElements(),
            ),
            requestTls(connection, options),
            said(of('hello')),
            defer(() =>
              lines(connection.reads).pipe(
                take(1),
                tap((line) => answers.next(`${line} ${connection.tls?.authorized}`)),
                ignoreElements(),
              ),
            ),
            defer(() => {
              answers.complete();
              return EMPTY;
            }),
          ).pipe(connection.writes),
        );
      }),
    ),
  );

test('a client of ours turns, too', async () => {
  const gone = assertNoLeaks();
  const server = await loopback(serve(mail()));
  assert.is(await asking(server.port, trusting), 'TLSv1.3 hello true');
  assert.is(await asking(server.port, { ...trusting, maxVersion: 'TLSv1.2' }), 'TLSv1.2 hello true');
  assert.equal(reasons(await server.stop()), ['finished', 'finished']);
  await gone();
});

test('and does not where the other is not who it says', async () => {
  const gone = assertNoLeaks();
  const server = await loopback(serve(mail()));
  for (const [options, code] of [
    [{ servername: 'mail.example' }, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    [{ ...trusting, servername: 'other.example' }, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ] as const) {
    const error = (await asking(server.port, options).catch((thrown: unknown) => thrown)) as { code: string };
    assert.is(error.code, code);
  }
  await server.stop();
  await gone();
});

test('what others write meanwhile waits, and goes under TLS', async () => {
  const others = new Subject<string>();
  const server = await loopback(
    serve((bytes, connection) =>
      merge(concat(inTheClear(bytes), acceptTls(connection, tls), underTls(connection)), said(others)),
    ),
  );
  const carrier = await carrierTo({ port: server.port });
  const clear = new StreamPeer(carrier);
  clear.read().send('STARTTLS\n');
  await clear.heard(9);
  others.next('meanwhile');
  await rounds();
  assert.is(clear.text, 'go ahead\n');
  carrier.removeAllListeners('data').removeAllListeners('end');
  const peer = await over(carrier, trusting);
  assert.is(await peer.read().heard(10), 'meanwhile\n');
  peer.end();
  others.complete();
  await peer.over;
  assert.equal(reasons(await server.stop()), ['finished']);
  peer.leave();
});

test('much that was said in the clear is said before the turn', async () => {
  const server = await loopback(
    serve((bytes, connection) =>
      concat(
        of(new Uint8Array(4_000_000).fill(0x2e)),
        inTheClear(bytes),
        acceptTls(connection, tls),
        underTls(connection),
      ),
    ),
  );
  const carrier = await carrierTo({ port: server.port });
  const clear = new StreamPeer(carrier);
  clear.send('STARTTLS\n');
  await rounds();
  const all = await clear.read().heard(4_000_009);
  assert.is(all.search(/[^.]/), 4_000_000);
  carrier.removeAllListeners('data').removeAllListeners('end');
  const peer = await over(carrier, trusting);
  peer.read().send('hello\n');
  assert.is(await peer.heard(14), 'TLSv1.3 hello\n');
  peer.end();
  await peer.over;
  assert.equal(reasons(await server.stop()), ['finished']);
  peer.leave();
});

test('over the shared read buffer', async () => {
  const server = await loopback(
    serve((bytes, connection) =>
      concat(inTheClear(bytes), acceptTls(connection, tls), underTls(connection).pipe(copy())),
    ),
    { readBuffer: 'shared' },
  );
  assert.is(await asking(server.port, trusting), 'TLSv1.3 hello true');
  assert.equal(reasons(await server.stop()), ['finished']);
});

test('over any stream', async () => {
  const [one, other] = await carrierPair();
  const served = fromDuplex(one);
  const outcome = lastValueFrom(mail()(served.reads, served).pipe(served.writes), { defaultValue: 'finished' });
  const asked = fromDuplex(other);
  const answers: string[] = [];
  const asks = concat(
    said(of('STARTTLS')),
    lines(asked.reads).pipe(take(1), ignoreElements()),
    requestTls(asked, trusting),
    said(of('hello', 'again')),
  );
  const done = lastValueFrom(asks.pipe(asked.writes), { defaultValue: null });
  await done;
  const reading = lines(asked.reads).pipe(tap((line) => answers.push(line)));
  await lastValueFrom(reading, { defaultValue: null });
  assert.equal(answers, ['TLSv1.3 hello', 'TLSv1.3 again']);
  assert.is(await outcome, 'finished');
});

test('has its time', async () => {
  const clock = new ManualClock();
  const gone = assertNoLeaks();
  const options = tlsFrom({ ...tls, handshakeTimeout: 5_000 });
  const server = await loopback(
    serve((bytes, connection) => concat(inTheClear(bytes), acceptTls(connection, options))),
    { scheduler: clock },
  );
  const peer = await server.dial();
  peer.read().send('STARTTLS\n');
  await peer.heard(9);
  await rounds();
  clock.advance(4_999);
  await rounds();
  assert.equal(server.out, []);
  clock.advance(2);
  await peer.over;
  const [outcome] = (await server.stop()) as unknown as [{ left: { error: { code: string } } }];
  assert.is(outcome.left.error.code, 'ERR_TLS_HANDSHAKE_TIMEOUT');
  peer.leave();
  await gone();
});

test('ends with the connection, whoever ends it', async () => {
  for (const ending of ['peer', 'reset', 'abort', 'end', 'unsubscribe'] as const) {
    const gone = assertNoLeaks();
    const accepted: Connection[] = [];
    const server = await loopback(
      serve((bytes, connection) => {
        accepted.push(connection);
        return concat(inTheClear(bytes), acceptTls(connection, tls));
      }),
    );
    const peer = await server.dial();
    peer.read().send('STARTTLS\n');
    await peer.heard(9);
    await rounds();
    if (ending === 'peer') peer.end();
    else if (ending === 'reset') peer.reset();
    else if (ending === 'abort') accepted[0]?.abort();
    else if (ending === 'end') accepted[0]?.end();
    else server.cut();
    if (ending === 'end') peer.end();
    await Promise.race([peer.over, rounds(50)]);
    if (ending !== 'unsubscribe') assert.is((await server.stop()).length, 1, ending);
    peer.leave();
    await gone();
  }
});

test('aborted in the middle of it, the socket below is not reset, and the error is that of the abort', async () => {
  const raw = createServer().listen(0, '127.0.0.1');
  await once(raw, 'listening');
  const accepting = once(raw, 'connection') as Promise<[Socket]>;
  const carrier = await carrierTo({ port: (raw.address() as AddressInfo).port });
  const [socket] = await accepting;
  let resets = 0;
  socket.resetAndDestroy = () => {
    resets++;
    return socket.destroy();
  };
  const connection = fromDuplex(socket);
  const turning = lastValueFrom(acceptTls(connection, tls)).catch(({ name }: Error) => name);
  // A hello that is not whole, so that there is a handshake under way.
  carrier.write(Uint8Array.of(22, 3, 1, 1, 0, 1, 0, 0, 252, 3, 3));
  await rounds();
  connection.abort();
  assert.is(await turning, 'ConnectionAborted');
  await lastValueFrom(connection.closed, { defaultValue: null });
  assert.is(resets, 0);
  carrier.destroy();
  raw.close();
});

test('a peer that has ended already is not turned to', async () => {
  const gone = assertNoLeaks();
  const server = await loopback(
    serve((bytes, connection) =>
      concat(inTheClear(bytes), timer(5).pipe(ignoreElements()), acceptTls(connection, tls)),
    ),
  );
  const peer = await server.dial();
  peer.read().send('STARTTLS\n');
  peer.end();
  await peer.over;
  assert.equal(reasons(await server.stop()), ['TlsFailed']);
  peer.leave();
  await gone();
});

test('says so where it is not to be had', async () => {
  const [near] = memory();
  assert.throws(() => acceptTls(near, tls), raised(TypeError, /^connection must be over a socket or another stream$/));
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepting = once(server, 'connection') as Promise<[Socket]>;
  const connection = await lastValueFrom(dial({ port: (server.address() as AddressInfo).port }));
  const [socket] = await accepting;
  const failure = (): Promise<unknown> =>
    lastValueFrom(requestTls(connection, trusting)).catch(({ message }: Error) => message);
  const reading = connection.reads.subscribe({ error: () => {} });
  const writing = NEVER.pipe(connection.writes).subscribe({ error: () => {} });
  assert.is(await failure(), `connection ${connection.id} is being read`);
  reading.unsubscribe();
  connection.end();
  assert.is(await failure(), `this side of connection ${connection.id} has ended`);
  connection.abort();
  assert.is(await failure(), 'the connection was aborted by this side');
  writing.unsubscribe();
  socket.destroy();
  server.close();
});

test.run();
