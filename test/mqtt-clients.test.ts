// The broker as a program, and clients that others have written: mosquitto's, and the `mqtt` of npm.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type IClientOptions, type MqttClient, connectAsync } from 'mqtt';
import * as assert from 'uvu/assert';
import { connect, subscribe } from './kit/mqtt.js';
import { type Program, client, example, installed, portOf, start } from './kit/program.js';
import { suite } from './kit/suite.js';

const test = suite('mqtt: clients', undefined, { timeout: 20_000 });

const there = installed('mosquitto_pub') && installed('mosquitto_sub');
if (!there) console.log('mosquitto_pub is not installed (apt-get install mosquitto-clients): its tests are skipped');
const tried = there ? test : (name: string): void => test.skip(name);

let broker: Program;
let port = 0;

test.before(async () => {
  broker = example('mqtt', '--port', '0', '--sys-interval', '100');
  port = await portOf(broker);
});

test.after(async () => {
  broker.signal('SIGTERM');
  await broker.exited;
});

// ── mosquitto ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** Subscribes, and waits until the broker has said that it has. */
const sub = async (...args: readonly string[]): Promise<Program> => {
  const program = start('stdbuf', ['-oL', 'mosquitto_sub', '-d', '-p', String(port), '-F', '<%t %q %r %p>', ...args]);
  await program.printed(/Subscribed/);
  return program;
};

/** Publishes, and waits until that is done. */
const pub = async (...args: readonly string[]): Promise<void> => {
  const program = start('mosquitto_pub', ['-p', String(port), ...args]);
  assert.is(await program.exited, 0, program.output());
};

/** What a subscriber has heard. */
const heard = ({ output }: Program): string[] =>
  [...output().matchAll(/^<(.*)>$/gm)].map((match) => match[1] as string);

tried('mosquitto: every QoS of a publisher with every one of a subscriber', async () => {
  const subs = await Promise.all(['0', '1', '2'].map((qos) => sub('-t', 'all/+', '-q', qos, '-C', '3')));
  for (const qos of ['0', '1', '2']) await pub('-t', `all/${qos}`, '-q', qos, '-m', `said with ${qos}`);
  for (const [granted, subscriber] of subs.entries()) {
    assert.is(await subscriber.exited, 0);
    assert.equal(
      heard(subscriber).toSorted(),
      [0, 1, 2].map((qos) => `all/${qos} ${Math.min(qos, granted)} 0 said with ${qos}`),
    );
  }
});

tried('mosquitto: a message is retained, replaced and taken away', async () => {
  await pub('-t', 'kept/a', '-m', 'old', '-r');
  await pub('-t', 'kept/a', '-m', 'new', '-r', '-q', '1');
  const late = await sub('-t', 'kept/#', '-q', '2', '-C', '1');
  assert.is(await late.exited, 0);
  assert.equal(heard(late), ['kept/a 1 1 new']);
  await pub('-t', 'kept/a', '-n', '-r');
  const later = await sub('-t', 'kept/#', '-t', 'end', '-C', '1');
  await pub('-t', 'end', '-m', 'x');
  await later.exited;
  assert.equal(heard(later), ['end 0 0 x']);
});

tried('mosquitto: a will comes when its client is killed', async () => {
  const friend = await sub('-t', 'wills', '-C', '1');
  const victim = await sub('-t', 'none', '--will-topic', 'wills', '--will-payload', 'killed');
  victim.signal('SIGKILL');
  await friend.exited;
  assert.equal(heard(friend), ['wills 0 0 killed']);
});

tried('mosquitto: a session lasts, and has what came meanwhile', async () => {
  const device = ['-c', '-i', 'device', '-t', 'jobs', '-q', '2'];
  await (
    await sub(...device, '-E')
  ).exited;
  for (const qos of ['1', '2', '0']) await pub('-t', 'jobs', '-q', qos, '-m', `job ${qos}`);
  const back = await sub(...device, '-C', '2');
  assert.is(await back.exited, 0);
  assert.equal(heard(back), ['jobs 1 0 job 1', 'jobs 2 0 job 2']);
});

tried('mosquitto: a thousand lines with QoS 2 come once each, and in order', async () => {
  const subscriber = await sub('-t', 'lines', '-q', '2', '-C', '1000');
  const publisher = start('mosquitto_pub', ['-p', String(port), '-t', 'lines', '-q', '2', '-l']);
  const lines = Array.from({ length: 1_000 }, (_, index) => `line ${index}`);
  publisher.say(`${lines.join('\n')}\n`);
  publisher.close();
  assert.is(await publisher.exited, 0, publisher.output());
  assert.is(await subscriber.exited, 0);
  assert.equal(
    heard(subscriber),
    lines.map((line) => `lines 2 0 ${line}`),
  );
});

