// Cases 32 to 38: how many there are, and how they go.
import { setTimeout as wait } from 'node:timers/promises';
import { map } from 'rxjs';
import * as assert from 'uvu/assert';
import { createServer } from '../../src/server/index.js';
import { assertNoLeaks } from '../../src/testing/leaks.js';
import { type PlainClient, plainClient } from '../../src/testing/plain-client.js';
import { type Port, abuse, bytes, closed, each, tell, until, word } from '../kit/abuse.js';
import { dialTls } from '../kit/tls-peer.js';

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

/** What is said before a reset: nothing, a part of a question, one, and so many that answers are queued. */
const stages: readonly ((login: string, ask: string) => string)[] = [
  () => '',
  (login, ask) => (login + ask).slice(0, 2),
  (login, ask) => login + ask,
  (login, ask) => login + ask.repeat(2_000),
];

/** How often each, at a port. */
const often = ({ secure }: Port): number => (secure ? 3 : 10);

done('34 and 35: resets at all stages, with answers queued too', async (servers) => {
  const seen = await servers.bear(() =>
    each(servers.ports, async (port) => {
      const { login = '', ask } = port.target;
      const said = stages.map((stage) => bytes(stage(login, ask(word()))));
      for (let times = 0; times < often(port); times++) {
        for (const some of said) {
          if (port.secure) {
            const peer = await dialTls({ port: port.port }, servers.trusting);
            peer.send(some);
            await wait(times * 10);
            peer.reset();
          } else {
            const socket = await servers.dial(port);
            socket.write(some);
            await wait(times * 3);
            socket.resetAndDestroy();
          }
        }
      }
    }),
  );
  tell('34 and 35', seen);
  for (const port of servers.ports) {
    const cut = seen.ended(port, 'ConnectionReset') + seen.ended(port, 'TlsTruncated');
    assert.ok(cut >= (often(port) * stages.length) / 2, `${cut} of ${port.name} were cut`);
  }
});

done('36: the end in the midst of a frame: what was whole before it is answered', async (servers) => {
  const ports = servers.those('begun');
  const seen = await servers.bear(() =>
    each(ports, async (port) => {
      const { ask, hears, login = '', begun = '' } = port.target;
      const sockets = await servers.crowd(10, port, () => {});
      await Promise.all(
        sockets.map(async (socket) => {
          const [one, two] = [word(), word()];
          let heard = '';
          socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')));
          socket.end(bytes(login + ask(one) + ask(two) + begun));
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
