// Cases 46 to 49, of which most are tests of their parts: see docs/safety.md.
import { ignoreElements, tap } from 'rxjs';
import * as assert from 'uvu/assert';
import { protocol } from '../../operators/index.js';
import { limitRate } from '../../operators/limit-rate.js';
import { line, rateLimit, text } from '../../src/index.js';
import { createServer } from '../../src/server/index.js';
import { assertNoLeaks } from '../../src/testing/leaks.js';
import { plainClient } from '../../src/testing/plain-client.js';
import { suite } from '../kit/suite.js';

const test = suite('abuse: isolation', undefined, { timeout: 20_000 });

/** Names that every object has, and others that are no trouble but look so. */
const names = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'valueOf',
  '__defineGetter__',
  'prototype',
  '\u0000',
  '..',
  '../../etc/passwd',
];

test(
  '49: names that every object has are ordinary names, as a client, a room, a tag and a key',
  assertNoLeaks(async () => {
    const limit = rateLimit({ messages: 1_000 });
    const server = createServer(
      'names',
      protocol<string>({
        name: 'names',
        framing: line({ maxBytes: 100_000 }),
        message: text,
        session: (said, peer) =>
          said.pipe(
            limitRate(limit, { key: (name) => name }),
            tap((name) => {
              peer.name = name;
              peer.enter(name);
              peer.send(`in ${name}`);
            }),
            ignoreElements(),
          ),
      }),
      { port: 0 },
    );
    const address = await server.start();
    const bob = await plainClient(address);
    for (const name of names) {
      const ann = await plainClient(address);
      ann.send(`${name}\n`);
      await ann.heard(/in .*\n/);
      const [client] = [...server.clients.named(name)];
      assert.is(client?.name, name);
      client?.tags.add(name);
      assert.is([...server.clients.tagged(name)].length, 1);
      assert.is([...server.clients.in(name)].length, 1);
      assert.is(server.broadcast('hi', { to: name }), 1);
      await ann.heard(/hi\n/);
      ann.end();
      await ann.over;
      while (server.clients.count > 1) await new Promise(setImmediate);
      assert.equal(
        [[...server.clients.named(name)], [...server.clients.in(name)], [...server.clients.tagged(name)]],
        [[], [], []],
      );
    }
    assert.is(server.clients.rooms.size, 0);
    assert.is(Object.keys(Object.prototype).length, 0);
    // One of 64 KB is refused, and is nobody else's concern.
    const long = await plainClient(address);
    long.send(`${'n'.repeat(65_536)}\n`);
    await long.over;
    bob.send('bob\n');
    await bob.heard(/in bob\n/);
    bob.end();
    await bob.over;
    await server.stop();
  }),
);

test.run();
