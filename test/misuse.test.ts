// Every function of the package, called wrongly: it says so at the call, by name and value, in words of its own.
import * as E from 'fp-ts/lib/Either.js';
import { NEVER, identity, lastValueFrom, of, tap } from 'rxjs';
import * as assert from 'uvu/assert';
import * as ix from '../operators/ix/index.js';
import * as operators from '../operators/index.js';
import * as main from '../src/index.js';
import * as servers from '../src/server/index.js';
import * as websockets from '../src/websocket/index.js';
import { raised } from './kit/raised.js';
import { suite } from './kit/suite.js';

type Call = (wrong: (...given: readonly unknown[]) => unknown) => unknown;
type Row = readonly [Call, typeof Error, RegExp];

const rule = main.line();
const oneWay = { capacity: 1, judge: () => main.more };
const session = identity;
const alive = { interval: 5, probe: 'p', isKeepAlive: () => false };
const protocol = { name: 'x', framing: rule, message: main.text, session };
const source = { pause: () => {}, resume: () => {} };
const target = { port: 1 };
const pooled = { port: 1, protocol };
const schema = { '~standard': { vendor: 'x', version: 1, validate: () => ({ value: 1 }) } };

const [inMemory] = main.memory();
const proxies = { trusted: ['10.0.0.0/8'] };
const unknown = { version: 1, command: 'proxy' };

const noObject = (name: string, got: unknown): RegExp => new RegExp(`^${name} must be an object, got ${String(got)}$`);
const noFunction = (name: string, got: unknown): RegExp =>
  new RegExp(`^${name} must be a function, got ${String(got)}$`);
const noScheduler = /^scheduler must be a scheduler of RxJS, got 5$/;
const noCodec = /^codec must be an io-ts type over bytes or a Standard Schema, got undefined$/;
const noRule = /^rule must be a rule, got undefined$/;
const noWidth = /^width must be one of 1, 2, 3, 4, 6, 8, got (undefined|null)$/;
const noDelimiter = /^delimiters must be texts or bytes, got undefined$/;
const noSize = /^size must be a number, got undefined$/;
const noTime = /^ms must be a number, got undefined$/;

/** What can be given to a function that takes an object of options, and no other argument. */
const onlyOptions: readonly Row[] = [
  [(f) => f(null), TypeError, noObject('options', null)],
  [(f) => f('x'), TypeError, noObject('options', '"x"')],
];
const limited: readonly Row[] = [
  ...onlyOptions,
  [(f) => f(5), TypeError, noObject('options', 5)],
  [(f) => f({ limit: 0 }), RangeError, /^limit must be a whole number from 1 to \d+, got 0$/],
];
const lines: readonly Row[] = [
  ...onlyOptions,
  [(f) => f({ ending: 'cr' }), TypeError, /^ending must be one of "lf", "crlf", "any", got "cr"$/],
  [(f) => f({ maxBytes: 0 }), RangeError, /^maxBytes must be a whole number from 1 to \d+, got 0$/],
];
const timed: readonly Row[] = [
  [(f) => f(), TypeError, noTime],
  [(f) => f(0), RangeError, /^ms must be a time from 1 to \d+ ms, got 0$/],
  [(f) => f(5, 5), TypeError, noScheduler],
];
const delimiters: readonly Row[] = [
  [(f) => f(), TypeError, noDelimiter],
  [(f) => f(''), RangeError, /^a delimiter must have one byte or more/],
  [(f) => f(';', null), TypeError, noObject('options', null)],
  [(f) => f(';', { keep: 1 }), TypeError, /^keep must be true or false, got 1$/],
];
const widths: readonly Row[] = [
  [(f) => f(), RangeError, noWidth],
  [(f) => f(null), RangeError, noWidth],
  [(f) => f({ width: 2, order: 'x' }), TypeError, /^order must be one of "be", "le", got "x"$/],
];
const sizes: readonly Row[] = [
  [(f) => f(), TypeError, noSize],
  [(f) => f(0), RangeError, /^size must be a whole number from 1 to \d+, got 0$/],
];
const rules: readonly Row[] = [
  [(f) => f(), TypeError, noRule],
  [(f) => f(rule, null), TypeError, noObject('options', null)],
  [(f) => f(rule, 5), TypeError, noObject('options', 5)],
  [(f) => f(rule, { onTooLong: 'x' }), TypeError, /^onTooLong must be one of "error", "skip", got "x"$/],
  [(f) => f(rule, { next: 0 }), TypeError, noFunction('next', 0)],
  [(f) => f(rule, { onSkipped: 0 }), TypeError, noFunction('onSkipped', 0)],
  [(f) => f(rule, { state: null }), TypeError, noObject('state', null)],
  [(f) => f(rule, { state: {} }), TypeError, /^state.bytes must be bytes$/],
];
const codecs: readonly Row[] = [[(f) => f(), TypeError, noCodec]];
const policies: readonly Row[] = [
  [(f) => f(), TypeError, noCodec],
  [(f) => f(main.text, 'x'), TypeError, /^policy must be one of "drop", "end", got "x"$/],
  [(f) => f(main.text, 'end', null), TypeError, noObject('options', null)],
  [(f) => f(main.text, 'end', { onInvalid: 0 }), TypeError, noFunction('onInvalid', 0)],
];
const handlers: readonly Row[] = [
  [(f) => f(), TypeError, noFunction('handler', undefined)],
  [(f) => f(identity, null), TypeError, noObject('options', null)],
  [(f) => f(identity, { concurrency: 0 }), RangeError, /^concurrency must be a whole number from 1 to \d+, got 0$/],
];
const projects: readonly Row[] = [
  [(f) => f(), TypeError, noFunction('project', undefined)],
  [(f) => f(5), TypeError, noFunction('project', 5)],
];
const batches: readonly Row[] = [
  [(f) => f(null), TypeError, noObject('options', null)],
  [(f) => f({ highWater: 0 }), RangeError, /^highWater must be a whole number from 1 to \d+, got 0$/],
];
const places: readonly Row[] = [
  [(f) => f(), TypeError, noObject('options', undefined)],
  [(f) => f({}), TypeError, /^give either a port or a path, got neither$/],
  [(f) => f({ port: 70_000 }), RangeError, /^port must be a whole number from [01] to 65535, got 70000$/],
  [(f) => f({ path: '/x', host: 'a' }), TypeError, /^host goes with a port, and a path was given$/],
  [(f) => f({ path: `/${'é'.repeat(54)}` }), RangeError, /^path must have 10[37] bytes at most, got 109$/],
  [(f) => f({ port: 1, scheduler: 5 }), TypeError, noScheduler],
];
const topics: readonly Row[] = [
  [(f) => f(null), TypeError, noObject('options', null)],
  [(f) => f({ policy: 'x' }), TypeError, /^policy must be one of "drop-oldest", .* got "x"$/],
  [(f) => f({ highWater: 0 }), RangeError, /^highWater must be a whole number from 1 to \d+, got 0$/],
];

