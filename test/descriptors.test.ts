import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { lastValueFrom, merge, take } from 'rxjs';
import * as assert from 'uvu/assert';
import type { ListenEvent } from '../src/index.js';
import { knock } from './kit/peer.js';
import { rounds } from './kit/quiet.js';
import { suite } from './kit/suite.js';

const test = suite('running out of descriptors');

interface Stopped {
  readonly type: 'stopped';
  readonly outcomes: Readonly<Record<string, number>>;
  readonly cpu: NodeJS.CpuUsage;
}

test('old connections stay, new ones are refused with an event, and it recovers', async () => {
  const program = fileURLToPath(new URL('kit/few-descriptors.js', import.meta.url));
  const server = spawn('sh', ['-c', 'ulimit -n 160; exec "$0" "$1"', process.execPath, program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface(server.stdout)[Symbol.asyncIterator]();
  const port = Number((await lines.next()).value);
  const events: (ListenEvent | Stopped)[] = [];
  const stopped = (async () => {
    for await (const line of { [Symbol.asyncIterator]: () => lines })
      events.push(JSON.parse(line) as ListenEvent | Stopped);
  })();

  const old = knock({ port }).read();
  old.send('1');
  assert.is(await old.heard(1), '1');

  const crowd = Array.from({ length: 240 }, () => knock({ port }).read());
  await lastValueFrom(merge(...crowd.map(({ over }) => over)).pipe(take(80)));
  old.send('2');
  assert.is(await old.heard(2), '12');
  for (const peer of crowd) peer.stream.destroy();

  // It backs off for a second at most; then it takes new ones again.
  const again = async (): Promise<string> => {
    const peer = knock({ port }).read();
    peer.send('hi');
    const answer = await Promise.race([peer.heard(2), peer.over]);
    peer.stream.destroy();
    return answer;
  };
  let answer = await again();
  while (answer !== 'hi') {
    await rounds(20);
    answer = await again();
  }

  old.send('3');
  assert.is(await old.heard(3), '123');
  old.end();
  assert.is(await old.over, 'end');
  server.stdin.end();
  await stopped;

  const shortages = events.filter((event) => event.type === 'accept-failed');
  assert.ok(shortages.length > 0 && shortages.length <= 5, `${shortages.length} events`);
  assert.ok(shortages.every(({ code }) => code === 'EMFILE'));
  assert.is(shortages[0]?.wait, 100);
  assert.ok(shortages.every(({ wait }) => wait >= 100 && wait <= 1000));
  const last = events.at(-1) as Stopped;
  assert.is(last.type, 'stopped');
  assert.ok((last.outcomes['finished'] ?? 0) >= 2, JSON.stringify(last.outcomes));
  assert.ok(last.cpu.user + last.cpu.system < 2_000_000, 'no busy loop');
});

test.run();
