// What the abuse tests are hard on. A protocol more is a row more. BGP has none: a speaker answers no question, and keeps
// one session with a peer, so that nobody could tell whether others have to wait.
import { fileURLToPath } from 'node:url';
import { type Observable, identity, map } from 'rxjs';
import { chatRoom } from '../../examples/chat-room.js';
import { Files } from '../../examples/ftp/files.js';
import { ftp } from '../../examples/ftp/protocol.js';
import { createBroker } from '../../examples/mqtt/broker.js';
import { respServer } from '../../examples/resp/resp-server.js';
import {
  authenticate,
  decodeOr,
  encodeWith,
  endLines,
  firstByteDeadline,
  frameDeadline,
  frameLengthPrefixed,
  frameLines,
  prefixLength,
  protocol,
} from '../../operators/index.js';
import { type Handled, type Handler, json, line, text, tokenGate } from '../../src/index.js';
import type { Server, ServerOptions } from '../../src/server/index.js';
import { ack, connect, publish } from './mqtt.js';

/** What can only be served by a server of its own. */
export interface OwnServer {
  readonly server: (options: ServerOptions) => Server<Uint8Array>;
}

/** A server to be hard on: how it is spoken to, and what of its ways can be abused. */
export interface Target {
  readonly name: string;
  readonly serves: Handler | Handled | OwnServer;
  /** Said first of all by who means well: without it nothing is answered. */
  readonly login?: string;
  /** A question with a word of letters and digits in it, and the answer. In all that is said, a letter is a byte. */
  readonly ask: (word: string) => string;
  readonly hears: (word: string) => string;
  /** What is heard besides, which is no answer. */
  readonly noise?: RegExp;
  /** How many questions are many. */
  readonly many: number;
  /** The beginning of a frame, which any number of `x` does not end soon. */
  readonly begun?: string;
  /** A header that announces more than there may be. */
  readonly announces?: string;
  /** How many bytes without an end are too many for one frame. */
  readonly most?: number;
  /** The smallest message, for who has logged in. */
  readonly smallest?: string;
  /** A question of which the answer is no smaller, for who has logged in. */
  readonly loud?: string;
  /** Whether there is a gate in front of it: whatever is wrong there is `NotAuthenticated`. */
  readonly gated?: true;
  /** Whether who sends too long a frame is told so, and then ended in order: that is no error. */
  readonly polite?: true;
  /** Whether who says nothing may stay. */
  readonly patient?: true;
}

/** What is wrong with who says nothing, takes too long for a frame, or sends too long a one. */
export const wrong = ({ gated, polite }: Target, what: 'PeerSilent' | 'FrameTooSlow' | 'FrameTooLong'): string => {
  if (gated) return 'NotAuthenticated';
  return polite && what === 'FrameTooLong' ? 'finished' : what;
};

/** How long things may take in these servers, in milliseconds: much less than by default, for a test is to be short. */
export const SHORT = 2_500;
/** And a frame, once it is begun. */
const FRAME = 1_500;
/** And what is under way at a stop: less than a peer that does not read has otherwise. */
export const DRAIN = 1_000;

const number = (value: number): string => {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(value);
  return header.toString('latin1');
};

const behindLength = (said: string): string => number(said.length) + said;

const inTime = (bytes: Observable<Uint8Array>): Observable<Uint8Array> => bytes.pipe(firstByteDeadline(SHORT));

const lines: Handler = (bytes) =>
  inTime(bytes).pipe(frameLines({ maxBytes: 65_536 }), frameDeadline(FRAME), endLines());

const LONG = 'z'.repeat(15);

/** The number of a packet: that of the word. */
const numbered = (said: string): number => 1 + (Number(/\d+/.exec(said)?.[0] ?? 0) % 65_535);

const { options: mqtt } = createBroker({ limits: { patience: SHORT } }).protocol;
const packets = (said: Uint8Array): string => Buffer.from(said).toString('latin1');

const bulk = (said: string): string => `$${said.length}\r\n${said}\r\n`;

/** To be listed at most: nothing can be written. */
const files = await Files.at(fileURLToPath(new URL('.', import.meta.url)));

