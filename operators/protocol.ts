import {
  type Observable,
  type SchedulerLike,
  Subject,
  asyncScheduler,
  defer,
  filter,
  finalize,
  identity,
  map,
  merge,
  takeUntil,
} from 'rxjs';
import { isAdmitted, nameNoted } from '../src/auth/identity.js';
import { checkFunction, checkObject, checkScheduler, checkText, checkTime } from '../src/check.js';
import type { InvalidPolicy } from '../src/codec/invalid.js';
import { type CodecOrSchema, codecOf } from '../src/codec/standard-schema.js';
import type { Connection } from '../src/connection/connection.js';
import type { DeframerOptions } from '../src/framing/deframer.js';
import type { InvertibleRule } from '../src/framing/rule.js';
import type { Handled, Handler } from '../src/server/outcome.js';
import { type Belonging, Unwatched, type Watch } from '../src/server/watch.js';
import { type Subscribed, Topic, type TopicOptions } from '../src/source/topic.js';
import { firstByteDeadline } from './first-byte-deadline.js';
import { frameDeadline } from './frame-deadline.js';
import type { KeepAliveOptions } from './keep-alive.js';
import { speechOf } from './speech.js';

/** Whom a session talks to. */
export interface Peer<B> extends Belonging {
  /** The number of its connection. */
  readonly id: number;
  /** Where it is: `127.0.0.1:51512`. */
  readonly address: string;
  readonly connection: Connection;
  /** Sends it a message that is no answer to one of its own. */
  send(message: B): void;
  /**
   * The same for a message that it may miss. While the peer takes no more, such messages wait, and broadcasts among them,
   * for as many as `slow` says; then its policy decides. False when this one is dropped, or nobody is there to take it.
   */
  offer(message: B): boolean;
  /**
   * Sends a message to everyone else who is served by the same protocol, or to those of them who are in `room`. A slow
   * one is treated as `slow` says. One that has no bytes fails this peer's connection, as with `send`.
   */
  broadcast(message: B, room?: string): void;
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
  /**
   * How long a peer may take for its first message, in milliseconds (default 10,000; 0: for ever). It is off unless
   * given with `keepAlive`, whose hold time says how long a peer may be silent, and for who is no stranger: who came
   * through `authenticate`, or was dialled by the server.
   */
  readonly firstMessage?: number;
  /** How long a frame may take from its first byte to its last, in milliseconds (default 30,000; 0: for ever). */
  readonly frameDeadline?: number;
  /** What becomes of broadcasts and offers to a peer that does not take them (default: the oldest of 256 is dropped). */
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
  /** The bytes of an answer, in its frame. Throws what the codec and the framing throw. */
  readonly encode: (answer: B) => Uint8Array;
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
  const everyone = new Topic<Said<B>>(checkObject('slow', options.slow ?? {}));
  const inTime = frameTime === 0 ? identity<Observable<Uint8Array>> : frameDeadline<Uint8Array>(frameTime, scheduler);
  const firstTime = checkTime('firstMessage', options.firstMessage ?? (keepAlive === undefined ? 10_000 : 0), 0);
  const soon = firstTime === 0 ? identity<Observable<Uint8Array>> : firstByteDeadline<Uint8Array>(firstTime, scheduler);
  const isStranger = (connection: Connection, watch: Watch | undefined): boolean =>
    options.firstMessage !== undefined || (watch?.opener !== 'active' && !isAdmitted(connection));
  const speech = speechOf<A, B, I>({
    framing,
    frames: checkObject('frames', options.frames ?? {}),
    codec: codecOf(options.message),
    invalid,
    keepAlive: keepAlive === undefined ? undefined : { scheduler, ...checkObject('keepAlive', keepAlive) },
    encode,
  });

  const handler: Handler = (bytes, connection, watch) =>
    defer(() => {
      const { cut, decode, isMessage, alive, encode: say, sent: note } = speech(watch);
      const belonging = watch ?? new Unwatched(nameNoted(connection) ?? connection.peer);
      const sent = new Subject<B>();
      const over = new Subject<void>();
      let own: Subscribed<Said<B>> | undefined;
      const peer: Peer<B> = {
        id: connection.id,
        address: connection.peer,
        connection,
        get rooms() {
          return belonging.rooms;
        },
        get name() {
          return belonging.name;
        },
        set name(given) {
          belonging.name = given;
        },
        enter: (room) => belonging.enter(room),
        exit: (room) => belonging.exit(room),
        send: (message) => sent.next(message),
        // Encoded when it goes: what waits for many is then there once.
        offer: (message) => own?.offer({ from: NOBODY, to: undefined, message, bytes: undefined }) ?? false,
        broadcast: (message, room) => {
          let encoded: Uint8Array;
          try {
            encoded = encode(message);
          } catch (error) {
            return sent.error(error);
          }
          // A copy of its own: it is kept for who is slow, and may be a view of what was read, or of a larger block.
          everyone.publish({ from: connection.id, to: room, message, bytes: new Uint8Array(encoded) });
        },
      };
      const isForOthers = ({ from, to }: Said<B>): boolean =>
        from === connection.id || (to !== undefined && !belonging.rooms.has(to));
      const onDropped = (): void => watch?.dropped();
      const onSubscribed = (subscribed: Subscribed<Said<B>>): void => {
        own = subscribed;
      };
      const passOn = ({ message, bytes: encoded }: Said<B>): Uint8Array => {
        if (encoded === undefined) return say(message);
        note(message);
        return encoded;
      };
      const talk = (messages: Observable<A | I>): Observable<B> => session(messages, peer);
      const frames = bytes.pipe(cut, inTime, isStranger(connection, watch) ? soon : identity);
      const messages = frames.pipe(map(decode()), filter(isMessage)) as Observable<A | I>;
      // Called only when what it sends has somewhere to go.
      const answered = defer(() => messages.pipe(alive(talk)));
      return merge(
        everyone.stream({ except: isForOthers, onDropped, onSubscribed }).pipe(map(passOn), takeUntil(over)),
        sent.pipe(map(say), takeUntil(over)),
        answered.pipe(
          map(say),
          finalize(() => {
            own = undefined;
            over.next();
          }),
        ),
      );
    });

  return { name, options, handler, encode };
};

/** The number of no connection. */
const NOBODY = 0;

/** A message on its way to everyone else, or to a room, encoded once, however many they are; or to one who may miss it. */
interface Said<B> {
  readonly from: number;
  readonly to: string | undefined;
  readonly message: B;
  readonly bytes: Uint8Array | undefined;
}
