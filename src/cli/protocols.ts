import { type Observable, concat, ignoreElements, map, mergeMap, of } from 'rxjs';
import * as t from 'io-ts';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Protocol, type ProtocolOptions, protocol } from '../../operators/protocol.js';
import { codecOf } from '../codec/standard-schema.js';
import { text } from '../codec/text.js';
import { dial } from '../connection/dial.js';
import { fixed } from '../framing/fixed.js';
import { selfCounting } from '../framing/length-prefixed.js';
import { line } from '../framing/line.js';
import type { InvertibleRule } from '../framing/rule.js';
import type { Handled, Handler } from '../server/outcome.js';
import { Complaint, reasonOf } from './shell.js';
import { quoted } from './words.js';

/** What a server of the shell speaks. */
export interface Spoken {
  /** As it is typed after `protocol`. */
  readonly typed: string;
  /** Whether it has messages that can be told from keep-alives. */
  readonly keepsAlive: boolean;
  /** What is served, with keep-alives at `interval` milliseconds where it has any; 0: as it is. */
  readonly serve: (interval: number) => Protocol<unknown, unknown> | Handler | Handled;
  /** What is sent for a text that was typed. Throws where there is no such message. */
  readonly message: (typed: string) => unknown;
}

const bytesOf = (typed: string): Uint8Array => new TextEncoder().encode(typed);

/** Messages that are the bytes of their frames. */
const bytes = new t.Type<Uint8Array, Uint8Array, Uint8Array>(
  'bytes',
  (value): value is Uint8Array => value instanceof Uint8Array,
  t.success,
  (value) => value,
);

// -- what can be named -----------------------------------------------------------------------------------------------

/** A handler that has no messages: what is sent is bytes. */
const ofHandler = (typed: string, handler: Handler | Handled): Spoken => ({
  typed,
  keepsAlive: false,
  serve: () => handler,
  message: bytesOf,
});

/** A protocol whose keep-alive is an empty message, or what `alive` says. */
const ofProtocol = <A>(
  typed: string,
  declared: ProtocolOptions<A, A>,
  alive: { readonly probe: A; readonly isKeepAlive: (message: A) => boolean },
  message: (typed: string) => A,
): Spoken => ({
  typed,
  keepsAlive: true,
  serve: (interval) => protocol<A, A>(interval === 0 ? declared : { ...declared, keepAlive: { interval, ...alive } }),
  message,
});

/** What comes goes back. */
export const echo: Spoken = ofHandler('echo', (chunks) => chunks);

const unprintable = /\p{Cc}/gu;

/** Everybody is told what anybody says. `/nick NAME` gives one a name. */
export const chat: Spoken = ofProtocol<string>(
  'chat',
  {
    name: 'chat',
    framing: line({ maxBytes: 4_096 }),
    message: text,
    invalid: 'drop',
    session: (lines, peer) => {
      const say = (said: string): Observable<string> => {
        const name = /^\/nick ([\p{L}\p{N}_-]{1,20})$/u.exec(said)?.[1];
        if (name !== undefined) {
          peer.broadcast(`* ${peer.name} is now ${name}`);
          peer.name = name;
          return of(`* you are now ${name}`);
        }
        if (said.startsWith('/')) return of('* /nick NAME gives you a name of 1 to 20 letters, digits, - or _');
        peer.broadcast(`${peer.name}: ${said}`);
        return of();
      };
      return concat(
        of(`* welcome, ${peer.name}`),
        lines.pipe(
          map((said) => said.replaceAll(unprintable, '')),
          mergeMap(say),
        ),
      );
    },
  },
  { probe: '', isKeepAlive: (said) => said === '' },
  (typed) => typed,
);

/** Takes messages and answers none: they are counted, and `show events` shows them. */
const taking = (typed: string, framing: InvertibleRule, probe = new Uint8Array()): Spoken =>
  ofProtocol<Uint8Array>(
    typed,
    { name: typed, framing, message: bytes, session: (messages) => messages.pipe(ignoreElements()) },
    { probe, isKeepAlive: (message) => Buffer.compare(message, probe) === 0 },
    bytesOf,
  );

export const lines = (): Spoken => taking('line', line());
export const fixedSize = (size: number): Spoken => taking(`fixed ${size}`, fixed(size), new Uint8Array(size));
export const variable = (): Spoken => taking('variable', selfCounting());

/** Everything goes on to another server, and its answers come back. */
export const proxy = (host: string, port: number): Spoken =>
  ofHandler(`proxy ${host} ${port}`, (chunks) =>
    dial({ host, port }).pipe(
      mergeMap((far) => {
        // The way up goes on after the way down has ended, and the other way round. Where it fails, so does the way down.
        chunks.pipe(far.writes).subscribe({ error: () => {} });
        return far.reads;
      }),
    ),
  );

// -- modules ---------------------------------------------------------------------------------------------------------

const isHandled = (value: unknown): value is Handled =>
  typeof (value as Partial<Handled> | null | undefined)?.handler === 'function';

const isProtocol = (value: Handled): value is Protocol<unknown, unknown> =>
  typeof (value as Partial<Protocol<unknown, unknown>>).options?.session === 'function';

/** A text as a message of a protocol: itself, or what it is in JSON, or its bytes: the first that is a message. */
const messageOf =
  ({ name, options }: Protocol<unknown, unknown>) =>
  (typed: string): unknown => {
    const codec = codecOf(options.answer ?? options.message);
    const meant = [typed, ...parsed(typed), bytesOf(typed)].find((value) => codec.is(value));
    if (meant !== undefined) return meant;
    throw new Complaint(`${name} has no message ${JSON.stringify(typed)}: give a ${codec.name}, as text or JSON`);
  };

const parsed = (typed: string): readonly unknown[] => {
  try {
    return [JSON.parse(typed)];
  } catch {
    return [];
  }
};

/** The protocol or handler that a module exports as its default. Rejects when there is none. */
export const moduleProtocol = async (path: string): Promise<Spoken> => {
  const file = resolve(path);
  const typed = quoted(file);
  const loaded = await import(pathToFileURL(file).href).then(
    (module: { readonly default?: unknown }) => module.default,
    (error: unknown) => {
      throw new Complaint(`${path} cannot be loaded: ${reasonOf(error)}`);
    },
  );
  if (typeof loaded === 'function') return ofHandler(typed, loaded as Handler);
  if (!isHandled(loaded)) throw new Complaint(`${path} has no protocol and no handler as its default export`);
  if (!isProtocol(loaded)) return ofHandler(typed, loaded);
  const { keepAlive } = loaded.options;
  const message = messageOf(loaded);
  if (keepAlive === undefined) return { typed, keepsAlive: false, serve: () => loaded, message };
  // Its own hold time goes with its own interval.
  const { hold: _, ...alive } = keepAlive;
  return {
    typed,
    keepsAlive: true,
    serve: (interval) => (interval === 0 ? loaded : protocol({ ...loaded.options, keepAlive: { ...alive, interval } })),
    message,
  };
};
