import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import protobuf from 'protobufjs';
import * as assert from 'uvu/assert';
import { cstring, struct, u32 } from '../src/index.js';
import { type Program, client, example, freePort, portOf } from './kit/program.js';
import { suite } from './kit/suite.js';

const test = suite('examples', undefined, { timeout: 20_000 });

const end = async (...programs: readonly Program[]): Promise<void> => {
  for (const program of programs) program.signal('SIGKILL');
  await Promise.all(programs.map((program) => program.exited));
};

test('are listed, and say what they do not know', async () => {
  const list = example('--help');
  assert.is(await list.exited, 0);
  for (const name of [
    'echo',
    'chat',
    'lobby',
    'calculator',
    'students',
    'pingpong',
    'broadcast',
    'proxy',
    'heartbeat',
    'people',
    'resp',
    'mqtt',
    'bgp',
    'ftp',
  ]) {
    assert.match(list.output(), new RegExp(`^  ${name} `, 'm'));
  }
  const unknown = example('nonsense');
  assert.is(await unknown.exited, 2);
  assert.match(unknown.output(), /there is no example "nonsense"/);
});

test('say the range of a number that is out of it, also of a negative one', async () => {
  for (const given of [['--drain', '-1'], ['--drain=-1']]) {
    const chat = example('chat', ...given);
    assert.is(await chat.exited, 2);
    assert.match(chat.output(), /^--drain takes a whole number from 0 to \d+, got "-1"$/m);
  }
});

test('echo', async () => {
  const echo = example('echo', '--port', '0');
  const ann = await client(await portOf(echo));
  ann.end('hello');
  await ann.heard(/^hello$/);
  await ann.over;
  await end(echo);
});

test('lobby: prints what happens, and does what it is told', async () => {
  const lobby = example('lobby', '--port', '0', '--max-clients', '2');
  const port = await portOf(lobby);
  const [ann, bob] = [await client(port), await client(port)];
  await lobby.printed(/(connected 127[^]*){2}/);
  const cyd = await client(port);
  await cyd.heard(/^\* the room is full\n$/);
  await lobby.printed(/^refused 127\.0\.0\.1:\d+: full$/m);
  ann.send('/nick ann\n');
  await ann.heard(/you are now ann/);
  lobby.say('say hello\n');
  await lobby.printed(/^heard by 2$/m);
  await bob.heard(/\n\* hello\n/);
  lobby.say('pause\n');
  lobby.say('who\n');
  await lobby.printed(/^\d+ ann at 127\.0\.0\.1:\d+, 1 messages$/m);
  ann.send('still there?\n');
  lobby.say('full many\nwhat\n');
  await lobby.printed(/^TypeError|^RangeError: maxConnections must be a whole number/m);
  await lobby.printed(/^known are who, say, /m);
  assert.not.match(bob.text, /still there/);
  lobby.say('resume\n');
  await bob.heard(/\nann: still there\?\n/);
  lobby.say('kick ann\n');
  await ann.over;
  await lobby.printed(/^disconnected ann: kicked$/m);
  lobby.say('stats\n');
  await lobby.printed(/refused: 1,/);
  lobby.say('stop\n');
  await bob.heard(/the server is stopping, goodbye/);
  bob.end();
  assert.is(await lobby.exited, 0);
  await lobby.printed(/^drained: 1 ended, 0 cut$/m);
});

test('calculator', async () => {
  const calculator = example('calculator', '--port', '0');
  const ann = await client(await portOf(calculator));
  const ask = (text: string): void => {
    const header = Buffer.alloc(2);
    header.writeUInt16BE(Buffer.byteLength(text));
    ann.send(Buffer.concat([header, Buffer.from(text)]));
  };
  ask('{"add":[1,2,3.5]}');
  ask('{"add":["one"]}');
  ask('nonsense');
  await ann.heard(/^..\{"sum":6\.5\}..\{"error":"[^}]*add[^}]*"\}..\{"error":"[^}]*JSON[^}]*"\}$/s);
  assert.is(ann.bytes.readUInt16BE(0), '{"sum":6.5}'.length);
  await end(calculator);
});

test('students', async () => {
  const students = example('students', '--port', '0');
  const ann = await client(await portOf(students));
  const Student = struct({ name: cstring(128), rollno: u32, address: cstring(256) }, { order: 'le' });
  ann.send(Student.encode({ name: 'Ann', rollno: 7, address: '1 Main Street' }));
  await ann.heard(72);
  assert.is(ann.bytes.readUInt32LE(0), 7);
  assert.is(ann.bytes.readUInt32LE(4), 1);
  assert.is(ann.bytes.toString('utf8', 8, 20), 'welcome, Ann');
  await students.printed(/student 7: Ann, 1 Main Street/);
  await end(students);
});

