import { BlockList } from 'node:net';
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { Rules, hostIn } from '../src/server/rules.js';
import { raised } from './kit/raised.js';
import { suite } from './kit/suite.js';

const test = suite('address rules');

test('a deny holds whatever is allowed, and what is allowed shuts all others out', () => {
  const rules = new Rules();
  assert.is(rules.judge('10.1.2.3'), undefined);
  rules.deny('10.1.0.0/16');
  assert.equal(
    [rules.judge('10.1.2.3'), rules.judge('10.2.2.3'), rules.judge('::1')],
    ['denied', undefined, undefined],
  );
  rules.allow('10.0.0.0/8');
  rules.allow('2001:db8::/32');
  assert.equal(
    ['10.1.2.3', '10.2.2.3', '11.0.0.1', '2001:db8::1', '2001:db9::1', undefined].map((host) => rules.judge(host)),
    ['denied', undefined, 'not-allowed', undefined, 'not-allowed', undefined],
  );
  rules.allow('10.1.0.0/16');
  assert.is(rules.judge('10.1.2.3'), undefined, 'the last word on a network counts');
});

test('one address is a network of its own, and an IPv4 address in IPv6 is an IPv4 address', () => {
  const rules = new Rules();
  rules.deny('::ffff:10.1.2.3');
  rules.deny('::FFFF:10.2.0.0/112');
  rules.deny(' 2001:DB8:0:0::1 ');
  assert.equal(
    rules.list.map(({ cidr }) => cidr),
    ['10.1.2.3/32', '10.2.0.0/16', '2001:db8::1/128'],
  );
  assert.equal(
    ['10.1.2.3', '10.1.2.4', '::ffff:10.1.2.3', '10.2.9.9', '2001:db8::1'].map((host) => rules.judge(host)),
    ['denied', undefined, 'denied', 'denied', 'denied'],
  );
});

test('what is forgotten was never said', () => {
  const rules = new Rules();
  rules.allow('10.0.0.0/8');
  rules.deny('10.1.2.3');
  assert.not.ok(rules.forget('10.1.0.0/16'));
  assert.ok(rules.forget('10.1.2.3/32'));
  assert.ok(rules.forget('10.0.0.0/8'));
  assert.not.ok(rules.forget('10.0.0.0/8'));
  assert.equal([rules.list, rules.judge('10.1.2.3'), rules.judge('11.1.2.3')], [[], undefined, undefined]);
});

test('what is no address or network is refused by name', () => {
  const rules = new Rules();
  for (const wrong of [
    '10.1.2',
    'localhost',
    '10.0.0.0/',
    '10.0.0.0/a',
    '10.0.0.0/8/8',
    '10.0.0.0/-1',
    'fe80::1%eth0',
  ]) {
    assert.throws(() => rules.deny(wrong), raised(RangeError, /^cidr must be an address or a network, .* got "/));
  }
  assert.throws(
    () => rules.deny('10.0.0.0/33'),
    raised(RangeError, /^the length of 10\.0\.0\.0\/33 must be .* 0 to 32/),
  );
  assert.throws(() => rules.allow('::1/129'), raised(RangeError, / must be a whole number from 0 to 128, got 129$/));
  assert.throws(() => rules.allow('::ffff:1.2.3.4/8'), raised(RangeError, / from 96 to 128, got 8$/));
  assert.throws(() => rules.deny(5 as never), raised(TypeError, /^cidr must be a text that is not empty, got 5$/));
  assert.equal(rules.list, []);
});

test('the host of an address, where it has one', () => {
  assert.equal(
    ['127.0.0.1:80', '[::1]:80', '[fe80::1%eth0]:80', '/run/socket', 'ann', 'memory:a', '1.2.3.4', 'host:80'].map(
      hostIn,
    ),
    ['127.0.0.1', '::1', 'fe80::1', undefined, undefined, undefined, undefined, undefined],
  );
});

test('judges as Node’s own list does', () => {
  const octet = fc.integer({ min: 0, max: 3 });
  const address = fc.tuple(octet, octet, octet, octet).map((parts) => parts.join('.'));
  const network = fc.tuple(address, fc.integer({ min: 0, max: 32 }));
  fc.assert(
    fc.property(
      fc.array(network, { maxLength: 5 }),
      fc.array(network, { maxLength: 5 }),
      address,
      (denied, allowed, host) => {
        const rules = new Rules();
        const lists = [new BlockList(), new BlockList()] as const;
        const last = new Map([
          ...allowed.map((one) => [one.join('/'), 'allow'] as const),
          ...denied.map((one) => [one.join('/'), 'deny'] as const),
        ]);
        for (const [at, prefix] of allowed) rules.allow(`${at}/${prefix}`);
        for (const [at, prefix] of denied) rules.deny(`${at}/${prefix}`);
        for (const [cidr, action] of last) {
          const [at, prefix] = cidr.split('/') as [string, string];
          lists[action === 'deny' ? 0 : 1].addSubnet(at, Number(prefix));
        }
        const someAllowed = [...last.values()].includes('allow');
        const expected = lists[0].check(host)
          ? 'denied'
          : someAllowed && !lists[1].check(host)
            ? 'not-allowed'
            : undefined;
        assert.is(rules.judge(host), expected);
      },
    ),
    { numRuns: 300 },
  );
});

test.run();
