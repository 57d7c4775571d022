// examples/bgp beside a real BGP daemon, BIRD 2: sessions are established, kept, and given up when the daemon stands still.
// Alone, since a hold time of 3 s is the shortest that there is, and both sides have to keep it.
import * as assert from 'uvu/assert';
import { bird, birdInstalled } from './kit/bird.js';
import { example, freePort, portOf } from './kit/program.js';
import { suite } from './kit/suite.js';

const test = suite('bgp: BIRD', undefined, { timeout: 60_000 });
const there = birdInstalled();
if (!there) console.log('BIRD is not installed (apt-get install bird2): its tests are skipped');
const tried = there ? test : (name: string): void => test.skip(name);

const HOLD = 3;

const sleep = (seconds: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, seconds * 1_000);
  });

const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;

tried('BIRD dials: the session is kept for three hold times, and given up when BIRD stands still', async () => {
  const speaker = example('bgp', '--as', '65001', '--id', '10.0.0.1', '--port', '0', '--peer-as', '65002');
  const port = await portOf(speaker);
  const daemon = bird({ port: await freePort(), neighbour: port, holdTime: HOLD });
  await speaker.printed(/: OpenConfirm -> Established AS65002 10\.0\.0\.2, hold time 3 s\n/);
  await daemon.program.printed(/BGP session established/);
  await sleep(HOLD * 3.2);
  assert.not.match(speaker.output(), /-> Idle|disconnected/);
  assert.not.match(daemon.program.output(), /error|Error|expired/);
  const stopped = performance.now();
  daemon.program.signal('SIGSTOP');
  await speaker.printed(/: Established -> Idle .*, [1-9]\d* updates: the session is ended: HoldTimerExpired\n/);
  const took = (performance.now() - stopped) / 1_000;
  // The last KEEPALIVE may have come a third of the hold time before.
  assert.ok(took > HOLD / 2 && took < HOLD + 3, `${took} s`);
  await speaker.printed(/disconnected \S+: HoldTimerExpired\n/);
  await sleep(1);
  assert.is(count(speaker.output(), /-> Idle/g), 1);
  assert.is(count(speaker.output(), /disconnected/g), 1);
  // When it goes on it finds out, and comes again.
  daemon.program.signal('SIGCONT');
  await speaker.printed(/Established -> Idle[^]*disconnected[^]*-> Established/);
  assert.is(count(speaker.output(), /disconnected/g), 1);
  await daemon.program.printed(/Received: Hold timer expired|BGP session closed|Hold timer expired/i);
  // Who stops tells its peer.
  speaker.signal('SIGTERM');
  assert.is(await speaker.exited, 0);
  await daemon.program.printed(/Received: Administrative shutdown/);
  await daemon.end();
});

tried('we dial: the session is established, and again when BIRD was away', async () => {
  const theirs = await freePort();
  const daemon = bird({ port: theirs, neighbour: await freePort(), holdTime: HOLD, more: 'passive on;' });
  await daemon.program.printed(/Started/);
  const to = ['--port', '0', '--connect', `127.0.0.1:${theirs}`, '--retry', '1'];
  const speaker = example('bgp', '--as', '65001', '--id', '10.0.0.1', ...to);
  await speaker.printed(/: Idle -> Connect\n127.0.0.1:\d+: Connect -> OpenSent\n[^]*Established AS65002 10\.0\.0\.2/);
  daemon.program.signal('SIGTERM');
  await daemon.program.exited;
  await speaker.printed(/Established -> Idle .*the peer has ended the session: (AdministrativeShutdown|Cease)/);
  const again = bird({ port: theirs, neighbour: await freePort(), holdTime: HOLD, more: 'passive on;' });
  await speaker.printed(/-> Established[^]*-> Established/);
  speaker.signal('SIGTERM');
  assert.is(await speaker.exited, 0);
  await daemon.end();
  await again.end();
});

tried('both dial: one session is established, and stays', async () => {
  const [theirs, ours] = [await freePort(), await freePort()];
  const daemon = bird({ port: theirs, neighbour: ours, holdTime: HOLD });
  await daemon.program.printed(/Started/);
  const to = ['--port', String(ours), '--connect', `127.0.0.1:${theirs}`, '--retry', '1'];
  const speaker = example('bgp', '--as', '65001', '--id', '10.0.0.1', ...to);
  await speaker.printed(/-> Established AS65002 10\.0\.0\.2, hold time 3 s\n/);
  await sleep(HOLD * 1.5);
  assert.not.match(speaker.output(), /Established -> Idle/);
  assert.is(count(speaker.output(), /-> Established/g), 1);
  speaker.signal('SIGTERM');
  assert.is(await speaker.exited, 0);
  await daemon.end();
});

tried('BIRD dials in vain: its AS is another, or its hold time', async () => {
  const speaker = example('bgp', '--as', '65001', '--id', '10.0.0.1', '--port', '0', '--peer-as', '65009');
  const daemon = bird({ port: await freePort(), neighbour: await portOf(speaker), holdTime: HOLD });
  await daemon.program.printed(/Received: Bad peer AS/);
  await speaker.printed(/disconnected \S+: BadPeerAs\n/);
  await daemon.end();
  speaker.signal('SIGTERM');
  assert.is(await speaker.exited, 0);
});

test.run();