const upgrades: readonly Row[] = [
  [(f) => f(), TypeError, /^connection must be one that listen, dial or fromDuplex gave$/],
  [(f) => f({}, {}), TypeError, /^connection must be one that listen, dial or fromDuplex gave$/],
  [(f) => f(inMemory), TypeError, noObject('tls', undefined)],
];

const ofMain: Readonly<Record<string, readonly Row[]>> = {
  acceptTls: [...upgrades, [(f) => f(inMemory, {}), TypeError, /^tls must have a key and a cert$/]],
  requestTls: [
    ...upgrades,
    [(f) => f(inMemory, {}), TypeError, /^tls.servername must be a text that is not empty, got undefined$/],
    [(f) => f(inMemory, { servername: 'a' }), TypeError, /^connection must be over a socket or another stream$/],
  ],
  tlsFrom: [
    [(f) => f(), TypeError, noObject('tls', undefined)],
    [(f) => f({ kee: 1 }), TypeError, /^tls has no option kee here$/],
    [(f) => f({ watch: 'x' }), TypeError, /^tls.watch must be a number, got "x"$/],
    [(f) => f({ caFile: '/no/where' }), Error, /^tls.caFile cannot be read: ENOENT/],
  ],
  listen: [
    ...places,
    [(f) => f({ port: 1, onListening: 5 }), TypeError, noFunction('onListening', 5)],
    [(f) => f({ port: 1, mode: 0o600 }), TypeError, /^mode goes with the path of a file$/],
    [(f) => f({ path: '/x', mode: 1_000 }), RangeError, /^mode must be a whole number from 0 to 511, got 1000$/],
    [(f) => f({ port: 1, tls: true }), TypeError, noObject('tls', true)],
    [(f) => f({ port: 1, tls: {} }), TypeError, /^tls must have a key and a cert$/],
  ],
  dial: [
    ...places,
    [(f) => f({ port: 1, random: 1 }), TypeError, noFunction('random', 1)],
    [(f) => f({ port: 1, tls: { requestCert: true } }), TypeError, /^tls has no option requestCert here$/],
  ],
  balance: [
    [(f) => f(), TypeError, /^targets must be an array or an Observable, got undefined$/],
    [(f) => f([]), RangeError, /^targets must have one target or more, got none$/],
    [(f) => f([5]), TypeError, noObject('options', 5)],
    [(f) => f([{}]), TypeError, /^give either a port or a path, got neither$/],
    [(f) => f([target, target]), RangeError, /^targets must differ, and 127\.0\.0\.1:1 is there twice$/],
    [(f) => f([{ port: 1, weight: 0 }]), RangeError, /^weight must be a whole number from 1 to 1000, got 0$/],
    [(f) => f([target], 'fastest'), TypeError, /^strategy must be one of "round-robin", .* got "fastest"$/],
    [(f) => f([target], 'round-robin', null), TypeError, noObject('options', null)],
    [
      (f) => f([target], 'round-robin', { tries: 0 }),
      RangeError,
      /^tries must be a whole number from 1 to \d+, got 0$/,
    ],
    [(f) => f([target], 'round-robin', { eject: 5 }), TypeError, noObject('eject', 5)],
    [(f) => f([target], 'round-robin', { dial: 5 }), TypeError, noFunction('dial', 5)],
    [(f) => f([target], 'round-robin', { random: 5 }), TypeError, noFunction('random', 5)],
    [(f) => f([target], 'round-robin', { connectTimeout: 0 }), RangeError, /^connectTimeout must be a time .* got 0$/],
    [(f) => f([target], 'round-robin', { scheduler: 5 }), TypeError, noScheduler],
  ],
  memory: [
    [(f) => f(null), TypeError, noObject('options', null)],
    [(f) => f({ names: 5 }), TypeError, /^names must be two texts$/],
    [(f) => f({ names: ['a'] }), TypeError, /^names must be two texts$/],
    [(f) => f({ names: ['a', 'b', 'c'] }), TypeError, /^names must be two texts$/],
    [(f) => f({ names: ['a', ''] }), TypeError, /^names must be a text that is not empty, got ""$/],
    [(f) => f({ window: 0 }), RangeError, /^window must be a whole number from 1 to \d+, got 0$/],
    [(f) => f({ later: 1 }), TypeError, noFunction('later', 1)],
  ],
  fromDuplex: [
    [(f) => f(), TypeError, /^fromDuplex takes an open Duplex stream of bytes, got no stream$/],
    [(f) => f({}, null), TypeError, noObject('options', null)],
    [(f) => f({}, { peer: 5 }), TypeError, /^peer must be a text that is not empty, got 5$/],
  ],
  fromAsyncIterable: [[(f) => f(), TypeError, /^fromAsyncIterable takes an AsyncIterable or an Iterable$/]],
  fromReadable: [[(f) => f(), TypeError, /^fromReadable takes a Node Readable or a web ReadableStream$/]],
  pausable: [
    [(f) => f(), TypeError, /^source must be an Observable, got undefined$/],
    [(f) => f(5, source), TypeError, /^source must be an Observable, got number$/],
    [(f) => f(NEVER), TypeError, noObject('options', undefined)],
    [(f) => f(NEVER, {}), TypeError, noFunction('pause', undefined)],
    [(f) => f(NEVER, { ...source, limit: 0 }), RangeError, /^limit must be a whole number from 1 to \d+, got 0$/],
  ],
  signals: [
    [(f) => f(), TypeError, /^signals takes the name of at least one signal, such as SIGTERM$/],
    [(f) => f('SIGKILL'), TypeError, /^signals must be one of .* got "SIGKILL"$/],
  ],
  topic: topics,
  codecOf: [
    ...codecs,
    [(f) => f(schema, 5), TypeError, /^over must be an io-ts type over bytes, got 5$/],
    [(f) => f(schema, null), TypeError, /^over must be an io-ts type over bytes, got null$/],
  ],
  reasons: [[(f) => f(), TypeError, /^errors must be those of io-ts, got undefined$/]],
  jsonWithin: [
    [(f) => f(), TypeError, noObject('limits', undefined)],
    [(f) => f({ maxBytes: 0 }), RangeError, /^maxBytes must be a whole number from 1 to \d+, got 0$/],
  ],
  textWithin: [
    [(f) => f(), TypeError, noObject('limits', undefined)],
    [(f) => f({ maxBytes: 0 }), RangeError, /^maxBytes must be a whole number from 1 to \d+, got 0$/],
  ],
  struct: [
    [(f) => f(), TypeError, noObject('fields', undefined)],
    [(f) => f({}), RangeError, /^a struct must have at least one field$/],
    [(f) => f({ a: 5 }), TypeError, /^field a must be one such as u8 or cstring\(16\), got 5$/],
    [(f) => f({ a: main.u8 }, null), TypeError, noObject('options', null)],
    [(f) => f({ a: main.u8 }, { align: 5 }), TypeError, /^align must be true or false, got 5$/],
  ],
  array: [
    [(f) => f(5, 2), TypeError, /^the field of array must be one such as u8 or cstring\(16\), got 5$/],
    [(f) => f(main.u8), TypeError, /^length of array must be a number, got undefined$/],
  ],
  bytes: [[(f) => f(-1), RangeError, /^size of bytes must be a whole number from 1 to \d+, got -1$/]],
  cstring: [[(f) => f(0), RangeError, /^size of cstring must be a whole number from 1 to \d+, got 0$/]],
  fixed: sizes,
  lengthPrefixed: widths,
  selfCounting: [
    ...limited,
    [(f) => f({ limit: 70_000 }), RangeError, /^limit must be a whole number from 1 to 65533, got 70000$/],
  ],
  delimited: delimiters,
  line: [...lines, [(f) => f(-1), RangeError, /^maxBytes must be a whole number from 1 to \d+, got -1$/]],
  netstring: limited,
  varint: limited,
  proxyFrame: [
    ...onlyOptions,
    [(f) => f({ limit: 100 }), RangeError, /^limit must be a whole number from 232 to 65551, got 100$/],
  ],
  connectionGate: [[(f) => f(), TypeError, noFunction('identify', undefined)]],
  identityOf: [[(f) => f(), TypeError, noObject('connection', undefined)]],
  sameSecret: [
    [(f) => f(), TypeError, /^one must be bytes or a text, got undefined$/],
    [(f) => f('a', 5), TypeError, /^other must be bytes or a text, got number$/],
  ],
  tokenGate: [
    [(f) => f(), TypeError, /^tokens must be a table of them or a function, got undefined$/],
    [(f) => f([[5, 'ann']]), TypeError, /^a token must be bytes or a text, got number$/],
    [(f) => f([], null), TypeError, noObject('options', null)],
  ],
  tokenLogin: [
    [(f) => f(), TypeError, /^token must be bytes or a text, got undefined$/],
    [(f) => f('a', null), TypeError, noObject('options', null)],
    [(f) => f('a', { welcome: 5 }), TypeError, /^welcome must be bytes or a text, got number$/],
  ],
  hmacGate: [[(f) => f(), TypeError, noFunction('keyOf', undefined)]],
  hmacLogin: [
    [(f) => f(), TypeError, noObject('options', undefined)],
    [(f) => f({ name: '' }), TypeError, /^name must be a text that is not empty, got ""$/],
    [(f) => f({ name: 'ann', key: 'k'.repeat(16) }), TypeError, /^key must be bytes, got string$/],
    [(f) => f({ name: 'ann', key: new Uint8Array(15) }), RangeError, /^key must have 16 bytes or more, got 15$/],
  ],
  scramVerifier: [
    [(f) => f(), TypeError, /^password must be a text, got undefined$/],
    [(f) => f(''), RangeError, /^password is empty, or has a letter that none may have$/],
    [(f) => f('a', null), TypeError, noObject('options', null)],
    [(f) => f('a', { iterations: 1 }), RangeError, /^iterations must be a whole number from 4096 to 1000000, got 1$/],
    [(f) => f('a', { salt: 'salt' }), TypeError, /^salt must be bytes, one or more$/],
  ],
  scramGate: [
    [(f) => f(), TypeError, noFunction('verifierOf', undefined)],
    [(f) => f(identity, null), TypeError, noObject('options', null)],
    [(f) => f(identity, { iterations: 1 }), RangeError, /^iterations must be a whole number from 4096 .*, got 1$/],
    [(f) => f(identity, { pepper: 'p' }), TypeError, /^pepper must be bytes, got string$/],
  ],
  scramLogin: [
    [(f) => f(), TypeError, noObject('options', undefined)],
    [(f) => f({ name: 5 }), TypeError, /^name must be a text, got number$/],
    [(f) => f({ name: 'ann' }), TypeError, /^password must be a text, got undefined$/],
    [(f) => f({ name: 'ann', password: '' }), RangeError, /^password is empty, or has a letter that none may have$/],
    [
      (f) => f({ name: 'ann', password: 'a', maxIterations: 5 }),
      RangeError,
      /^maxIterations must be a whole number from 4096 to 1000000, got 5$/,
    ],
  ],
  networkOf: [
    [(f) => f({}), TypeError, /^peer must be a text that is not empty, got undefined$/],
    [(f) => f({ peer: '' }), TypeError, /^peer must be a text that is not empty, got ""$/],
  ],
  rateLimit: [
    ...onlyOptions,
    [(f) => f({ messages: 0 }), RangeError, /^messages must be a number from 0.001 to \d+, got 0$/],
    [(f) => f({ bytes: 'x' }), TypeError, /^bytes must be a number, got "x"$/],
    [
      (f) => f({ messages: 1, messageBurst: 0.5 }),
      RangeError,
      /^messageBurst must be a number from 1 to \d+, got 0.5$/,
    ],
    [(f) => f({ bytes: 1, byteBurst: NaN }), RangeError, /^byteBurst must be a number from 1 to \d+, got NaN$/],
    [(f) => f({ keys: 0 }), RangeError, /^keys must be a whole number from 1 to \d+, got 0$/],
    [(f) => f({ scheduler: 5 }), TypeError, noScheduler],
  ],
  proxyHeaderOf: [
    [(f) => f(), TypeError, noObject('connection', undefined)],
    [(f) => f({}, null), TypeError, noObject('options', null)],
  ],
  deframer: rules,
  found: [[(f) => f(0, 0), RangeError, /^a frame must have a byte or more, got 0, 0 and 0$/]],
};

