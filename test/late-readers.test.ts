// A handler that reads only after something else has happened (a look-up, a timer, another try) still belongs to its
// connection: it is slowed by a peer that does not read, and it is told when the server is to stop.
import {
  type Observable,
  Subject,
  asyncScheduler,
  concat,
  from,
  ignoreElements,
  mergeMap,
  of,
  retry,
  subscribeOn,
  switchMap,
  tap,
  timer,
} from 'rxjs';
import * as assert from 'uvu/assert';
import { type DrainReport, drain } from '../operators/drain.js';
import { frameFixed } from '../operators/frame-fixed.js';
import { mapAsync } from '../operators/map-async.js';
import { serve } from '../operators/serve.js';
import type { Connection } from '../src/connection/connection.js';
import { memory } from '../src/connection/memory.js';
import { fromAsyncIterable } from '../src/source/from-async-iterable.js';
import { suite } from './kit/suite.js';

const test = suite('who reads late');
const KB = 1_024;

type Bytes = Observable<Uint8Array>;

const failsOnce = (bytes: Bytes): Bytes => {
  let tries = 0;
  return bytes.pipe(
    tap(() => {
      if (++tries === 2) throw new Error('once');
    }),
    retry({ delay: 1 }),
  );
};

const handlers: Readonly<Record<string, (bytes: Bytes) => Bytes>> = {
  'after a timer': (bytes) => timer(1).pipe(switchMap(() => bytes)),
  'after a promise': (bytes) => from(Promise.resolve()).pipe(mergeMap(() => bytes)),
  'behind something else': (bytes) => concat(timer(1).pipe(ignoreElements()), bytes),
  'by another scheduler': (bytes) => bytes.pipe(subscribeOn(asyncScheduler)),
  'at another try': failsOnce,
  'after a timer, with a slow operator of its own': (bytes) =>
    timer(1).pipe(
      switchMap(() =>
        bytes.pipe(
          frameFixed(KB),
          mapAsync(4, async (frame) => frame),
        ),
      ),
    ),
};

/** As much as a peer can send. */
function* flood(): Iterable<Uint8Array> {
  for (let sent = 0; sent < 48 * KB; sent += 64) yield new Uint8Array(64 * KB);
}

const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

for (const [when, handler] of Object.entries(handlers)) {
  test(`${when}: a peer that never reads is not read from`, async () => {
    const [server, client] = memory();
    const serving = of(server).pipe(serve(handler)).subscribe();
    const asking = fromAsyncIterable(flood())
      .pipe(client.writes)
      .subscribe({ error: () => {} });
    let before = -1;
    for (let now = 0; now !== before; now = server.statistics.bytesIn) {
      before = now;
      // Until nothing moves any more.
      // oxlint-disable-next-line no-await-in-loop
      await sleep(30);
    }
    assert.ok(server.statistics.bytesIn > 0, 'it is read from');
    assert.ok(server.statistics.bytesIn < 1_024 * KB, `${server.statistics.bytesIn} bytes were read`);
    assert.ok(server.statistics.buffered < 512 * KB, `${server.statistics.buffered} bytes wait`);
    asking.unsubscribe();
    serving.unsubscribe();
  });

  test(`${when}: it is told when the server stops`, async () => {
    const [server, client] = memory();
    const stop = new Subject<void>();
    const reported = new Promise<DrainReport>((resolve) => {
      of<Connection>(server)
        .pipe(drain(stop, 4_000, serve(handler), { onDrained: resolve }))
        .subscribe();
    });
    const said = new Subject<Uint8Array>();
    client.reads.subscribe({ complete: () => said.complete() });
    // Long enough for the second try, too.
    said.pipe(client.writes).subscribe({ error: () => {} });
    said.next(new Uint8Array(KB));
    await sleep(10);
    said.next(new Uint8Array(KB));
    await sleep(20);
    stop.next();
    const { ended, cut } = await reported;
    assert.equal({ ended, cut }, { ended: 1, cut: [] });
  });
}

test.run();
