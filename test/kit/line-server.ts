import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import * as E from 'fp-ts/lib/Either.js';
import { type Observable, type OperatorFunction, map, pipe } from 'rxjs';
import { serve } from '../../operators/serve.js';
import { listen } from '../../src/connection/listen.js';
import { SluiceError } from '../../src/errors.js';
import { cutLines } from './cut-lines.js';

/** Lines in, lines out. */
export type Talk = OperatorFunction<string, string>;

const speaking = (talk: Talk): ((bytes: Observable<Uint8Array>) => Observable<Uint8Array>) =>
  pipe(
    map((bytes: Uint8Array) => Buffer.from(bytes).toString()),
    cutLines,
    talk,
    map((line) => Buffer.from(`${line}\n`)),
  );

/** A server of lines: its port, and how its connections ended, by the names of their errors. */
export const server = async (talk: Talk) => {
  const outcomes: string[] = [];
  let running: { unsubscribe(): void } | undefined;
  const port = await new Promise<number>((listening, failed) => {
    running = listen({ port: 0, onListening: (address) => listening(address.port ?? 0) })
      .pipe(serve(speaking(talk)))
      .subscribe({
        next: E.match(
          ({ error }) => outcomes.push(error instanceof SluiceError ? error._tag : String(error)),
          () => outcomes.push('finished'),
        ),
        error: failed,
      });
  });
  return { port, outcomes, stop: () => running?.unsubscribe() };
};

/** A client, connected. */
export const dial = async (port: number, options: { readonly allowHalfOpen?: boolean } = {}): Promise<Socket> => {
  const socket = connect({ port, host: '127.0.0.1', ...options }).on('error', () => {});
  await once(socket, 'connect');
  return socket;
};

/** Waits for something that the test is about to see, and not for ever. */
export const until = async (seen: () => boolean, ms = 4_000): Promise<void> => {
  const deadline = performance.now() + ms;
  while (!seen()) {
    if (performance.now() > deadline) throw new Error(`waited ${ms} ms for: ${seen.toString()}`);
    await setTimeout(5);
  }
};
