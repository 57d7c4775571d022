// The gates without passwords: a token, a key that is never said, and what the connection itself tells.
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { connectionGate } from '../src/auth/connection-gate.js';
import { hmacGate, hmacLogin } from '../src/auth/hmac.js';
import { identityOf, noteIdentity } from '../src/auth/identity.js';
import { Lockout } from '../src/auth/lockout.js';
import { sameSecret } from '../src/auth/same-secret.js';
import { tokenGate, tokenLogin } from '../src/auth/token.js';
import type { Connection } from '../src/connection/connection.js';
import { NotAuthenticated } from '../src/errors.js';
import { bytes } from './kit/bytes.js';
import { type Result, dialogue, scripted } from './kit/dialogue.js';
import { suite } from './kit/suite.js';

const reason = (result: Result): unknown =>
  'failed' in result && result.failed instanceof NotAuthenticated ? result.failed.reason : result;

// ── tokens ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const tokens = suite('tokenGate');

tokens('lets in who has a token, and says so if it is to', async () => {
  const gate = tokenGate([
    ['s3cret', 'ann'],
    [bytes('\x00\xff'), 'bob'],
  ]);
  assert.equal((await dialogue(gate, tokenLogin('s3cret'))).server, { gave: 'ann' });
  assert.equal((await dialogue(gate, tokenLogin(bytes('\x00\xff')))).server, { gave: 'bob' });
  const polite = tokenGate([['s3cret', 'ann']], { welcome: 'hello', refusal: 'no' });
  const told = await dialogue(polite, tokenLogin('s3cret', { welcome: 'hello' }));
  assert.equal(told, { server: { gave: 'ann' }, client: { gave: true }, said: ['C: s3cret', 'S: hello'] });
});

tokens('sends away who has none: at once, or after being told, to try again', async () => {
  const gate = tokenGate([['s3cret', 'ann']]);
  for (const wrong of ['', 's3cre', 's3cret ', 'S3CRET', 'x'.repeat(1_000)]) {
    assert.is(reason((await dialogue(gate, tokenLogin(wrong))).server), 'refused');
  }
  const patient = tokenGate([['s3cret', 'ann']], { welcome: 'hello', refusal: 'no' });
  const told = await dialogue(patient, tokenLogin('wrong', { welcome: 'hello' }));
  assert.equal([told.server, told.client], [{ gave: undefined }, { gave: undefined }]);
});

tokens('asks who knows them, and waits', async () => {
  const gate = tokenGate(async (token, { peer }) => {
    await Promise.resolve();
    return sameSecret(token, 's3cret') ? { peer } : undefined;
  });
  assert.equal((await dialogue(gate, tokenLogin('s3cret'))).server, { gave: { peer: '192.0.2.1:5' } });
  assert.is(reason((await dialogue(gate, tokenLogin('wrong'))).server), 'refused');
  const failing = tokenGate(() => Promise.reject(new Error('no database')));
  const failed = (await dialogue(failing, tokenLogin('s3cret'))).server;
  assert.is(String('failed' in failed && failed.failed), 'Error: no database');
});

tokens('two secrets are the same if all of them is', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (one, other) => {
      assert.ok(sameSecret(one, Uint8Array.from(one)));
      assert.is(sameSecret(one, other), Buffer.from(one).equals(Buffer.from(other)));
    }),
  );
  assert.ok(sameSecret('é', bytes('\xc3\xa9')));
});

tokens.run();

// ── keys ────────────────────────────────────────────────────────────────────────────────────────────────────────────

const keys = suite('hmacGate');
const KEY = bytes('0123456789abcdef');
const gate = hmacGate((name) => (name === 'ann' ? KEY : undefined));
const ann = hmacLogin({ name: 'ann', key: KEY });

keys('both sides prove that they have the key, and neither says it', async () => {
  const told = await dialogue(gate, ann);
  assert.equal([told.server, told.client], [{ gave: { name: 'ann' } }, { gave: { name: 'ann' } }]);
  assert.is(told.said.length, 3);
  for (const line of told.said) {
    assert.match(line, /^[SC]: [\w.-]+$/);
    assert.not.ok(line.includes(Buffer.from(KEY).toString('base64url')));
  }
  assert.is.not((await dialogue(gate, ann)).said[0], told.said[0]);
});

keys('a wrong key, or name, is refused, and both look the same', async () => {
  for (const login of [hmacLogin({ name: 'ann', key: bytes('x'.repeat(16)) }), hmacLogin({ name: 'bob', key: KEY })]) {
    const told = await dialogue(gate, login);
    assert.equal([told.server, told.client], [{ gave: undefined }, { gave: undefined }]);
    assert.is(told.said.at(-1), 'S: refused');
  }
});

keys('names may be of any letters', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ minLength: 1, unit: 'grapheme' }), async (name) => {
      const told = await dialogue(
        hmacGate((who) => (who === name ? KEY : undefined)),
        hmacLogin({ name, key: KEY }),
      );
      assert.equal([told.server, told.client], [{ gave: { name } }, { gave: { name } }]);
    }),
    { numRuns: 30 },
  );
});

