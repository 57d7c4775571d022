// Cases 26 to 31: who asks too much, too often, or with all others at once.
import { setTimeout as wait } from 'node:timers/promises';
import { NEVER, type Subscription, concat, map, mergeMap, of, take } from 'rxjs';
import * as assert from 'uvu/assert';
import { frameLines, protocol } from '../../operators/index.js';
import { dial, line, text } from '../../src/index.js';
import { createServer } from '../../src/server/index.js';
import { assertNoLeaks } from '../../src/testing/leaks.js';
import { MB, abuse, bytes, dismiss, each, flood, manyOf, tell, until } from '../kit/abuse.js';

const { test, done } = abuse('fairness');

done('26: the smallest frames there are, without end, keep nobody waiting', async (servers) => {
  const ports = servers.those('smallest');
  const seen = await servers.bear(async () => {
    const crowds = await each(ports, (port) =>
      servers.crowd(2, port, (socket) => {
        const { login = '', smallest = '' } = port.target;
        socket.resume().write(bytes(login));
        flood(socket, manyOf(smallest));
      }),
    );
    await wait(2_000);
    dismiss(crowds.flat());
  });
  tell(`26, from 2 connections to each of ${ports.length} ports`, seen);
  assert.ok(seen.used < 30 * MB);
});

done('27: many questions in one go are answered in order, and keep nobody waiting', async (servers) => {
  const seen = await servers.bear(() =>
    each(servers.ports, async (port) => {
      const { ask, hears, noise = /^$/g } = port.target;
      const count = port.secure ? port.target.many / 5 : port.target.many;
      const words = Array.from({ length: count }, (_, at) => `${port.secure ? 's' : 't'}${at}`);
      const { socket } = await servers.guest(port);
      const heard: Buffer[] = [];
      let length = 0;
      socket.on('data', (chunk: Buffer) => {
        heard.push(chunk);
        length += chunk.length;
      });
      socket.write(bytes(words.map(ask).join('')));
      const expected = words.map(hears).join('');
      const rest = (): string => Buffer.concat(heard).toString('latin1').replaceAll(noise, '');
      await until(() => length >= expected.length && rest().length >= expected.length);
      assert.ok(rest() === expected, `${port.name}: in order, each once`);
      dismiss([socket]);
    }),
  );
  tell('27', seen);
  assert.ok(seen.used < 60 * MB);
});

done('30: what takes long to look through is looked at for its length first', async (servers) => {
  const ports = servers.ports.filter(({ target }) => target.name === 'json');
  const sayings = [
    `${'['.repeat(30_000)}${']'.repeat(30_000)}\n`,
    `[${'1,'.repeat(30_000)}1]\n`,
    `"${'\\u0000'.repeat(10_000)}"\n`,
  ];
  const seen = await servers.bear(async () => {
    const crowds = await each(ports, (port) =>
      servers.crowd(3, port, (socket) => {
        socket.resume();
        flood(socket, bytes(sayings.join('')));
      }),
    );
    await wait(2_000);
    dismiss(crowds.flat());
  });
  tell('30', seen);
  assert.ok(seen.used < 40 * MB);
});

const HERD = 300;

test(
  '31: a herd that comes back after a restart is served, all of it',
  assertNoLeaks(async () => {
    const shout = protocol<string>({
      name: 'shout',
      framing: line(),
      message: text,
      session: map((said) => said.toUpperCase()),
    });
    const server = createServer('herd', shout, { port: 0, backlog: 2_048 });
    const address = await server.start();
    const again = createServer('herd', shout, {
      port: address.port as number,
      backlog: 2_048,
      limits: { acceptRate: 1_000 },
    });
    let answered = 0;
    const herd: Subscription[] = [];
    const greeting = concat(of(bytes('hello\n')), NEVER);
    for (let one = 0; one < HERD; one++) {
      herd.push(
        dial({ port: address.port as number, reconnect: { initial: 50, max: 400 } })
          .pipe(
            mergeMap((connection) => {
              greeting.pipe(connection.writes).subscribe({ error: () => {} });
              return connection.reads.pipe(frameLines(), take(1));
            }),
          )
          .subscribe({ next: () => answered++, error: () => {} }),
      );
    }
    await until(() => answered >= HERD);
    await server.abort();
    const before = answered;
    const started = performance.now();
    await again.start();
    await until(() => answered >= before + HERD);
    console.log(`    31: ${HERD} were back, and answered, within ${Math.round(performance.now() - started)} ms`);
    for (const one of herd) one.unsubscribe();
    await again.abort();
  }),
);

test.run();
