// SCRAM-SHA-256: the examples of the standards, both sides against each other, and whatever else may be said.
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { saslprep } from '../src/auth/saslprep.js';
import { scramGate, scramGateOf, scramLogin, scramLoginOf, scramVerifier } from '../src/auth/scram.js';
import { NotAuthenticated } from '../src/errors.js';
import { type Result, dialogue, scripted } from './kit/dialogue.js';
import { raised } from './kit/raised.js';
import { suite } from './kit/suite.js';

const test = suite('scram');

/** RFC 7677, section 3. */
const CLIENT_NONCE = 'rOprNGfwEbeRWgbNEkqO';
const SERVER_NONCE = '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
const SALT = 'W22ZaJ0SNY7soEsUEjb6gQ==';
const FIRST = `n,,n=user,r=${CLIENT_NONCE}`;
const OFFER = `r=${CLIENT_NONCE}${SERVER_NONCE},s=${SALT},i=4096`;
const FINAL = `c=biws,r=${CLIENT_NONCE}${SERVER_NONCE},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`;
const PROOF = 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=';
const PENCIL =
  'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=';

const gate = scramGate((name) => (name === 'user' ? PENCIL : undefined), { iterations: 4_096 });
const fixed = scramGateOf(
  { hash: 'sha256', nonce: () => SERVER_NONCE },
  (name) => (name === 'user' ? PENCIL : undefined),
  {
    iterations: 4_096,
    pepper: Buffer.from('pepper'),
  },
);
const login = scramLogin({ name: 'user', password: 'pencil' });

const reason = (result: Result): unknown =>
  'failed' in result && result.failed instanceof NotAuthenticated ? result.failed.reason : result;

test('what is kept of a password is what the standard has, and has neither the password nor a proof in it', async () => {
  assert.is(await scramVerifier('pencil', { iterations: 4_096, salt: Buffer.from(SALT, 'base64') }), PENCIL);
  const [one, other] = [await scramVerifier('pencil', { iterations: 4_096 }), await scramVerifier('pencil')];
  assert.match(one, /^SCRAM-SHA-256\$4096:[A-Za-z0-9+/]{22}==\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$/);
  assert.match(other, /^SCRAM-SHA-256\$100000:/);
  assert.not.match(one + other, /pencil/);
});

test('RFC 7677: the client says what its example says, and so does the server', async () => {
  const client = scramLoginOf({ hash: 'sha256', nonce: () => CLIENT_NONCE }, { name: 'user', password: 'pencil' });
  const { server, client: gave, said } = await dialogue(fixed, client);
  assert.equal(said, [`C: ${FIRST}`, `S: ${OFFER}`, `C: ${FINAL}`, `S: ${PROOF}`]);
  assert.equal([server, gave], [{ gave: { name: 'user' } }, { gave: { name: 'user' } }]);
});

test('RFC 5802: the same in SHA-1, as its client says it and hears it', async () => {
  const nonce = 'fyko+d2lbbFgONRv9qkxdawL';
  const client = scramLoginOf({ hash: 'sha1', nonce: () => nonce }, { name: 'user', password: 'pencil' });
  const server = scripted(
    null,
    `r=${nonce}3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096`,
    null,
    'v=rmF9pqV8S7suAoZWja4dJRkFsKQ=',
  );
  const told = await dialogue(server, client);
  assert.equal(told.server, {
    gave: [`n,,n=user,r=${nonce}`, `c=biws,r=${nonce}3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=`],
  });
  assert.equal(told.client, { gave: { name: 'user' } });
});

test('both sides find each other, whatever the name and the password', async () => {
  // Of fast-check's own units, the one with all letters takes a second to make.
  const letter = fc.oneof(fc.integer({ min: 0x20, max: 0x2fff }), fc.integer({ min: 0x20, max: 0x10_ffff }));
  const word = fc
    .string({ minLength: 1, maxLength: 12, unit: letter.map((code) => String.fromCodePoint(code)) })
    // Also with a letter more: one written from right to left takes none from left to right beside it.
    .filter((text) => (saslprep(text) ?? '') !== '' && saslprep(`${text}x`) !== undefined);
  await fc.assert(
    fc.asyncProperty(word, word, fc.boolean(), async (name, password, wrong) => {
      const kept = new Map([[saslprep(name), await scramVerifier(password, { iterations: 4_096 })]]);
      const server = scramGate((who) => kept.get(who), { iterations: 4_096 });
      const told = await dialogue(server, scramLogin({ name, password: wrong ? `${password}x` : password }));
      const expected = { gave: wrong ? undefined : { name: saslprep(name) } };
      assert.equal([told.server, told.client], [expected, expected]);
      if (wrong) assert.is(told.said.at(-1), 'S: e=invalid-proof');
    }),
    { numRuns: 12, endOnFailure: true },
  );
});