tried('mosquitto: a payload of 200 KB comes whole, and one over the limit ends its own client only', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-mqtt-'));
  const [large, larger] = [join(folder, 'large'), join(folder, 'larger')];
  writeFileSync(large, 'x'.repeat(200_000));
  writeFileSync(larger, 'x'.repeat(300_000));
  const subscriber = await sub('-t', 'files', '-C', '1');
  const failed = start('mosquitto_pub', ['-p', String(port), '-t', 'files', '-q', '1', '-f', larger]);
  await broker.printed(/FrameTooLong/);
  failed.signal('SIGTERM');
  await failed.exited;
  await pub('-t', 'files', '-q', '1', '-f', large);
  await subscriber.exited;
  assert.equal(heard(subscriber), [`files 0 0 ${'x'.repeat(200_000)}`]);
  rmSync(folder, { recursive: true });
});

tried('mosquitto: its other versions are told that they are not spoken here', async () => {
  const five = start('mosquitto_sub', ['-p', String(port), '-V', 'mqttv5', '-t', 'x']);
  assert.is.not(await five.exited, 0);
  assert.match(five.output(), /Unsupported Protocol Version/i);
});

tried('mosquitto: user name and password', async () => {
  const strict = example('mqtt', '--port', '0', '--user', 'ann', '--password', 'secret');
  const strictPort = String(await portOf(strict));
  const login = (...given: readonly string[]): Program =>
    start('mosquitto_pub', ['-p', strictPort, '-t', 'a', '-m', 'x', ...given]);
  assert.is(await login('-u', 'ann', '-P', 'secret').exited, 0);
  for (const wrong of [[], ['-u', 'ann'], ['-u', 'ann', '-P', 'Secret'], ['-u', 'bob', '-P', 'secret']]) {
    const refused = login(...wrong);
    assert.is.not(await refused.exited, 0);
    assert.match(refused.output(), /not authori[sz]ed/i);
  }
  strict.signal('SIGTERM');
  assert.is(await strict.exited, 0);
});

tried('mosquitto: $SYS tells how it stands, and # does not', async () => {
  const counters = await sub('-t', '$SYS/broker/clients/connected', '-t', '$SYS/broker/version', '-C', '2');
  const all = await sub('-t', '#', '-C', '1');
  await counters.exited;
  assert.match(heard(counters).toSorted().join(), /clients\/connected 0 1 \d+,.*version 0 1 sluice/);
  await pub('-t', 'only this', '-m', 'x');
  await all.exited;
  assert.equal(heard(all), ['only this 0 0 x']);
});

// ── the client of npm ───────────────────────────────────────────────────────────────────────────────────────────────

const join311 = (clientId: string, options: IClientOptions = {}): Promise<MqttClient> =>
  connectAsync(`mqtt://127.0.0.1:${port}`, { clientId, protocolVersion: 4, reconnectPeriod: 50, ...options });

const happens = (to: MqttClient, event: 'message' | 'close' | 'packetreceive'): Promise<unknown> =>
  new Promise((resolve) => {
    to.once(event, (told?: unknown) => resolve(told));
  });

/** What a client hears from now on, as `topic qos retain payload`, and a way to wait for so many. */
const ear = (listener: MqttClient) => {
  const said: string[] = [];
  listener.on('message', (topic, payload, { qos, retain }) => {
    said.push(`${topic} ${qos} ${retain ? 1 : 0} ${payload.length > 40 ? payload.length : payload.toString()}`);
  });
  const until = async (count: number): Promise<string[]> => {
    while (said.length < count) await happens(listener, 'message');
    return said;
  };
  return { said, until };
};

test('npm: publishes and subscribes with every QoS, with wildcards, retained messages and UNSUBSCRIBE', async () => {
  const ann = await join311('npm-ann');
  const { said, until } = ear(ann);
  assert.equal(
    (await ann.subscribeAsync({ 'npm/+/x': { qos: 2 }, 'npm/#/wrong': { qos: 0 } }).catch(() => [])).length,
    0,
    'it refuses a wrong filter by itself',
  );
  const granted = await ann.subscribeAsync({ 'npm/+/x': { qos: 2 }, 'npm/only': { qos: 1 } });
  assert.equal(
    granted.map(({ qos }) => qos),
    [2, 1],
  );
  for (const qos of [0, 1, 2] as const) await ann.publishAsync(`npm/${qos}/x`, `with ${qos}`, { qos, retain: true });
  await ann.publishAsync('npm/only', 'two', { qos: 2 });
  await until(4);
  assert.equal(said.toSorted(), ['npm/0/x 0 0 with 0', 'npm/1/x 1 0 with 1', 'npm/2/x 2 0 with 2', 'npm/only 1 0 two']);
  await ann.unsubscribeAsync(['npm/only', 'npm/none']);
  await ann.publishAsync('npm/only', 'nobody', { qos: 1 });
  const bob = await join311('npm-bob');
  const late = ear(bob);
  await bob.subscribeAsync('npm/#', { qos: 1 });
  assert.equal((await late.until(3)).toSorted(), ['npm/0/x 0 1 with 0', 'npm/1/x 1 1 with 1', 'npm/2/x 1 1 with 2']);
  assert.is(said.length, 4);
  await Promise.all([ann.endAsync(), bob.endAsync()]);
});

