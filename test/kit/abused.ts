// The servers of targets.ts, each over TCP and over TLS, in a process of their own: what they hold can be measured there.
// Answers a number with what it holds now, and drains at 'stop'; then it has to end by itself.
import { readdirSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { type Observable, Subject, defer, ignoreElements, merge, mergeMap, takeUntil, tap } from 'rxjs';
import { drain } from '../../operators/drain.js';
import { serve } from '../../operators/serve.js';
import { type ListenOptions, listen } from '../../src/connection/listen.js';
import type { Outcome } from '../../src/server/outcome.js';
import { ending } from '../../src/testing/ending.js';
import { certify } from './certificates.js';
import { DRAIN, SHORT, type Target, targets } from './targets.js';

/** What the process holds, and how its connections have ended so far. */
export interface Held {
  /** The number that was asked by. */
  readonly asked: number;
  /** Resident memory, garbage that Node has not given back included. */
  readonly rss: number;
  /** Bytes that are in use: heap and buffers, after a collection. */
  readonly used: number;
  readonly open: number;
  readonly descriptors: number;
  /** By port, and by the names of the errors. */
  readonly outcomes: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** What the process was warned of. */
  readonly warnings: readonly string[];
}

/** Sent once, when all ports are open. */
export interface Opened {
  /** By the name of the target, and `, TLS`. */
  readonly ports: Readonly<Record<string, number>>;
  /** Who vouches for the server. */
  readonly ca: string;
}

/** How each port was drained. */
export type Drained = Readonly<Record<string, { readonly ended: number; readonly cut: number }>>;

const { key, cert } = certify({ name: 'localhost', hosts: ['localhost', '127.0.0.1'] });
const ports: Record<string, number> = {};
const outcomes: Record<string, Record<string, number>> = {};
const warnings: string[] = [];
const drained: Record<string, { ended: number; cut: number }> = {};
const stop = new Subject<void>();
let opened = 0;
let ended = 0;

process.on('warning', (warning) => warnings.push(String(warning)));

/** What comes to a port. */
const accepted = (options: ListenOptions) => listen(options).pipe(tap(() => opened++));

/** How each who came to a target has ended, until it has been drained. */
const served = ({ serves }: Target, name: string, options: ListenOptions): Observable<Outcome> => {
  const note = ({ ended: count, cut }: { readonly ended: number; readonly cut: readonly unknown[] }): void => {
    drained[name] = { ended: count, cut: cut.length };
  };
  if (!('server' in serves)) return accepted(options).pipe(drain(stop, DRAIN, serve(serves), { onDrained: note }));
  const server = serves.server({ ...options, listen: accepted });
  const stopped = stop.pipe(
    mergeMap(() => server.stop({ drain: DRAIN })),
    tap(note),
  );
  return merge(server.outcomes, defer(() => server.start()).pipe(ignoreElements())).pipe(takeUntil(stopped));
};

const serving = targets.flatMap((target) =>
  ['TCP', 'TLS'].map((carrier) => {
    const name = `${target.name}, ${carrier}`;
    const counts: Record<string, number> = (outcomes[name] = {});
    return served(target, name, {
      port: 0,
      backlog: 2_048,
      writeDeadline: SHORT,
      ...(carrier === 'TLS' && { tls: { key, cert, handshakeTimeout: SHORT } }),
      onListening: ({ port }) => {
        ports[name] = port as number;
        if (Object.keys(ports).length === 2 * targets.length) process.send?.({ ports, ca: cert } satisfies Opened);
      },
      onEvent: (event) => {
        const what = event.type === 'refused' ? event.reason : event.type;
        counts[what] = (counts[what] ?? 0) + 1;
      },
    }).pipe(
      tap((outcome) => {
        ended++;
        const how = ending(outcome);
        counts[how] = (counts[how] ?? 0) + 1;
      }),
    );
  }),
);

merge(...serving).subscribe({
  complete: () => process.send?.(drained satisfies Drained, () => process.disconnect()),
});

const gc = (globalThis as { gc?: () => void }).gc ?? ((): void => {});

/**
 * Bytes in use. Buffers are freed beside a collection and counted a moment after, and meanwhile others come: the least of
 * a few looks is what is held.
 */
const inUse = async (): Promise<number> => {
  let least = Infinity;
  for (let looks = 0; looks < 4; looks++) {
    gc();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    least = Math.min(least, heapUsed + arrayBuffers);
    await wait(10);
  }
  return least;
};

const report = async (asked: number): Promise<void> => {
  process.send?.({
    asked,
    used: await inUse(),
    rss: process.memoryUsage.rss(),
    open: opened - ended,
    descriptors: readdirSync('/dev/fd').length,
    outcomes,
    warnings,
  } satisfies Held);
};

process.on('message', (what: number | 'stop') => {
  if (what === 'stop') stop.next();
  else void report(what);
});
// Whoever was to stop it is gone.
process.on('disconnect', () => setTimeout(() => process.exit(1), 5_000).unref());