test('nothing that was said before is of use again', async () => {
  const first = await dialogue(gate, login);
  const [, , final = ''] = first.said;
  const again = await dialogue(gate, scripted(first.said[0]?.slice(3) ?? '', null, final.slice(3), null));
  assert.equal(again.client, { gave: [again.said[1]?.slice(3), 'e=other-error'] });
  assert.is(reason(again.server), 'malformed');
});

test('who stands in between and changes a single letter is found out, by one side or the other', async () => {
  const turn = fc.integer({ min: 0, max: 3 });
  await fc.assert(
    fc.asyncProperty(turn, fc.nat(200), fc.constantFrom('A', 'b', '7', ',', '='), async (message, at, letter) => {
      let count = 0;
      let changed = false;
      const told = await dialogue(gate, login, (frame) => {
        if (count++ !== message) return frame;
        const index = at % frame.length;
        changed = frame[index] !== letter;
        return frame.slice(0, index) + letter + frame.slice(index + 1);
      });
      const bothIn = [told.server, told.client].every((side) => 'gave' in side && side.gave !== undefined);
      assert.is(bothIn, !changed, JSON.stringify(told));
    }),
    { numRuns: 100 },
  );
});

test('a name that is unknown gets as far as one that is known, and the same each time', async () => {
  const asked = async (name: string): Promise<string> => {
    const told = await dialogue(
      fixed,
      scripted(`n,,n=${name},r=abc`, null, `c=biws,r=abc${SERVER_NONCE},p=${'A'.repeat(43)}=`, null),
    );
    assert.is(told.said.at(-1), 'S: e=invalid-proof');
    assert.equal(told.server, { gave: undefined });
    return told.said[1] ?? '';
  };
  const [user, nobody, again, other] = [await asked('user'), await asked('x'), await asked('x'), await asked('y')];
  assert.match(nobody, /,s=[A-Za-z0-9+/]{22}==,i=4096$/);
  assert.is(nobody.length, user.length);
  assert.is(nobody, again);
  assert.is.not(nobody, other);
});

test('no name is known whatever a program calls nothing', async () => {
  for (const nothing of [undefined, null, false] as const) {
    const nobody = scramGate(async () => nothing, { iterations: 4_096 });
    const told = await dialogue(nobody, scramLogin({ name: 'ann', password: 'pencil' }));
    assert.equal([told.said.at(-1), told.server], ['S: e=invalid-proof', { gave: undefined }]);
  }
});

for (const [message, fault] of [
  ['', 'invalid-encoding'],
  ['GET / HTTP/1.1', 'invalid-encoding'],
  ['n,,n=user', 'invalid-encoding'],
  ['n,,r=abc,n=user', 'invalid-encoding'],
  ['n,,n=,r=abc', 'invalid-encoding'],
  ['n,,n=user,r=', 'invalid-encoding'],
  ['x,,n=user,r=abc', 'invalid-encoding'],
  ['n,,m=ext,n=user,r=abc', 'extensions-not-supported'],
  ['p=tls-exporter,,n=user,r=abc', 'channel-binding-not-supported'],
  ['n,a=root,n=user,r=abc', 'other-error'],
  ['n,,n=us=er,r=abc', 'invalid-username-encoding'],
  ['n,,n=us=2cer,r=abc', 'invalid-username-encoding'],
  ['n,,n=us\u0007er,r=abc', 'invalid-username-encoding'],
] as const) {
  test(`the server refuses to begin with ${JSON.stringify(message)}`, async () => {
    const told = await dialogue(fixed, scripted(message, null));
    assert.equal(told.client, { gave: [`e=${fault}`] });
    assert.is(reason(told.server), 'malformed');
  });
}

for (const [message, fault] of [
  ['', 'invalid-encoding'],
  [FINAL.replace('biws', 'eSws'), 'channel-bindings-dont-match'],
  [FINAL.replace('RaTC', 'RaTX'), 'other-error'],
  [FINAL.replace('dHzb', 'dHz'), 'invalid-encoding'],
  [FINAL.replace('dVQ=', 'dVR='), 'invalid-encoding'],
  [FINAL.replace('dHzb', 'eHzb'), 'invalid-proof'],
  [`${FINAL},x=1`, 'invalid-encoding'],
] as const) {
  test(`the server refuses to end with ${JSON.stringify(message)}`, async () => {
    const told = await dialogue(fixed, scripted(FIRST, null, message, null));
    assert.equal(told.client, { gave: [OFFER, `e=${fault}`] });
    if (fault === 'invalid-proof') assert.equal(told.server, { gave: undefined });
    else assert.is(reason(told.server), 'malformed');
  });
}

