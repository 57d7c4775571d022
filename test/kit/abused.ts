// The servers that test/abuse.test.ts is hard on, in a process of their own: echo of frames behind a length, and of lines.
// Answers each message of the test with what it holds now.
import { merge } from 'rxjs';
import { endLines } from '../../operators/end-lines.js';
import { firstByteDeadline } from '../../operators/first-byte-deadline.js';
import { frameDeadline } from '../../operators/frame-deadline.js';
import { frameLengthPrefixed } from '../../operators/frame-length-prefixed.js';
import { frameLines } from '../../operators/frame-lines.js';
import { prefixLength } from '../../operators/prefix-length.js';
import { serve } from '../../operators/serve.js';
import { type ListenOptions, listen } from '../../src/connection/listen.js';

/** What the process holds, and how its connections have ended so far, by the names of the errors. */
export interface Held {
  /** Resident memory, garbage that Node has not given back included. */
  readonly rss: number;
  /** Bytes that are in use: heap and buffers, after a collection. */
  readonly used: number;
  readonly open: number;
  readonly outcomes: Readonly<Record<string, number>>;
}

/** Sent once, when both ports are open. */
export interface Ports {
  readonly prefixed: number;
  readonly lines: number;
}

const outcomes: Record<string, number> = {};
const ports: { prefixed?: number; lines?: number } = {};
let opened = 0;

const options = (name: 'prefixed' | 'lines'): ListenOptions => ({
  port: 0,
  writeDeadline: 1_500,
  onListening: ({ port }) => {
    ports[name] = port as number;
    if (ports.prefixed !== undefined && ports.lines !== undefined) process.send?.(ports);
  },
});

merge(
  listen(options('prefixed')).pipe(
    serve((bytes) => {
      opened++;
      return bytes.pipe(
        firstByteDeadline(1_500),
        frameLengthPrefixed({ width: 4, limit: 1024 * 1024 }),
        frameDeadline(1_500),
        prefixLength({ width: 4, limit: 1024 * 1024 }),
      );
    }),
  ),
  listen(options('lines')).pipe(
    serve((bytes) => {
      opened++;
      return bytes.pipe(frameLines({ maxBytes: 65_536 }), frameDeadline(1_500), endLines());
    }),
  ),
).subscribe((outcome) => {
  const name = outcome._tag === 'Right' ? 'finished' : (outcome.left.error as Error).name;
  outcomes[name] = (outcomes[name] ?? 0) + 1;
});

const gc = (globalThis as { gc?: () => void }).gc ?? ((): void => {});

const report = (): void => {
  const ended = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  process.send?.({ rss, used: heapUsed + arrayBuffers, open: opened - ended, outcomes } satisfies Held);
};

process.on('message', () => {
  // Buffers are freed beside the collection, and counted a moment after.
  gc();
  setTimeout(() => {
    gc();
    report();
  }, 20);
});
process.on('disconnect', () => process.exit());