export const targets: readonly Target[] = [
  { name: 'echo', serves: inTime, ask: identity, hears: identity, many: 50_000, loud: LONG },
  {
    name: 'length prefix',
    serves: (bytes) =>
      inTime(bytes).pipe(
        frameLengthPrefixed({ width: 4, limit: 1024 * 1024 }),
        frameDeadline(FRAME),
        prefixLength({ width: 4, limit: 1024 * 1024 }),
      ),
    ask: behindLength,
    hears: behindLength,
    many: 100_000,
    begun: number(10_000),
    announces: number(2 ** 31 - 1),
    smallest: number(0),
    loud: behindLength(LONG),
  },
  {
    name: 'lines',
    serves: lines,
    ask: (word) => `${word}\n`,
    hears: (word) => `${word}\n`,
    many: 100_000,
    begun: 'x',
    most: 65_536,
    smallest: '\n',
    loud: `${LONG}\n`,
  },
  {
    name: 'json',
    serves: (bytes) =>
      inTime(bytes).pipe(
        frameLines({ maxBytes: 65_536 }),
        frameDeadline(FRAME),
        decodeOr(json, 'drop'),
        encodeWith(json),
        endLines(),
      ),
    ask: (word) => `{"said":["${word}"]}\n`,
    hears: (word) => `{"said":["${word}"]}\n`,
    many: 20_000,
    begun: '[',
    most: 65_536,
    smallest: '0\n',
    loud: `["${LONG}"]\n`,
  },
  {
    name: 'chat',
    serves: protocol({ ...chatRoom().options, firstMessage: SHORT, frameDeadline: FRAME }),
    ask: (word) => `/nick ${word}\n`,
    hears: (word) => `* you are now ${word}\n`,
    noise: /^(?!\* you are now ).*\n/gm,
    many: 5_000,
    begun: 'x',
    most: 1_024,
    smallest: '\n',
    loud: '/help\n',
  },
  {
    name: 'token',
    serves: authenticate(
      tokenGate([['s3cret', 'ann']]),
      protocol<string>({ name: 'shout', framing: line(), message: text, session: map((said) => `<${said}>`) }),
      { deadline: SHORT, lockout: false },
    ),
    login: 's3cret\n',
    ask: (word) => `${word}\n`,
    hears: (word) => `<${word}>\n`,
    many: 50_000,
    begun: 'x',
    most: 1_024,
    loud: `${LONG}\n`,
    gated: true,
  },
  {
    name: 'mqtt',
    serves: protocol({ ...mqtt, frameDeadline: FRAME }),
    login: packets(connect('')),
    ask: (word) => packets(publish('a', word, 1, numbered(word))),
    hears: (word) => packets(ack('puback', numbered(word))),
    noise: /^ [^]{3}/g,
    many: 10_000,
    begun: '\x10\xe8\x07',
    announces: '\x10\xff\xff\xff\x7f',
    smallest: '\xc0\0',
  },
  {
    name: 'resp',
    serves: { server: (options) => respServer({ ...options, requestDeadline: FRAME }) },
    ask: (word) => `*2\r\n${bulk('ECHO')}${bulk(word)}`,
    hears: bulk,
    many: 50_000,
    begun: `*2\r\n${bulk('ECHO')}$10000\r\n`,
    announces: `*2\r\n${bulk('ECHO')}$2147483647\r\n`,
    most: 65_536,
    smallest: 'PING\r\n',
    loud: `ECHO ${'z'.repeat(1_000)}\r\n`,
    polite: true,
    patient: true,
  },
  {
    name: 'ftp',
    serves: ftp({ files, accounts: 'anonymous', login: SHORT }),
    login: 'USER ftp\r\nPASS guest\r\n',
    ask: (word) => `REST ${numbered(word)}\r\n`,
    hears: (word) => `350 The next transfer begins at ${numbered(word)}\r\n`,
    noise: /^(?!350 ).*\r\n/gm,
    many: 10_000,
    begun: 'x',
    most: 4_200,
    smallest: 'NOOP\r\n',
    loud: 'HELP\r\n',
    gated: true,
  },
];
