// Cases 32 to 38: how many there are, and how they go.
import { setTimeout as wait } from 'node:timers/promises';
import { map } from 'rxjs';
import * as assert from 'uvu/assert';
import { createServer } from '../../src/server/index.js';
import { assertNoLeaks } from '../../src/testing/leaks.js';
import { type PlainClient, plainClient } from '../../src/testing/plain-client.js';
import { abuse, bytes, closed, each, tell, until, word } from '../kit/abuse.js';
import { type TlsPeer, dialTls } from '../kit/tls-peer.js';

const { test, done } = abuse('connections');

/** A server of ten clients, and all that happens while one too many comes after each kind of end. */
const crowded = assertNoLeaks(async () => {
  const server = createServer(
    'ten',
    map((said: Uint8Array) => {
      if (Buffer.from(said).includes('fail')) throw new Error('it fails');
      return said;
    }),
    { port: 0, limits: { maxConnections: 10, whenFull: 'refuse' }, farewell: bytes('full') },
  );
  const address = await server.start();
  const here: PlainClient[] = [];
  const come = async (): Promise<string> => {
    const client = await plainClient(address);
    client.send('hello');
    const said = await client.heard(/hello|full/);
    if (said === 'hello') here.push(client);
    else await client.over;
    return said;
  };
  for (let one = 0; one < 10; one++) assert.is(await come(), 'hello');
  const ends: readonly ((client: PlainClient) => void)[] = [
    (client) => client.end(),
    (client) => client.reset(),
    (client) => client.send('fail'),
    (client) => client.socket.destroy(),
    () => {
      for (const client of server.clients) return server.disconnect(client, { flush: false });
    },
    () => {
      for (const client of server.clients) return server.disconnect(client, { flush: true });
    },
    () => {
      for (const client of server.clients) return client.connection.abort();
    },
  ];
  for (const end of ends) {
    assert.is(server.clients.count, 10);
    assert.is(await come(), 'full', 'one is too many');
    end(here.shift() as PlainClient);
    await until(() => server.clients.count === 9);
    assert.is(await come(), 'hello', 'there is a place again');
  }
  await server.abort();
  for (const { socket } of here) socket.destroy();
});

test('32: ten are ten, and a place is free again after every kind of end', crowded);

/** Where in its life a connection is reset. */
const stages: readonly ((peer: { send(said: Uint8Array): void }, ask: Uint8Array) => Promise<unknown>)[] = [
  async () => {},
  async (peer, ask) => peer.send(ask.subarray(0, 2)),
  async (peer, ask) => peer.send(ask),
  async (peer, ask) => {
    peer.send(Buffer.concat(Array.from({ length: 2_000 }, () => ask)));
    await wait(20);
  },
];

done('34 and 35: resets at all stages, with answers queued too', async (servers) => {
  const seen = await servers.bear(() =>
    each(servers.ports, async (port) => {
      const ask = bytes((port.target.login ?? '') + port.target.ask(word()));
      for (let times = 0; times < (port.secure ? 3 : 10); times++) {
        for (const stage of stages) {
          if (port.secure) {
            const peer: TlsPeer = await dialTls({ port: port.port }, servers.trusting);
            await stage(peer, ask);
            peer.reset();
          } else {
            const socket = await servers.dial(port);
            await stage({ send: (said) => socket.write(said) }, ask);
            socket.resetAndDestroy();
          }
        }
      }
    }),
  );
  tell('34 and 35', seen);
  for (const port of servers.ports) assert.ok(seen.ended(port, 'ConnectionReset') > 0, port.name);
});

done('36: the end in the midst of a frame: what was whole before it is answered', async (servers) => {
  const ports = servers.those('begun').filter(({ target }) => target.login === undefined);
  const seen = await servers.bear(() =>
    each(ports, async (port) => {
      const { ask, hears, begun = '' } = port.target;
      const sockets = await servers.crowd(10, port, () => {});
      await Promise.all(
        sockets.map(async (socket) => {
          const [one, two] = [word(), word()];
          let heard = '';
          socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')));
          socket.end(bytes(ask(one) + ask(two) + begun));
          await closed([socket]);
          assert.ok(heard.includes(hears(one)) && heard.includes(hears(two)), port.name);
        }),
      );
    }),
  );
  tell('36', seen);
  for (const port of ports) seen.expect(port, 'TruncatedFrame', 10);
});

done('37: the end behind many questions: all answers, then the end', async (servers) => {
  const seen = await servers.bear(() =>
    each(servers.ports, async (port) => {
      const { ask, hears, login = '', noise = /^$/g } = port.target;
      const words = Array.from({ length: 500 }, word);
      const socket = await servers.dial(port);
      let heard = '';
      socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')));
      socket.end(bytes(login + words.map(ask).join('')));
      await closed([socket]);
      assert.ok(heard.replaceAll(noise, '') === words.map(hears).join(''), `${port.name} answers everything, in order`);
    }),
  );
  tell('37', seen);
});

test.run();
