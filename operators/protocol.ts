import {
  type Observable,
  type OperatorFunction,
  type SchedulerLike,
  Subject,
  asyncScheduler,
  defer,
  finalize,
  identity,
  map,
  merge,
  takeUntil,
} from 'rxjs';
import { checkFunction, checkObject, checkScheduler, checkText, checkTime } from '../src/check.js';
import type { InvalidPolicy } from '../src/codec/invalid.js';
import { type CodecOrSchema, codecOf } from '../src/codec/standard-schema.js';
import type { Connection } from '../src/connection/connection.js';
import type { DeframerOptions } from '../src/framing/deframer.js';
import type { InvertibleRule } from '../src/framing/rule.js';
import type { Handled, Handler } from '../src/server/outcome.js';
import { Topic, type TopicOptions } from '../src/source/topic.js';
import { decodeOr } from './decode-or.js';
import { firstByteDeadline } from './first-byte-deadline.js';
import { frameDeadline } from './frame-deadline.js';
import { frame } from './frame.js';
import { type KeepAliveOptions, keepingAlive } from './keep-alive.js';

/** Whom a session talks to. */
export interface Peer<B> {
  /** The number of its connection. */
  readonly id: number;
  /** Where it is: `127.0.0.1:51512`. */
  readonly address: string;
  /** What it is called: its address, until the session gives it another name. */
  name: string;
  readonly connection: Connection;
  /** Sends it a message that is no answer to one of its own. */
  send(message: B): void;
  /**
   * Sends a message to everyone else who is served by the same protocol. A slow one is treated as `slow` says.
   * One that has no bytes fails this peer's connection, as with `send`.
   */
  broadcast(message: B): void;
}

/** A protocol, declared. `A` is what a peer sends, `B` what it is answered, `I` what stands for an invalid message. */
export interface ProtocolOptions<A, B, I = never> {
  readonly name: string;
  /** How bytes are cut into frames, and answers put into them: any rule that works both ways. */
  readonly framing: InvertibleRule;
  /** What becomes of frames that are too long or cut short (default: an error). */
  readonly frames?: DeframerOptions;
  /** What a frame says: an io-ts type over bytes, or a Standard Schema over JSON. */
  readonly message: CodecOrSchema<A>;
  /** The same for answers (default: as `message`). */
  readonly answer?: CodecOrSchema<B>;
  /** What becomes of a frame that is no message: see `decodeOr` (default `end`). */
  readonly invalid?: InvalidPolicy<I>;
  /** What the protocol does: messages in, answers out, for one peer. */
  readonly session: (messages: Observable<A | I>, peer: Peer<B>) => Observable<B>;
  /** Probes and hold time; off unless given. */
  readonly keepAlive?: KeepAliveOptions<A | I, B>;
  /** How long a peer may take for its first message, in milliseconds; off unless given. */
  readonly firstMessage?: number;
  /** How long a frame may take from its first byte to its last, in milliseconds (default 30,000; 0: for ever). */
  readonly frameDeadline?: number;
  /** What becomes of broadcasts to a peer that does not take them (default: the oldest of 256 is dropped). */
  readonly slow?: TopicOptions;
  /** What the deadlines are measured by (default `asyncScheduler`). */
  readonly scheduler?: SchedulerLike;
}

/** A protocol as a value: to be served, controlled, tested and moved. */
export interface Protocol<A, B, I = never> extends Handled {
  readonly name: string;
  readonly options: ProtocolOptions<A, B, I>;
  /** The operator from bytes to bytes that speaks it. */
  readonly handler: Handler;
}

/**
 * Declares a protocol: how bytes become frames, frames messages, and messages answers.
 *
 *     const upper = protocol({ name: 'upper', framing: line(), message: text, session: map((line) => line.toUpperCase()) });
 *     listen({ port: 7000 }).pipe(serve(upper)).subscribe();
 *
 * A connection ends when its session has completed and all is flushed; it fails with what the frames, the messages, the
 * deadlines or the session fail with. `peer.broadcast` reaches everyone whom this value serves, on whatever port.
 */
export const protocol = <A, B = A, I = never>(options: ProtocolOptions<A, B, I>): Protocol<A, B, I> => {
  const { framing, keepAlive, invalid = 'end', scheduler = asyncScheduler } = checkObject('options', options);
  const name = checkText('name', options.name);
  checkFunction('framing.encode', checkObject('framing', framing).encode);
  checkScheduler('scheduler', scheduler);
  const session = checkFunction('session', options.session);
  const answers = codecOf((options.answer ?? options.message) as CodecOrSchema<B>);
  const encode = (answer: B): Uint8Array => framing.encode(answers.encode(answer));
  const frameTime = checkTime('frameDeadline', options.frameDeadline ?? 30_000, 0);
  const room = new Topic<Said>(checkObject('slow', options.slow ?? {}));
  const alive =
    keepAlive === undefined
      ? identity<OperatorFunction<A | I, B>>
      : keepingAlive<A | I, B>({ scheduler, ...checkObject('keepAlive', keepAlive) });

  const cut = frame(framing, checkObject('frames', options.frames ?? {}));
  const inTime = frameTime === 0 ? identity<Observable<Uint8Array>> : frameDeadline<Uint8Array>(frameTime, scheduler);
  const soon =
    options.firstMessage === undefined
      ? identity<Observable<Uint8Array>>
      : firstByteDeadline<Uint8Array>(checkTime('firstMessage', options.firstMessage), scheduler);
  const understood = decodeOr<A, I>(options.message, invalid);

  const handler: Handler = (bytes, connection) =>
    defer(() => {
      const sent = new Subject<B>();
      const over = new Subject<void>();
      const peer: Peer<B> = {
        id: connection.id,
        address: connection.peer,
        name: connection.peer,
        connection,
        send: (message) => sent.next(message),
        broadcast: (message) => {
          let encoded: Uint8Array;
          try {
            encoded = encode(message);
          } catch (error) {
            return sent.error(error);
          }
          room.publish({ from: connection.id, bytes: encoded });
        },
      };
      const talk = (messages: Observable<A | I>): Observable<B> => session(messages, peer);
      const messages = bytes.pipe(cut, inTime, soon, understood);
      // Called only when what it sends has somewhere to go.
      const answered = defer(() => messages.pipe(alive(talk)));
      return merge(
        room.stream({ except: (said) => said.from === connection.id }).pipe(
          map((said) => said.bytes),
          takeUntil(over),
        ),
        sent.pipe(map(encode), takeUntil(over)),
        answered.pipe(
          map(encode),
          finalize(() => over.next()),
        ),
      );
    });

  return { name, options, handler };
};

/** A message on its way to everyone else: encoded once, however many they are. */
interface Said {
  readonly from: number;
  readonly bytes: Uint8Array;
}
