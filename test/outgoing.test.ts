import { type Observable, Subject } from 'rxjs';
import * as assert from 'uvu/assert';
import { prefixLength } from '../operators/prefix-length.js';
import { WireConnection, connectionLimits } from '../src/connection/connection.js';
import type { Wire, WireListener } from '../src/connection/wire.js';
import { suite } from './kit/suite.js';

const test = suite('what is written to a connection');

/** A wire that keeps what it is given, as a socket does whose peer does not read, until it is told that all has left. */
class SlowWire implements Wire {
  readonly peer = 'slow';
  readonly local = 'here';
  readonly copies = false;
  pending = 0;
  readonly written: Uint8Array[] = [];
  listener!: WireListener;
  /** Called in the midst of each write. */
  meanwhile = (): void => {};

  attach(listener: WireListener): void {
    this.listener = listener;
  }
  write(chunk: Uint8Array): boolean {
    this.written.push(chunk);
    this.pending += chunk.length;
    this.meanwhile();
    return this.pending < 65_536;
  }
  unread(): void {}
  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {
    this.listener.gone();
  }
  reset(): void {
    this.destroy();
  }
}

const writing = (
  encode: (chunks: Observable<Uint8Array>) => Observable<Uint8Array>,
): [SlowWire, Subject<Uint8Array>] => {
  const wire = new SlowWire();
  const chunks = new Subject<Uint8Array>();
  const connection = new WireConnection(wire, connectionLimits({}));
  chunks.pipe(encode, connection.writes).subscribe({ error: () => {} });
  return [wire, chunks];
};

const aTick = (): Promise<void> =>
  new Promise((done) => {
    setImmediate(done);
  });

test('a peer that does not read holds what waits for it, and not the memory in which it was put together', async () => {
  const [wire, chunks] = writing(prefixLength(2));
  for (let turn = 0; turn < 100; turn++) {
    chunks.next(new Uint8Array(32));
    await aTick();
  }
  assert.is(wire.written.length, 100);
  const memory = new Set(wire.written.map(({ buffer }) => buffer));
  const held = [...memory].reduce((sum, { byteLength }) => sum + byteLength, 0);
  assert.ok(held < 256 * 1024, `${held} bytes are held for ${wire.pending}`);
  wire.destroy();
});

test('what comes in the midst of a write that fills the wire goes before what comes later', async () => {
  const [wire, chunks] = writing((all) => all);
  wire.meanwhile = () => {
    wire.meanwhile = () => {};
    chunks.next(Buffer.from('B'));
  };
  chunks.next(new Uint8Array(65_536));
  chunks.next(Buffer.from('C'));
  wire.pending = 0;
  wire.listener.drained();
  await aTick();
  assert.is(Buffer.concat(wire.written.slice(1)).toString(), 'BC');
  wire.destroy();
});

test.run();