const whoAnswered = (output: string): string[] =>
  output
    .split('\n')
    .filter((line) => line.includes('pong'))
    .map((line) => line.slice(0, line.indexOf(':')));

test('pingpong, all at once: the clients take turns', async () => {
  const server = example('pingpong', '--port', '0');
  const clients = example('pingpong-client', '--num-clients', '3', '--port', String(await portOf(server)));
  assert.is(await clients.exited, 0);
  const order = whoAnswered(clients.output());
  assert.is(order.length, 30);
  assert.ok(new Set(order.slice(0, 10)).size === 3, `expected turns, got ${order.join(' ')}`);
  await end(server);
});

test('pingpong, one after another: a client is finished before the next begins', async () => {
  const server = example('pingpong', '--port', '0', '--server-type', 'sequential');
  const clients = example(
    'pingpong-client',
    '--num-clients',
    '3',
    '--pause',
    '5',
    '--port',
    String(await portOf(server)),
  );
  assert.is(await clients.exited, 0);
  const order = whoAnswered(clients.output());
  assert.is(order.length, 30);
  for (const part of [order.slice(0, 10), order.slice(10, 20), order.slice(20)]) assert.is(new Set(part).size, 1);
  await end(server);
  const wrong = example('pingpong', '--server-type', 'both');
  assert.is(await wrong.exited, 2);
  assert.match(wrong.output(), /must be sequential or multiplexed, got "both"/);
});

test('broadcast: three clients hear each other, and stop at Quit', async () => {
  const server = example('broadcast', '--port', '0');
  const port = String(await portOf(server));
  const clients = example('broadcast-client', '--count', '3', '--every', '100', '--port', port);
  const writers = (): Set<string> =>
    new Set([...clients.output().matchAll(/^(\d+) wrote/gm)].map((match) => match[1] as string));
  while (writers().size < 3) await clients.printed(new RegExp(`wrote (?!${[...writers()].join('|') || 'nobody'})`));
  const pids = writers();
  for (const pid of pids) {
    await clients.printed(new RegExp(`^${pid} wrote ${pid} text \\d+$`, 'm'));
    for (const other of pids) {
      if (other !== pid) await clients.printed(new RegExp(`^${pid} read {2}${other} text \\d+$`, 'm'));
    }
    await server.printed(new RegExp(` ${pid} text \\d+$`, 'm'));
  }
  server.signal('SIGINT');
  assert.is(await server.exited, 0);
  assert.is(await clients.exited, 0);
  for (const pid of pids) assert.match(clients.output(), new RegExp(`^${pid} read {2}Quit$`, 'm'));
});

test('proxy: both ways, half-close through it, and a far end that is not there', async () => {
  const echo = example('echo', '--port', '0');
  const echoPort = String(await portOf(echo));
  const proxy = example('proxy', '--port', '0', '--to-port', echoPort);
  const near = await client(await portOf(proxy));
  near.end('through');
  await near.heard(/^through$/);
  await near.over;
  await proxy.printed(/is done: 7 bytes up, 7 down/);
  await end(echo);
  const late = await client(await portOf(proxy));
  await late.over;
  await proxy.printed(/failed: DialFailed: cannot connect to 127\.0\.0\.1:\d+: ECONNREFUSED/);
  await end(proxy);
});

test('proxy: the end of a far side that ends first goes through at once, and the near side may go on', async () => {
  const heard: string[] = [];
  const far = createServer({ allowHalfOpen: true }, (socket) => {
    socket.end('first');
    socket.on('data', (chunk: Buffer) => heard.push(chunk.toString()));
  }).listen(0, '127.0.0.1');
  await once(far, 'listening');
  const { port } = far.address() as AddressInfo;
  const proxy = example('proxy', '--port', '0', '--to-port', String(port));
  const near = await client(await portOf(proxy));
  await near.heard(/^first$/);
  await near.over;
  near.end('and on');
  await proxy.printed(/is done: 6 bytes up, 5 down/);
  assert.equal(heard.join(''), 'and on');
  await end(proxy);
  far.close();
});