const ofBoth: Readonly<Record<string, readonly Row[]>> = {
  decodeOr: policies,
  decodeWith: codecs,
  encodeWith: codecs,
  frame: rules,
  frameDelimited: delimiters,
  frameFixed: sizes,
  frameLengthPrefixed: widths,
  frameLines: [...lines, [(f) => f(5), TypeError, noObject('options', 5)]],
  frameNetstring: limited,
  frameVarint: limited,
  serve: handlers,
};

const ofIx: Readonly<Record<string, readonly Row[]>> = { ...ofBoth, toAsyncIterable: batches };

const ofOperators: Readonly<Record<string, readonly Row[]>> = {
  ...ofBoth,
  copy: [],
  toBatches: batches,
  delimit: delimiters,
  endLines: lines,
  prefixLength: widths,
  prefixVarint: limited,
  wrapNetstring: limited,
  encodeFrames: [
    [(f) => f(), TypeError, noObject('rule', undefined)],
    [(f) => f(oneWay), TypeError, noFunction('rule.encode', undefined)],
  ],
  broadcast: [
    [(f) => f(), TypeError, noObject('room', undefined)],
    [(f) => f({}), TypeError, noFunction('room.publish', undefined)],
  ],
  concatMap: projects,
  mergeMap: projects,
  mapAsync: [
    [(f) => f(), TypeError, /^concurrency must be a number, got undefined$/],
    [(f) => f(1), TypeError, noFunction('project', undefined)],
    [(f) => f(1, identity, null), TypeError, noObject('options', null)],
    [(f) => f(1, identity, { overflow: 'x' }), TypeError, /^overflow must be one of "error", .* got "x"$/],
  ],
  failIfIdle: timed,
  frameDeadline: timed,
  firstByteDeadline: timed,
  heartbeat: [
    [(f) => f(), TypeError, noTime],
    [(f) => f(5, 'beat', 5), TypeError, noScheduler],
  ],
  keepAlive: [
    [(f) => f(), TypeError, noObject('options', undefined)],
    [(f) => f(alive), TypeError, noFunction('session', undefined)],
    [(f) => f({ ...alive, interval: -5 }, session), RangeError, /^interval must be a time from 0 to \d+ ms, got -5$/],
    [(f) => f({ ...alive, probe: undefined }, session), TypeError, /^probe must be a message or .* got undefined$/],
    [(f) => f({ ...alive, isKeepAlive: 1 }, session), TypeError, noFunction('isKeepAlive', 1)],
    [(f) => f({ ...alive, onEvent: 5 }, session), TypeError, noFunction('onEvent', 5)],
    [(f) => f({ ...alive, scheduler: 5 }, session), TypeError, noScheduler],
  ],
  drain: [
    [(f) => f(5, 1, identity), TypeError, /^stop must be an Observable, got number$/],
    [(f) => f(NEVER, -1, identity), RangeError, /^ms must be a time from 0 to \d+ ms, got -1$/],
    [(f) => f(NEVER, 1), TypeError, noFunction('serving', undefined)],
    [(f) => f(NEVER, 1, identity, null), TypeError, noObject('options', null)],
    [(f) => f(NEVER, 1, identity, { onDrained: 1 }), TypeError, noFunction('onDrained', 1)],
    [(f) => f(NEVER, 1, identity, { scheduler: 5 }), TypeError, noScheduler],
  ],
  pauseWhile: [
    [(f) => f(), TypeError, /^paused must be an Observable, got undefined$/],
    [(f) => f(true), TypeError, /^paused must be an Observable, got boolean$/],
    [(f) => f(NEVER, null), TypeError, noObject('options', null)],
    [(f) => f(NEVER, { limit: 0 }), RangeError, /^limit must be a whole number from 1 to \d+, got 0$/],
  ],
  pool: [
    [(f) => f(), TypeError, noObject('options', undefined)],
    [(f) => f({}), TypeError, noObject('protocol', undefined)],
    [(f) => f({ protocol }), TypeError, /^give either a port or a path, got neither$/],
    [(f) => f({ ...pooled, port: 0 }), RangeError, /^port must be a whole number from 1 to 65535, got 0$/],
    [(f) => f({ protocol, dial: 5 }), TypeError, /^dial must be an Observable, got number$/],
    [(f) => f({ ...pooled, dial: NEVER }), TypeError, /^give either what dials, or a port or a path, got both$/],
    [(f) => f({ ...pooled, connectTimeout: 0 }), RangeError, /^connectTimeout must be a time .* got 0$/],
    [(f) => f({ ...pooled, protocol: 5 }), TypeError, noObject('protocol', 5)],
    [(f) => f({ ...pooled, protocol: { framing: oneWay } }), TypeError, noFunction('framing.encode', undefined)],
    [(f) => f({ ...pooled, protocol: { framing: rule } }), TypeError, noCodec],
    [(f) => f({ ...pooled, protocol: { ...protocol, frames: 5 } }), TypeError, noObject('frames', 5)],
    [(f) => f({ ...pooled, name: '' }), TypeError, /^name must be a text that is not empty, got ""$/],
    [(f) => f({ ...pooled, max: 0 }), RangeError, /^max must be a whole number from 1 to \d+, got 0$/],
    [(f) => f({ ...pooled, max: 2, min: 3 }), RangeError, /^min must be a whole number from 0 to 2, got 3$/],
    [(f) => f({ ...pooled, depth: 0 }), RangeError, /^depth must be a whole number from 1 to \d+, got 0$/],
    [(f) => f({ ...pooled, waiting: -1 }), RangeError, /^waiting must be a whole number from 0 to \d+, got -1$/],
    [(f) => f({ ...pooled, acquire: 0 }), RangeError, /^acquire must be a time from 1 to \d+ ms, got 0$/],
    [(f) => f({ ...pooled, idle: -1 }), RangeError, /^idle must be a time from 0 to \d+ ms, got -1$/],
    [(f) => f({ ...pooled, life: -1 }), RangeError, /^life must be a time from 0 to \d+ ms, got -1$/],
    [(f) => f({ ...pooled, jitter: 2 }), RangeError, /^jitter must be a number from 0 to 1, got 2$/],
    [(f) => f({ ...pooled, hold: -1 }), RangeError, /^hold must be a time from 0 to \d+ ms, got -1$/],
    [(f) => f({ ...pooled, order: 'x' }), TypeError, /^order must be one of "lifo", "fifo", got "x"$/],
    [(f) => f({ ...pooled, health: 5 }), TypeError, noObject('health', 5)],
    [(f) => f({ ...pooled, health: {} }), TypeError, noFunction('health.check', undefined)],
    [
      (f) => f({ ...pooled, health: { check: session, after: 0 } }),
      RangeError,
      /^health.after must be a time from 1 to \d+ ms, got 0$/,
    ],
    [
      (f) => f({ ...pooled, health: { check: session, within: 0 } }),
      RangeError,
      /^health.within must be a time from 1 to \d+ ms, got 0$/,
    ],
    [(f) => f({ ...pooled, reconnect: false }), TypeError, noObject('reconnect', false)],
    [
      (f) => f({ ...pooled, reconnect: { initial: 0 } }),
      RangeError,
      /^reconnect.initial must be a time from 1 to \d+ ms, got 0$/,
    ],
    [(f) => f({ ...pooled, random: 1 }), TypeError, noFunction('random', 1)],
    [(f) => f({ ...pooled, scheduler: 5 }), TypeError, noScheduler],
  ],
  authenticate: [
    [(f) => f(), TypeError, noFunction('gate', undefined)],
    [(f) => f(identity), TypeError, noFunction('served', undefined)],
    [(f) => f(identity, {}), TypeError, noFunction('served', undefined)],
    [(f) => f(identity, identity, null), TypeError, noObject('options', null)],
    [(f) => f(identity, identity), TypeError, noObject('framing', undefined)],
    [(f) => f(identity, identity, { framing: oneWay }), TypeError, noFunction('framing.encode', undefined)],
    [(f) => f(identity, identity, { framing: rule, limit: 5 }), RangeError, /^limit must be .* from 16 to \d+, got 5$/],
    [(f) => f(identity, identity, { framing: rule, deadline: 0 }), RangeError, /^deadline must be .* ms, got 0$/],
    [(f) => f(identity, identity, { framing: rule, attempts: 0 }), RangeError, /^attempts must be .*, got 0$/],
    [(f) => f(identity, identity, { framing: rule, maxWaiting: 0 }), RangeError, /^maxWaiting must be .*, got 0$/],
    [(f) => f(identity, identity, { framing: rule, lockout: 5 }), TypeError, noObject('lockout', 5)],
    [
      (f) => f(identity, identity, { framing: rule, lockout: { after: 0 } }),
      RangeError,
      /^lockout.after must .* got 0$/,
    ],
    [(f) => f(identity, identity, { framing: rule, lockout: { key: 5 } }), TypeError, noFunction('lockout.key', 5)],
    [(f) => f(identity, identity, { framing: rule, name: 5 }), TypeError, noFunction('name', 5)],
    [(f) => f(identity, identity, { framing: rule, farewell: 5 }), TypeError, noFunction('farewell', 5)],
    [(f) => f(identity, identity, { framing: rule, onEvent: 5 }), TypeError, noFunction('onEvent', 5)],
    [(f) => f(identity, identity, { framing: rule, scheduler: 5 }), TypeError, noScheduler],
  ],
  logIn: [
    [(f) => f(), TypeError, noFunction('login', undefined)],
    [(f) => f(identity), TypeError, noFunction('served', undefined)],
    [(f) => f(identity, identity, null), TypeError, noObject('options', null)],
    [(f) => f(identity, identity), TypeError, noObject('framing', undefined)],
    [(f) => f(identity, identity, { framing: rule, deadline: 0 }), RangeError, /^deadline must be .* ms, got 0$/],
    [(f) => f(identity, identity, { framing: rule, scheduler: 5 }), TypeError, noScheduler],
  ],
  limitRate: [
    [(f) => f(), TypeError, noObject('options', undefined)],
    [(f) => f({ messages: 0 }), RangeError, /^messages must be a number from 0.001 to \d+, got 0$/],
    [(f) => f({}, null), TypeError, noObject('options', null)],
    [(f) => f({}, { policy: 'x' }), TypeError, /^policy must be one of "slow-down", "drop", "disconnect", got "x"$/],
    [(f) => f({}, { size: 5 }), TypeError, noFunction('size', 5)],
    [(f) => f({}, { key: 'a' }), TypeError, /^key goes with a rateLimit, and numbers were given$/],
    [(f) => f(main.rateLimit({}), { key: null }), TypeError, noFunction('key', null)],
  ],
  proxyProtocol: [
    [(f) => f(), TypeError, noObject('options', undefined)],
    [(f) => f({}), TypeError, noFunction('trusted', undefined)],
    [(f) => f({ trusted: [] }), RangeError, /^trusted must name one network or more, got none$/],
    [(f) => f({ trusted: ['here'] }), RangeError, /^trusted must be an address or a network, .* got "here"$/],
    [(f) => f({ trusted: ['1.2.3.4/33'] }), RangeError, /^the length of 1.2.3.4 must be .* from 0 to 32, got 33$/],
    [(f) => f({ trusted: ['1.2.3.4/8/9'] }), RangeError, /^trusted must be an address or a network, .*8\/9"$/],
    [(f) => f({ trusted: [5] }), TypeError, /^trusted must be a text that is not empty, got 5$/],
    [(f) => f({ ...proxies, untrusted: 'x' }), TypeError, /^untrusted must be one of "refuse", "pass", got "x"$/],
    [(f) => f({ ...proxies, deadline: 0 }), RangeError, /^deadline must be a time from 1 to \d+ ms, got 0$/],
    [(f) => f({ ...proxies, limit: 1 }), RangeError, /^limit must be a whole number from 232 to 65551, got 1$/],
    [(f) => f({ ...proxies, tls: {} }), TypeError, /^tls must have a key and a cert$/],
    [(f) => f({ ...proxies, maxWaiting: 0 }), RangeError, /^maxWaiting must be a whole number from 1 to \d+, got 0$/],
    [(f) => f({ ...proxies, onEvent: 5 }), TypeError, noFunction('onEvent', 5)],
    [(f) => f({ ...proxies, scheduler: 5 }), TypeError, noScheduler],
  ],
  sendProxyHeader: [
    [(f) => f(), TypeError, noObject('header', undefined)],
    [(f) => f({ version: 3, command: 'proxy' }), RangeError, /^version must be 1 or 2, got 3$/],
    [(f) => f({ version: 2 }), TypeError, /^command must be one of "proxy", "local", got undefined$/],
    [(f) => f({ ...unknown, tlvs: { netns: 'a' } }), RangeError, /^tlvs need version 2$/],
  ],
  protocol: [
    [(f) => f(), TypeError, noObject('options', undefined)],
    [(f) => f({ ...protocol, name: 5 }), TypeError, /^name must be a text that is not empty, got 5$/],
    [(f) => f({ ...protocol, framing: undefined }), TypeError, noObject('framing', undefined)],
    [(f) => f({ ...protocol, framing: oneWay }), TypeError, noFunction('framing.encode', undefined)],
    [(f) => f({ ...protocol, frames: 5 }), TypeError, noObject('frames', 5)],
    [(f) => f({ ...protocol, message: undefined }), TypeError, noCodec],
    [(f) => f({ ...protocol, session: 5 }), TypeError, noFunction('session', 5)],
    [(f) => f({ ...protocol, keepAlive: 5 }), TypeError, noObject('keepAlive', 5)],
    [
      (f) => f({ ...protocol, keepAlive: { ...alive, interval: -5 } }),
      RangeError,
      /^interval must be a time .* got -5$/,
    ],
    [(f) => f({ ...protocol, firstMessage: -1 }), RangeError, / must be a time from 0 to \d+ ms, got -1$/],
    [(f) => f({ ...protocol, frameDeadline: -1 }), RangeError, /^frameDeadline must be a time .* got -1$/],
    [(f) => f({ ...protocol, slow: 5 }), TypeError, noObject('slow', 5)],
    [(f) => f({ ...protocol, slow: { policy: 'x' } }), TypeError, /^policy must be one of .* got "x"$/],
    [(f) => f({ ...protocol, scheduler: 5 }), TypeError, noScheduler],
  ],
};

const ofServer: Readonly<Record<string, readonly Row[]>> = {
  createServer: [
    [(f) => f(), TypeError, noFunction('handler', undefined)],
    [(f) => f('lobby', null, { port: 0 }), TypeError, noFunction('handler', undefined)],
    [(f) => f('', identity, { port: 0 }), TypeError, /^name must be a text that is not empty, got ""$/],
    [(f) => f('lobby', identity), TypeError, noObject('options', undefined)],
    [(f) => f('lobby', identity, {}), TypeError, /^give either a port or a path, got neither$/],
    [(f) => f('lobby', identity, { port: 70_000 }), RangeError, /^port must be a whole number from 0 to 65535, got /],
    [
      (f) => f('lobby', identity, { port: 0, drain: -1 }),
      RangeError,
      /^drain must be a time from 0 to \d+ ms, got -1$/,
    ],
    [(f) => f('lobby', identity, { port: 0, idleAfter: 0 }), RangeError, /^idleAfter must be a time from 1 /],
    [(f) => f('lobby', identity, { port: 0, highWater: 0 }), RangeError, /^highWater must be a whole number from 1 /],
    [(f) => f('lobby', identity, { port: 0, limits: 5 }), TypeError, noObject('limits', 5)],
    [(f) => f('lobby', identity, { port: 0, limits: { maxConnections: -1 } }), RangeError, /^maxConnections must be /],
    [
      (f) => f('lobby', identity, { port: 0, limits: { whenFull: 'x' } }),
      TypeError,
      /^whenFull must be one of "wait", /,
    ],
    [(f) => f('lobby', identity, { port: 0, limits: { acceptRate: 0 } }), RangeError, /^acceptRate must be a number /],
    [
      (f) => f('lobby', identity, { port: 0, farewell: 'x' }),
      TypeError,
      /^message must be bytes \(Uint8Array\), got str/,
    ],
    [(f) => f('lobby', identity, { port: 0, listen: 5 }), TypeError, noFunction('listen', 5)],
    [(f) => f('lobby', identity, { port: 0, dial: 5 }), TypeError, noFunction('dial', 5)],
    [(f) => f('lobby', identity, { port: 0, scheduler: 5 }), TypeError, noScheduler],
  ],
};

const ofWebsocket: Record<string, readonly Row[]> = {
  listenWebSocket: [
    [(f) => f(), TypeError, noObject('options', undefined)],
    [(f) => f({}), TypeError, /^give either a port or a path, got neither$/],
    [(f) => f({ port: 70_000 }), RangeError, /^port must be a whole number from 0 to 65535, got 70000$/],
    [(f) => f({ port: 1, server: {} }), TypeError, /^give either a server or a place of its own, got both$/],
    [(f) => f({ port: 1, tls: {} }), TypeError, /^tls goes with an HTTPS server of its own: give that as server$/],
    [(f) => f({ server: 5 }), TypeError, /^server must be an HTTP server, got 5$/],
    [(f) => f({ port: 1, mode: 0o600 }), TypeError, /^mode goes with the path of a file$/],
    [(f) => f({ server: null }), TypeError, /^server must be an HTTP server, got null$/],
    [(f) => f({ port: 1, at: '' }), TypeError, /^at must be a text that is not empty, got ""$/],
    [(f) => f({ port: 1, at: 'chat' }), TypeError, /^at must be a path that begins with "\/".*, got "chat"$/],
    [(f) => f({ port: 1, origins: 5 }), TypeError, noFunction('origins', 5)],
    [(f) => f({ port: 1, origins: [5] }), TypeError, /^origins must be a text that is not empty, got 5$/],
    [(f) => f({ port: 1, onRequest: 5 }), TypeError, noFunction('onRequest', 5)],
    [(f) => f({ port: 1, handshakeTimeout: 0 }), RangeError, /^handshakeTimeout must be a time from 1 to/],
    [(f) => f({ port: 1, maxMessage: 0 }), RangeError, /^maxMessage must be a whole number from 1 to/],
    [(f) => f({ port: 1, maxMessage: 2 ** 31 }), RangeError, /^maxMessage must be .* to 2147483647, got 2147483648$/],
    [(f) => f({ port: 1, messageDeadline: 0 }), RangeError, /^messageDeadline must be a time from 1 to/],
    [(f) => f({ port: 1, maxWaiting: -1 }), RangeError, /^maxWaiting must be a whole number from 0 to/],
    [(f) => f({ port: 1, writeLimit: 0 }), RangeError, /^writeLimit must be a whole number from 1 to/],
    [(f) => f({ port: 1, onEvent: 5 }), TypeError, noFunction('onEvent', 5)],
    [(f) => f({ port: 1, onListening: 5 }), TypeError, noFunction('onListening', 5)],
  ],
  dialWebSocket: [
    [(f) => f(), TypeError, /^url must be a text that is not empty, got undefined$/],
    [
      (f) => f('127.0.0.1:80'),
      TypeError,
      /^url must be a WebSocket's, such as ws:\/\/127\.0\.0\.1:80, got "127\.0\.0\.1:80"$/,
    ],
    [(f) => f('http://127.0.0.1'), TypeError, /^url must be a WebSocket's, .* got "http:\/\/127\.0\.0\.1"$/],
    [(f) => f('ws://127.0.0.1/#here'), TypeError, /^url must be a WebSocket's, .* got "ws:\/\/127\.0\.0\.1\/#here"$/],
    [(f) => f('ws://127.0.0.1', { headers: 5 }), TypeError, noObject('headers', 5)],
    [(f) => f('ws://127.0.0.1', { headers: { 'a b': 'c' } }), TypeError, /"a b"/],
    [(f) => f('ws://127.0.0.1', { headers: { a: 'b\r\nc: d' } }), TypeError, /\["a"\]/],
    [(f) => f('ws://127.0.0.1', { ca: 5 }), TypeError, /^ca must be a text that is not empty, got 5$/],
    [(f) => f('ws://127.0.0.1', null), TypeError, noObject('options', null)],
    [(f) => f('ws://127.0.0.1', { connectTimeout: 0 }), RangeError, /^connectTimeout must be a time from 1 to/],
    [(f) => f('ws://127.0.0.1', { maxMessage: 0 }), RangeError, /^maxMessage must be a whole number from 1 to/],
    [(f) => f('ws://127.0.0.1', { maxMessage: 2 ** 32 }), RangeError, /^maxMessage must be .* got 4294967296$/],
  ],
};

/** Those that take nothing that could be wrong: they are values, classes, or make a value of what they are given. */
const without = new Set(['Deframer', 'Topic', 'more', 'tooLong', 'malformed', 'raw']);

const suites = [
  { name: 'sluice', exported: main, table: ofMain },
  { name: 'sluice/operators', exported: operators, table: ofOperators },
  { name: 'sluice/operators/ix', exported: ix, table: ofIx },
  { name: 'sluice/server', exported: servers, table: ofServer },
  { name: 'sluice/websocket', exported: websockets, table: ofWebsocket },
] as const;

for (const { name, exported, table } of suites) {
  const test = suite(`misuse of ${name}`);
  const functions = Object.entries(exported).filter(
    ([key, value]) =>
      typeof value === 'function' && !(Reflect.get(value, 'prototype') instanceof Error) && !without.has(key),
  );

  test('is tried of every function', () => {
    assert.equal(Object.keys(table).toSorted(), functions.map(([key]) => key).toSorted());
  });

  for (const [key, rows] of Object.entries(table)) {
    for (const [call, type, message] of rows) {
      const given: unknown[] = [];
      call((...wrong) => given.push(...wrong));
      test(`${key}(${given.map((value) => JSON.stringify(value) ?? String(value)).join(', ')})`, () => {
        const wronged = Reflect.get(exported, key) as (...wrong: readonly unknown[]) => unknown;
        assert.throws(() => call(wronged), raised(type, message));
      });
    }
  }

  test.run();
}

const peers = suite('misuse of a peer');

for (const way of ['send', 'broadcast'] as const) {
  peers(`what ${way} cannot encode fails that peer's connection, and throws nothing at the session`, async () => {
    const Narrow = main.textWithin({ maxBytes: 2 });
    let threw = false;
    const narrow = operators.protocol<string, string>({
      ...protocol,
      message: Narrow,
      session: (messages, peer) =>
        messages.pipe(
          tap(() => {
            try {
              peer[way]('long');
            } catch {
              threw = true;
            }
          }),
        ),
    });
    const [server, client] = main.memory();
    of(new TextEncoder().encode('a\n')).pipe(client.writes).subscribe();
    const outcome = await lastValueFrom(of(server).pipe(operators.serve(narrow)));
    assert.match(String(E.isLeft(outcome) && outcome.left.error), /^RangeError: text: 4 bytes are more than/);
    assert.not.ok(threw);
    client.abort();
  });
}

peers.run();

const streams = suite('misuse of topic.stream');
const room = main.topic();

for (const [options, message] of [
  [null, noObject('options', null)],
  [{ except: 5 }, noFunction('except', 5)],
  [{ onDropped: 5 }, noFunction('onDropped', 5)],
  [{ onSubscribed: 5 }, noFunction('onSubscribed', 5)],
  [{ policy: 'x' }, /^policy must be one of .* got "x"$/],
] as const) {
  streams(`topic.stream(${JSON.stringify(options)})`, () => {
    assert.throws(() => room.stream(options as never), raised(TypeError, message));
  });
}

streams.run();

const limits = suite('misuse of rateLimit.set');

for (const [given, type, message] of [
  [{ messages: -1 }, RangeError, /^messages must be a number from 0.001 to \d+, got -1$/],
  [{ byteBurst: 0 }, RangeError, /^byteBurst must be a number from 1 to \d+, got 0$/],
  [null, TypeError, noObject('limits', null)],
] as const) {
  limits(`set(${JSON.stringify(given)})`, () => {
    const limit = main.rateLimit({ messages: 5 });
    assert.throws(() => limit.set(given as never), raised(type, message));
    assert.is(limit.limits.messages, 5);
  });
}

limits.run();

const pools = suite('misuse of a pool');
const somePool = operators.pool({ port: 1, protocol });

pools('what is no work, and no time to drain in', async () => {
  assert.throws(() => somePool.use(5 as never), raised(TypeError, noFunction('work', 5)));
  assert.throws(() => somePool.drain(-1), raised(RangeError, /^ms must be a time from 0 to \d+ ms, got -1$/));
  assert.equal(await somePool.drain(0).then(({ cut }) => cut), 0);
});

pools.run();

const steering = suite('misuse of a server');
const server = servers.createServer('lobby', identity, { port: 0 });
const nobody = 5 as never;

const deeds: readonly (readonly [string, () => unknown, typeof Error, RegExp])[] = [
  ['stop', () => server.stop({ drain: -1 }), RangeError, /^drain must be a time from 0 to \d+ ms, got -1$/],
  ['stop', () => server.stop(null as never), TypeError, noObject('options', null)],
  ['setLimits', () => server.setLimits({ maxPerAddress: 0 }), RangeError, /^maxPerAddress must be .* got 0$/],
  ['allow', () => server.rules.allow('here'), RangeError, /^cidr must be an address or a network, .* got "here"$/],
  ['send', () => server.send(nobody, Buffer.of(1)), TypeError, /^client must be one of server lobby, got number$/],
  [
    'pauseListening',
    () => server.pauseListening(nobody),
    TypeError,
    /^client must be one of server lobby, got number$/,
  ],
  ['disconnect', () => server.disconnect(nobody), TypeError, /^client must be one of server lobby, got number$/],
  ['broadcast', () => server.broadcast('x' as never), TypeError, /^message must be bytes \(Uint8Array\), got string$/],
  ['broadcast', () => server.broadcast(Buffer.of(1), { to: nobody }), TypeError, noFunction('to', 5)],
  ['broadcast', () => server.broadcast(Buffer.of(1), { except: nobody }), TypeError, /^except must be /],
  [
    'broadcast',
    () => server.broadcast(Buffer.of(1), { policy: nobody }),
    TypeError,
    /^policy must be one of .* got 5$/,
  ],
  ['alarms', () => server.alarms(nobody), TypeError, noObject('thresholds', 5)],
  ['alarms', () => server.alarms({ clients: 0 }), RangeError, /^clients must be a number from .* got 0$/],
  [
    'alarms',
    () => server.alarms({ clients: { raise: 1, clear: 2 } }),
    RangeError,
    /^clients.clear must be .* to 1, got 2$/,
  ],
  [
    'alarms',
    () => server.alarms({ what: 1 } as never),
    TypeError,
    /^the name of a threshold must be one of .* got "what"$/,
  ],
  ['connect', () => server.connect('127.0.0.1', 1), Error, /^server lobby does not run: connect needs it started$/],
];

for (const [name, deed, type, message] of deeds) {
  steering(`${name}: ${String(deed)}`, () => {
    assert.throws(deed, raised(type, message));
  });
}

steering.run();