test('npm: a lasting session over a connection that breaks: what is published meanwhile comes, and each once', async () => {
  const ann = await join311('npm-lasting', { clean: false, reconnectPeriod: 200 });
  const { said, until } = ear(ann);
  await ann.subscribeAsync('lasting/#', { qos: 2 });
  const bob = await join311('npm-publisher');
  const numbers = Array.from({ length: 60 }, (_, index) => index);
  for (const number of numbers) {
    await bob.publishAsync('lasting/a', String(number), { qos: 2 });
    if (number % 20 === 10) ann.stream.destroy();
  }
  await until(60);
  assert.equal(
    said,
    numbers.map((number) => `lasting/a 2 0 ${number}`),
  );
  await Promise.all([ann.endAsync(), bob.endAsync()]);
});

test('npm: the same client again closes the one that was there, and its will comes', async () => {
  const bob = await join311('npm-watcher');
  const { until } = ear(bob);
  await bob.subscribeAsync('taken');
  const first = await join311('npm-twice', {
    reconnectPeriod: 0,
    will: { topic: 'taken', payload: Buffer.from('over'), qos: 0, retain: false },
  });
  const closed = happens(first, 'close');
  const second = await join311('npm-twice');
  await closed;
  assert.equal(await until(1), ['taken 0 0 over']);
  await Promise.all([second.endAsync(), bob.endAsync(), first.endAsync()]);
});

test('npm: a client with a keep-alive of two seconds stays', async () => {
  const ann = await join311('npm-alive', { keepalive: 2, reconnectPeriod: 0 });
  let closed = false;
  ann.on('close', () => (closed = true));
  for (let pings = 0; pings < 3;) {
    const { cmd } = (await happens(ann, 'packetreceive')) as { readonly cmd: string };
    if (cmd === 'pingresp') pings++;
  }
  assert.not(closed);
  await ann.endAsync();
});

test('npm: a thousand messages of QoS 1 at once, to three who listen', async () => {
  const ears = await Promise.all(
    [0, 1, 2].map(async (qos) => {
      const listener = await join311(`npm-ear-${qos}`);
      await listener.subscribeAsync('many', { qos: qos as 0 | 1 | 2 });
      return { listener, ...ear(listener) };
    }),
  );
  const publisher = await join311('npm-mouth');
  const numbers = Array.from({ length: 1_000 }, (_, index) => index);
  await Promise.all(numbers.map((number) => publisher.publishAsync('many', String(number), { qos: 1 })));
  for (const [qos, { listener, until }] of ears.entries()) {
    assert.equal(
      await until(1_000),
      numbers.map((number) => `many ${Math.min(qos, 1)} 0 ${number}`),
    );
    await listener.endAsync();
  }
  await publisher.endAsync();
});

test('npm: a subscriber that does not read holds up nobody, and what it loses is counted', async () => {
  const slow = await client(port);
  slow.send(Buffer.concat([connect('slow'), subscribe(1, ['flood', 0])]));
  await slow.heard(4 + 5);
  slow.socket.pause();
  const quick = await join311('npm-quick');
  const { until } = ear(quick);
  await quick.subscribeAsync({ flood: { qos: 0 } });
  const publisher = await join311('npm-flood');
  const payload = Buffer.alloc(20_000);
  for (let count = 1; count <= 1_000; count++) {
    await publisher.publishAsync('flood', payload);
    if (count % 50 === 0) await until(count);
  }
  const counters = await join311('npm-counters');
  const counted = ear(counters);
  await counters.subscribeAsync('$SYS/broker/publish/messages/dropped');
  let dropped = 0;
  for (let told = 1; dropped === 0; told++) dropped = Number((await counted.until(told))[told - 1]?.split(' ').at(-1));
  assert.ok(dropped > 0 && dropped < 1_000, String(dropped));
  slow.reset();
  await Promise.all([quick.endAsync(), publisher.endAsync(), counters.endAsync()]);
});

test.run();
