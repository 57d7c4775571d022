// A server in a process of its own, to measure what it holds. Started by `startServer` of flow-load.ts.
import { asapScheduler, delay, map, mergeMap as stockMergeMap, merge, observeOn, of, share, tap } from 'rxjs';
import type { Observable, OperatorFunction } from 'rxjs';
import { concatMap } from '../../operators/concat-map.js';
import { frameFixed } from '../../operators/frame-fixed.js';
import { mapAsync } from '../../operators/map-async.js';
import { mergeMap } from '../../operators/merge-map.js';
import { serve } from '../../operators/serve.js';
import type { Connection } from '../../src/connection/connection.js';
import { dial } from '../../src/connection/dial.js';
import { listen } from '../../src/connection/listen.js';
import type { Handler } from '../../src/server/outcome.js';

/** What a server is, and what it is told. */
export interface ServerOptions {
  readonly program: keyof typeof programs;
  /** How long a peer may leave what was written to it unread, in milliseconds. */
  readonly writeDeadline?: number;
  /** Where a proxy leads. */
  readonly far?: number;
}

/** What a server holds and has done so far. Sizes in bytes. */
export interface Report {
  /** How much more memory the process has than it had at first: now, and at the most. */
  readonly grown: number;
  readonly grownAtMost: number;
  /** Growth of what is in buffers outside the heap, after a garbage collection. */
  readonly buffers: number;
  readonly bytesIn: number;
  /** The most that any connection had waiting for its peer, as it says itself. */
  readonly bufferedAtMost: number;
  readonly framesDone: number;
  /** The most frames that were cut and not done. */
  readonly framesHeldAtMost: number;
  /** Frames done for each connection. */
  readonly share: readonly number[];
  /** How connections ended: `end`, or the name of the error. */
  readonly ended: readonly string[];
}

const options = JSON.parse(process.argv[2] ?? '{}') as ServerOptions;
const connections: Connection[] = [];
const shares = new Map<number, number>();
const ended: string[] = [];
let framesIn = 0;
let framesDone = 0;
let framesHeldAtMost = 0;
let bufferedAtMost = 0;

const FRAME = 1_024;

const frames = (connection: Connection): OperatorFunction<Uint8Array, Uint8Array> => {
  shares.set(connection.id, 0);
  return (bytes) =>
    bytes.pipe(
      frameFixed(FRAME),
      tap(() => {
        framesHeldAtMost = Math.max(framesHeldAtMost, ++framesIn - framesDone);
      }),
    );
};

const done = (id: number): void => {
  framesDone++;
  shares.set(id, (shares.get(id) ?? 0) + 1);
};

/** A millisecond for a frame. */
const work = async (id: number): Promise<void> => {
  await new Promise((later) => setTimeout(later, 1));
  done(id);
};

const working = (id: number): Observable<unknown> =>
  of(id).pipe(
    delay(1),
    tap(() => done(id)),
  );

const nothing = map((): Uint8Array => new Uint8Array(0));

/** A handler that is slow, with its queue in one operator or another. */
const slow =
  (queue: (id: number) => OperatorFunction<Uint8Array, unknown>): Handler =>
  (bytes, connection) =>
    bytes.pipe(frames(connection), queue(connection.id), nothing);

const numbered = (request: Uint8Array): Uint8Array => Buffer.concat([request, Buffer.from('\n')]);

const handlers: Record<'inside' | 'concatMap' | 'mergeMap' | 'observeOn' | 'echo' | 'requests', Handler> = {
  inside: slow((id) => mapAsync(4, () => work(id))),
  concatMap: slow((id) => concatMap(() => working(id))),
  mergeMap: slow((id) => mergeMap(() => working(id), 4)),
  observeOn: slow(
    (id) => (values) =>
      values.pipe(
        share(),
        observeOn(asapScheduler),
        mapAsync(4, () => work(id)),
      ),
  ),
  echo: (bytes) => bytes,
  requests: (bytes) => bytes.pipe(frameFixed(7), map(numbered)),
};

const serving = (handler: Handler) => (accepted: Observable<Connection>) =>
  accepted.pipe(
    serve(handler),
    tap((outcome) => {
      const error = outcome._tag === 'Left' ? outcome.left.error : undefined;
      ended.push(error instanceof Error ? error.name : 'end');
    }),
  );

const programs = {
  inside: serving(handlers.inside),
  concatMap: serving(handlers.concatMap),
  mergeMap: serving(handlers.mergeMap),
  observeOn: serving(handlers.observeOn),
  echo: serving(handlers.echo),
  requests: serving(handlers.requests),
  /** The slow operator behind all connections together. */
  after: (accepted: Observable<Connection>) =>
    accepted.pipe(
      stockMergeMap((connection) =>
        connection.reads.pipe(
          frames(connection),
          map(() => connection.id),
        ),
      ),
      mapAsync(4, work),
    ),
  proxy: (accepted: Observable<Connection>) =>
    accepted.pipe(
      stockMergeMap((near) =>
        dial({ port: options.far ?? 0 }).pipe(
          tap((far) => connections.push(far)),
          stockMergeMap((far) => merge(near.reads.pipe(far.writes), far.reads.pipe(near.writes))),
        ),
      ),
    ),
};

const rss = (): number => process.memoryUsage.rss();
let base = 0;
let buffersAtFirst = 0;
let most = 0;

/** Measures from here on. */
const begin = async (): Promise<void> => {
  await collect();
  base = most = rss();
  buffersAtFirst = process.memoryUsage().arrayBuffers;
};

const look = (): void => {
  most = Math.max(most, rss());
  for (const { statistics } of connections) bufferedAtMost = Math.max(bufferedAtMost, statistics.buffered);
};

/** Twice, with a moment after each: buffers are swept behind one's back. */
const collect = async (): Promise<void> => {
  for (let round = 0; round < 2; round++) {
    globalThis.gc?.();
    await new Promise((later) => setTimeout(later, 10));
  }
};

const report = async (): Promise<Report> => {
  look();
  const grown = rss() - base;
  const bytesIn = connections.reduce((sum, { statistics }) => sum + statistics.bytesIn, 0);
  const soFar = { framesDone, framesHeldAtMost, share: [...shares.values()] };
  await collect();
  return {
    ...soFar,
    bytesIn,
    grown,
    grownAtMost: most - base,
    buffers: process.memoryUsage().arrayBuffers - buffersAtFirst,
    bufferedAtMost,
    ended,
  };
};

const program: (accepted: Observable<Connection>) => Observable<unknown> = programs[options.program];
const { writeDeadline } = options;
listen({
  port: 0,
  ...(writeDeadline !== undefined && { writeDeadline }),
  onListening: ({ port }) => {
    setInterval(look, 5);
    void begin().then(() => process.send?.({ port }));
  },
})
  .pipe(
    tap((connection) => connections.push(connection)),
    program,
  )
  .subscribe();

const answer = async (asked: unknown): Promise<void> => {
  if (asked === 'begin') await begin();
  process.send?.(await report());
};

process.on('message', (asked) => void answer(asked));
process.on('disconnect', () => process.exit());