test('a client that could bind channels, or acts for itself, is let in as any other', async () => {
  for (const header of ['y,,', 'n,a=user,']) {
    const seen = await dialogue(fixed, scripted(`${header}n=user,r=${CLIENT_NONCE}`, null, `c=biws,r=x,p=x`, null));
    assert.is(seen.said[1], `S: ${OFFER}`);
    assert.is(seen.said[3], 'S: e=channel-bindings-dont-match');
  }
});

for (const offer of [
  '',
  'v=AAAA',
  OFFER.replace(CLIENT_NONCE, 'sOprNGfwEbeRWgbNEkqO'),
  `r=${CLIENT_NONCE},s=${SALT},i=4096`,
  OFFER.replace('4096', '4095'),
  OFFER.replace('4096', '1000001'),
  OFFER.replace('4096', '2147483648'),
  OFFER.replace('4096', '99999999999'),
  OFFER.replace('i=4096', 'i=04096'),
  OFFER.replace(SALT, 'W22Z*'),
  OFFER.replace(`s=${SALT},`, ''),
  `m=ext,${OFFER}`,
]) {
  test(`the client goes no further with ${JSON.stringify(offer)}`, async () => {
    const client = scramLoginOf({ hash: 'sha256', nonce: () => CLIENT_NONCE }, { name: 'user', password: 'pencil' });
    assert.is(reason((await dialogue(scripted(null, offer), client)).client), 'malformed');
  });
}

test('the client takes no for an answer, and a server that proves nothing for none', async () => {
  const client = scramLoginOf({ hash: 'sha256', nonce: () => CLIENT_NONCE }, { name: 'user', password: 'pencil' });
  const answered = async (...lines: string[]): Promise<Result> => {
    const script = lines.flatMap((line) => [null, line]);
    return (await dialogue(scripted(...script), client)).client;
  };
  assert.equal(await answered('e=other-error'), { gave: undefined });
  assert.equal(await answered(OFFER, 'e=invalid-proof'), { gave: undefined });
  assert.is(reason(await answered(OFFER, 'v=AAAATRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')), 'unproven');
  assert.is(reason(await answered(OFFER, 'welcome')), 'unproven');
  assert.equal(await answered(OFFER, `${PROOF},x=1`), { gave: { name: 'user' } });
});

test('what is looked up and is no verifier is the program’s own error', async () => {
  for (const kept of ['pencil', PENCIL.slice(0, -1), PENCIL.replace('4096', '0'), PENCIL.replace('256$', '1$')]) {
    const told = await dialogue(
      scramGate(() => kept),
      scripted(FIRST),
    );
    assert.ok('failed' in told.server && told.server.failed instanceof TypeError);
    assert.is(
      String((told.server as { failed: unknown }).failed),
      'TypeError: verifierOf must give what scramVerifier has made',
    );
  }
});

test('prepares names and passwords as RFC 4013 has it', () => {
  for (const [text, form] of [
    ['I\u00adX', 'IX'],
    ['user', 'user'],
    ['USER', 'USER'],
    ['\u00aa', 'a'],
    ['\u2168', 'IX'],
    ['\u0007', undefined],
    ['\u0627\u0031', undefined],
    ['\u0627\u0031\u0628', '\u0627\u0031\u0628'],
    ['\u0627a\u0628', undefined],
    ['a\u00a0b\u3000c', 'a b c'],
    ['\u{e0041}', undefined],
    ['\ufdd0', undefined],
    ['\u{1f511}', '\u{1f511}'],
    ['p\u0327e\u0301', 'p\u0327\u00e9'],
    ['', ''],
  ] as const) {
    assert.is(saslprep(text), form, JSON.stringify(text));
  }
});

test('says of a secret that will not do that it will not, and not what it is', () => {
  const secret = 'hunter2\u0007';
  const about = /^password is empty, or has a letter that none may have$/;
  assert.throws(() => scramLogin({ name: 'a', password: secret }), raised(RangeError, about));
  assert.throws(() => scramVerifier(secret), raised(RangeError, about));
});

test.run();
