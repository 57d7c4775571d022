import { type OperatorFunction, type SchedulerLike, identity } from 'rxjs';
import { DROPPED, type InvalidPolicy, decodingBy } from '../src/codec/invalid.js';
import type { CodecOrSchema } from '../src/codec/standard-schema.js';
import type { DeframerOptions } from '../src/framing/deframer.js';
import type { InvertibleRule } from '../src/framing/rule.js';
import type { Watch } from '../src/server/watch.js';
import { frame } from './frame.js';
import { type KeepAliveOptions, keepingAlive } from './keep-alive.js';

/** What stands around the session of a protocol: bytes to messages, and answers to bytes. */
export interface Speech<A, B> {
  readonly cut: OperatorFunction<Uint8Array, Uint8Array>;
  /** Decodes the frames of one stream. */
  readonly decode: () => (frame: Uint8Array) => A | typeof DROPPED;
  /** Leaves out what stands where a frame was dropped. */
  readonly isMessage: (message: A | typeof DROPPED) => boolean;
  readonly alive: (session: OperatorFunction<A, B>) => OperatorFunction<A, B>;
  readonly encode: (answer: B) => Uint8Array;
  /** Takes note of a message that was encoded elsewhere. */
  readonly sent: (message: B) => void;
}

/** What a protocol says of it. */
interface SpeechOptions<A, B, I> {
  readonly framing: InvertibleRule;
  readonly frames: DeframerOptions;
  readonly codec: CodecOrSchema<A>;
  readonly invalid: InvalidPolicy<I>;
  readonly keepAlive: (KeepAliveOptions<A | I, B> & { readonly scheduler: SchedulerLike }) | undefined;
  readonly encode: (answer: B) => Uint8Array;
}

/**
 * The speech of a protocol. One is made for all peers that nobody watches, so that the rest costs them nothing; who is
 * watched has one of its own, which tells the watch.
 */
export const speechOf = <A, B, I>(
  options: SpeechOptions<A, B, I>,
): ((watch: Watch | undefined) => Speech<A | I, B>) => {
  const { framing, frames, codec, invalid, keepAlive, encode } = options;
  const unwatched: Speech<A | I, B> = {
    cut: frame(framing, frames),
    decode: decodingBy<A, I>(codec, invalid, {}),
    isMessage: (message) => message !== DROPPED,
    alive: keepAlive === undefined ? identity : keepingAlive(keepAlive),
    encode,
    sent: () => {},
  };
  return (watch) => (watch === undefined ? unwatched : watched(options, watch));
};

const watched = <A, B, I>(
  { framing, frames, codec, invalid, keepAlive, encode }: SpeechOptions<A, B, I>,
  watch: Watch,
): Speech<A | I, B> => {
  /** What is encoded next is a probe, and no message. */
  let probing = false;

  const toldOfProbes = (given: NonNullable<typeof keepAlive>): NonNullable<typeof keepAlive> => ({
    ...given,
    probe: () => {
      probing = true;
      return typeof given.probe === 'function' ? (given.probe as () => B)() : given.probe;
    },
    isKeepAlive: (message) => {
      const probes = given.isKeepAlive(message);
      if (!probes) watch.received(message);
      return probes;
    },
    onEvent: (event) => {
      watch.keepAlive(event);
      return given.onEvent?.(event);
    },
  });

  return {
    cut: frame(framing, {
      ...frames,
      onSkipped: (why) => {
        watch.refused([why.message]);
        frames.onSkipped?.(why);
      },
    }),
    decode: decodingBy<A, I>(codec, invalid, { onInvalid: (why) => watch.refused(why) }),
    isMessage: (message) => {
      if (message === DROPPED) return false;
      // With keep-alives it takes another look, further down, to tell a message from a probe.
      if (keepAlive === undefined) watch.received(message);
      return true;
    },
    alive: keepAlive === undefined ? identity : keepingAlive(toldOfProbes(keepAlive)),
    encode: (answer) => {
      const bytes = encode(answer);
      if (!probing) watch.sent(answer);
      probing = false;
      return bytes;
    },
    sent: (message) => watch.sent(message),
  };
};