keys('nothing that was said before is of use again, to either side', async () => {
  const { said } = await dialogue(gate, ann);
  const [nonce = '', answer = '', proof = ''] = said.map((line) => line.slice(3));
  const again = await dialogue(gate, scripted(null, answer, null));
  assert.is(again.said.at(-1), 'S: refused');
  assert.is(reason((await dialogue(scripted(nonce, null, proof), ann)).client), 'unproven');
  // Its own proof, sent back to it.
  const mirrored = scripted(nonce, null, answer.split('.')[2] ?? '');
  assert.is(reason((await dialogue(mirrored, ann)).client), 'unproven');
});

for (const [name, answer] of [
  ['nothing', ''],
  ['too few parts', 'YW5u.YW5u'],
  ['too many parts', `YW5u.${'A'.repeat(43)}.${'A'.repeat(43)}.x`],
  ['a short nonce', `YW5u.${'A'.repeat(42)}.${'A'.repeat(43)}`],
  ['a short proof', `YW5u.${'A'.repeat(43)}.`],
  ['another form of base64', `YW5u.${'A'.repeat(42)}B.${'A'.repeat(43)}`],
  ['padding', `YW5u.${'A'.repeat(43)}=.${'A'.repeat(43)}`],
  ['a name that is not UTF-8', `_w.${'A'.repeat(43)}.${'A'.repeat(43)}`],
] as const) {
  keys(`the server does not take ${name} for an answer`, async () => {
    assert.is(reason((await dialogue(gate, scripted(null, answer))).server), 'malformed');
  });
}

for (const challenge of ['', 'hello', 'A'.repeat(42), `${'A'.repeat(42)}B`]) {
  keys(`the client does not answer ${JSON.stringify(challenge)}`, async () => {
    assert.is(reason((await dialogue(scripted(challenge), ann)).client), 'malformed');
  });
}

keys('no name is known whatever a program calls nothing', async () => {
  for (const nothing of [undefined, null, false] as const) {
    const told = await dialogue(
      hmacGate(async () => nothing),
      ann,
    );
    assert.equal([told.said.at(-1), told.server], ['S: refused', { gave: undefined }]);
  }
});

keys('a key that is looked up and is none is the program’s own error, and not shown', async () => {
  const broken = hmacGate(() => bytes('short secret'));
  const failed = (await dialogue(broken, ann)).server;
  assert.is(String('failed' in failed && failed.failed), 'RangeError: key must have 16 bytes or more, got 12');
});

keys.run();

// ── the rest ────────────────────────────────────────────────────────────────────────────────────────────────────────

const others = suite('connectionGate, identityOf, lockout');

others('who a peer is its connection may tell; and there is no second try', async () => {
  const byAddress = connectionGate(({ peer }) => (peer.startsWith('192.0.2.') ? 'friend' : undefined));
  assert.equal((await dialogue(byAddress, scripted())).server, { gave: 'friend' });
  const nobody = connectionGate(async () => undefined);
  assert.is(reason((await dialogue(nobody, scripted())).server), 'refused');
});

others('an identity is known by the gate that has found it out', () => {
  const connection = { peer: 'a' } as Connection;
  const other = connectionGate(() => 'x');
  noteIdentity(connection, gate, { name: 'ann' });
  assert.equal(identityOf(connection, gate), { name: 'ann' });
  assert.is(identityOf(connection, other), undefined);
  assert.is(identityOf({ peer: 'a' } as Connection, gate), undefined);
});

others('an address that fails is kept out, for twice as long each time, and forgotten in the end', () => {
  const lockout = new Lockout({ after: 3, first: 100, longest: 500, forget: 10_000 });
  let now = 0;
  const until = (): number => {
    let at = now;
    while (lockout.keepsOut('a', at)) at++;
    return at - now;
  };
  const waits = Array.from({ length: 8 }, () => {
    lockout.failed('a', now);
    const wait = until();
    now += wait;
    return wait;
  });
  assert.equal(waits, [0, 0, 100, 200, 400, 500, 500, 500]);
  assert.not.ok(lockout.keepsOut('b', now));
  now += 9_999;
  lockout.failed('a', now);
  assert.is(until(), 500, 'not forgotten yet');
  now += 500 + 10_000;
  lockout.failed('a', now);
  assert.is(until(), 0, 'forgotten');
});

others('so many addresses and no more are known', () => {
  const lockout = new Lockout({ after: 1, addresses: 2 });
  for (const key of ['a', 'b', 'a', 'c']) lockout.failed(key, 0);
  assert.equal(
    ['a', 'b', 'c'].map((key) => lockout.keepsOut(key, 1)),
    [true, false, true],
  );
});

others('addresses are told apart by network', () => {
  const { keyOf } = new Lockout({});
  const of = (peer: string): string | undefined => keyOf({ peer } as Connection);
  assert.is(of('[2001:db8::1]:5'), of('[2001:db8::2]:6'));
  assert.is.not(of('192.0.2.1:5'), of('192.0.2.2:5'));
  // An IPv4 address is one, however it is written.
  assert.is(of('[::ffff:192.0.2.1]:5'), of('192.0.2.1:5'));
  // Who has no address would be kept out for what others do.
  assert.is(of('/run/a.sock'), undefined);
  assert.is(of('memory:a'), undefined);
  assert.is(new Lockout({ key: ({ id }) => String(id) }).keyOf({ id: 7 } as Connection), '7');
});

others.run();