test('proxy: several upstreams take turns, and one that is not there is left out', async () => {
  const [one, other, gone] = [
    example('echo', '--port', '0'),
    example('echo', '--port', '0'),
    example('echo', '--port', '0'),
  ];
  const ports = await Promise.all([one, other, gone].map(portOf));
  await end(gone);
  const to = ports.map((port) => `127.0.0.1:${port}`).join(',');
  const proxy = example('proxy', '--port', '0', '--to', to, '--strategy', 'least-connections');
  const port = await portOf(proxy);
  const clients = await Promise.all(Array.from({ length: 24 }, () => client(port)));
  for (const [number, near] of clients.entries()) near.send(`hello ${number}`);
  for (const [number, near] of clients.entries()) await near.heard(new RegExp(`^hello ${number}$`));
  await proxy.printed(new RegExp(`^127\\.0\\.0\\.1:${ports[2]} is left out for 30 s$`, 'm'));
  for (const near of clients) near.end();
  await Promise.all(clients.map((near) => near.over));
  await end(one, other);
  const late = await client(port);
  await late.over;
  await proxy.printed(/failed: NoTarget: no target could be dialled: 127\.0\.0\.1:\d+ \(.*ECONNREFUSED\)/);
  await end(proxy);
});

test('proxy: says what it does not understand', async () => {
  for (const [given, message] of [
    [['--strategy', 'fastest'], /strategy must be one of "round-robin", .* got "fastest"/],
    [['--to', '127.0.0.1:7001,somewhere'], /port must be a whole number from 1 to 65535, got NaN/],
  ] as const) {
    const proxy = example('proxy', ...given);
    assert.is(await proxy.exited, 2);
    assert.match(proxy.output(), message);
  }
  const help = example('proxy', '--help');
  assert.is(await help.exited, 0);
  assert.match(help.output(), /^ {2}--strategy \(default "round-robin"\)$/m);
});

test('heartbeat: probes, and a client that stops is closed', async () => {
  const heartbeat = example('heartbeat', '--port', '0', '--interval', '100', '--hold', '400');
  const ann = await client(await portOf(heartbeat));
  ann.send('hello\n');
  await ann.heard(/^you said hello\nping\nping\n/);
  ann.send('ping\n');
  await heartbeat.printed(/keep-alive received/);
  await ann.over;
  await heartbeat.printed(/failed: PeerIdle: the peer was silent for 400 ms/);
  await end(heartbeat);
});

test('people: Protocol Buffers behind varints, written and read by their own library', async () => {
  const people = example('people', '--port', '0');
  const ann = await client(await portOf(people));
  const { root } = protobuf.parse(`
    syntax = "proto3";
    message Person { string name = 1; uint32 age = 2; }
    message Greeting { string text = 1; }
  `);
  const Person = root.lookupType('Person');
  ann.send(Person.encodeDelimited(Person.create({ name: 'Ann', age: 41 })).finish());
  ann.send(Person.encodeDelimited(Person.create({ name: 'Bob', age: 7 })).finish());
  await ann.heard(/Bob, next year 8$/);
  const answers = protobuf.Reader.create(ann.bytes);
  const Greeting = root.lookupType('Greeting');
  const texts = [1, 2].map(() => Greeting.toObject(Greeting.decodeDelimited(answers))['text'] as unknown);
  assert.equal(texts, ['Ann, next year 42', 'Bob, next year 8']);
  await end(people);
});

test('bgp: two speakers dial each other, have one session, and part in order', async () => {
  const [ours, theirs] = [await freePort(), await freePort()];
  const speaker = (as: number, port: number, to: number): Program =>
    example('bgp', '--as', `${as}`, '--id', `10.0.0.${as}`, '--port', `${port}`, '--connect', `127.0.0.1:${to}`);
  const ann = speaker(1, ours, theirs);
  await ann.printed(/: Idle -> Connect/);
  const bob = speaker(2, theirs, ours);
  await ann.printed(/: OpenConfirm -> Established AS2 10\.0\.0\.2, hold time 90 s/);
  await bob.printed(/: OpenConfirm -> Established AS1 10\.0\.0\.1, hold time 90 s/);
  ann.signal('SIGTERM');
  assert.is(await ann.exited, 0);
  await bob.printed(/Established -> Idle .*: the peer has ended the session: AdministrativeShutdown/);
  await end(bob);
});

test('bgp: says what it does not understand', async () => {
  const us = ['--as', '1', '--id', '10.0.0.1'];
  for (const [given, message] of [
    [['--id', '10.0.0.1'], /^as must be a whole number from 1 to 4294967295, got 0$/m],
    [['--as', '1'], /^id must be four numbers as in 10\.0\.0\.1/m],
    [[...us, '--hold', '2'], /^hold must be a whole number from 3 to 65535, got 2$/m],
    [[...us, '--connect', 'there'], /^--connect takes HOST:PORT, got "there"$/m],
    [[...us, '--connect', 'there:70000'], /^--connect takes HOST:PORT/m],
  ] as const) {
    const bgp = example('bgp', ...given);
    assert.is(await bgp.exited, 2);
    assert.match(bgp.output(), message);
  }
});

test.run();
