// TLS with OpenSSL's own client and server, which know nothing of Node.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Observable, concat, defer, lastValueFrom, map, mergeMap, of, startWith, takeWhile } from 'rxjs';
import * as assert from 'uvu/assert';
import { decodeOr, encodeWith, endLines, frameLines, serve } from '../operators/index.js';
import { type Handler, acceptTls, dial, text } from '../src/index.js';
import { certify } from './kit/certificates.js';
import { loopback } from './kit/loopback.js';
import { type Program, installed, start } from './kit/program.js';
import { reasons } from './kit/reasons.js';
import { suite } from './kit/suite.js';

const test = suite('openssl', undefined, { timeout: 10_000 });

const root = certify({ name: 'a root' });
const local = certify({ name: 'localhost', by: root });
const ann = certify({ name: 'ann', by: root });
const tls = { key: local.key, cert: local.cert };

const directory = mkdtempSync(join(tmpdir(), 'sluice-openssl-'));
const file = (name: string, content: string): string => {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
};
const rootFile = file('root.pem', root.cert);

const client = (port: number, ...more: readonly string[]): Program =>
  start('openssl', [
    ...['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'localhost'],
    ...['-CAfile', rootFile, '-verify_return_error', '-verify_hostname', 'localhost', ...more],
  ]);

const echo = serve((bytes) => bytes);

const speaks = async (): Promise<void> => {
  for (const version of ['-tls1_3', '-tls1_2']) {
    const server = await loopback(
      serve((bytes, connection) =>
        bytes.pipe(map((chunk) => Buffer.concat([chunk, Buffer.from(`${connection.tls?.alpn}\n`)]))),
      ),
      { tls: { ...tls, alpn: ['echo/1'] } },
    );
    const program = client(server.port, version, '-alpn', 'echo/1', '-quiet', '-no_ign_eof');
    program.say('hello\n');
    await program.printed(/^hello\necho\/1$/m);
    program.close();
    assert.is(await program.exited, 0);
    assert.equal(reasons(await server.stop()), ['finished'], version);
  }
};

const shows = async (): Promise<void> => {
  const names: (string | undefined)[] = [];
  const server = await loopback(
    serve((bytes, connection) => {
      names.push(connection.tls?.certificate?.subject);
      return bytes;
    }),
    { tls: { ...tls, requestCert: true, ca: root.cert } },
  );
  const certificate = ['-cert', file('ann.pem', ann.cert), '-key', file('ann.key', ann.key)];
  const program = client(server.port, '-quiet', '-no_ign_eof', ...certificate);
  program.say('hello\n');
  await program.printed(/^hello$/m);
  program.close();
  assert.is(await program.exited, 0);
  const without = client(server.port, '-quiet', '-no_ign_eof');
  without.say('hello\n');
  assert.is.not(await without.exited, 0);
  assert.equal(names, ['CN=ann']);
  assert.equal(reasons(await server.stop()), ['finished']);
};

const renegotiates = async (): Promise<void> => {
  const server = await loopback(echo, { tls });
  const program = client(server.port, '-tls1_2');
  await program.printed(/Verify return code: 0 \(ok\)/);
  program.say('R\n');
  await program.exited;
  const [outcome] = (await server.stop()) as unknown as [{ readonly left: { readonly error: { code?: string } } }];
  assert.is(outcome.left.error.code, 'ERR_TLS_RENEGOTIATION_DISABLED');
};

const leaves = async (): Promise<void> => {
  const server = await loopback(echo, { tls });
  const program = client(server.port, '-quiet');
  program.say('hello\n');
  await program.printed(/^hello$/m);
  program.signal('SIGKILL');
  await program.exited;
  assert.ok(['TlsTruncated', 'ConnectionReset'].includes(reasons(await server.stop()).join()));
};

const said = (lines: Observable<string>): Observable<Uint8Array> =>
  lines.pipe(encodeWith(text), endLines({ ending: 'crlf' }));

/** As much of RFC 3207 as a client wants to hear. */
const mail: Handler = (bytes, connection) => {
  const lines = (all: Observable<Uint8Array>): Observable<string> =>
    all.pipe(frameLines({ ending: 'crlf' }), decodeOr(text, 'end'));
  return concat(
    lines(bytes).pipe(
      takeWhile((line) => line !== 'STARTTLS', true),
      mergeMap((line) => (line === 'STARTTLS' ? ['220 go ahead'] : ['250-at your service', '250 STARTTLS'])),
      startWith('220 mail.example'),
      said,
    ),
    acceptTls(connection, tls),
    defer(() =>
      lines(connection.reads).pipe(
        map((line) => `250 ${line}`),
        said,
      ),
    ),
  );
};

const turns = async (): Promise<void> => {
  const server = await loopback(serve(mail));
  const program = client(server.port, '-starttls', 'smtp', '-quiet', '-no_ign_eof', '-crlf');
  program.say('hello\n');
  await program.printed(/^250 hello\r?$/m);
  program.close();
  assert.is(await program.exited, 0);
  assert.equal(reasons(await server.stop()), ['finished']);
};

const dials = async (): Promise<void> => {
  const files = ['-key', file('key.pem', local.key), '-cert', file('cert.pem', local.cert)];
  const program = start('openssl', ['s_server', '-accept', '127.0.0.1:0', ...files, '-rev', '-alpn', 'rev']);
  const [, port] = await program.printed(/^ACCEPT \S+:(\d+)/m);
  const trusting = { ca: root.cert, servername: 'localhost', alpn: ['rev'] };
  const connection = await lastValueFrom(dial({ port: Number(port), tls: trusting }));
  assert.is(connection.tls?.alpn, 'rev');
  of(new TextEncoder().encode('hello\n'))
    .pipe(connection.writes)
    .subscribe({ error: () => {} });
  const answer = await lastValueFrom(connection.reads.pipe(takeWhile((chunk) => !chunk.includes(10), true)));
  assert.is(Buffer.from(answer).toString(), 'olleh\n');
  program.signal('SIGKILL');
  await program.exited;
};

const tests = {
  'its client is served, and its end understood': speaks,
  'its client shows a certificate': shows,
  'its client would negotiate again, and is cut off': renegotiates,
  'its client is killed, and that is no end': leaves,
  'its client turns to TLS in mid-stream, as for mail': turns,
  'its server is dialled': dials,
};

const there = installed('openssl');
if (!there) console.log('SKIPPED: openssl is not installed (Debian: openssl)');
for (const [title, body] of Object.entries(tests)) {
  if (there) test(title, body);
  else test.skip(title);
}
test.after(() => rmSync(directory, { recursive: true }));

test.run();
