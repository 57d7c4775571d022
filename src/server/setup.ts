import { type Observable, type SchedulerLike, asyncScheduler } from 'rxjs';
import type { Protocol } from '../../operators/protocol.js';
import { checkFunction, checkHook, checkInteger, checkObject, checkScheduler, checkText, checkTime } from '../check.js';
import { placeName } from '../connection/address.js';
import { type Connection, type ConnectionLimits, connectionLimits, inForce } from '../connection/connection.js';
import { type DialOptions, dial as reallyDial } from '../connection/dial.js';
import { type ListenOptions, listen as reallyListen } from '../connection/listen.js';
import { type ServerLimits, known, limitsOf } from './limits.js';
import type { Handled, Handler } from './outcome.js';
import type { ServerOptions } from './server.js';

/** @internal What a server is made of: its name, what it serves, and its options, checked and with their defaults. */
export interface Setup<B> {
  readonly name: string;
  readonly handler: Handler;
  /** The bytes of what is sent to a client. */
  readonly encode: (message: B) => Uint8Array;
  /** Where it listens, for people. */
  readonly place: string;
  readonly scheduler: SchedulerLike;
  readonly drain: number;
  readonly idleAfter: number;
  readonly highWater: number;
  readonly limits: ServerLimits;
  /** What its connections go by, of which some can be changed. */
  readonly connections: ConnectionLimits;
  readonly farewell: Uint8Array | undefined;
  /** Listens, as the options say. */
  readonly listen: (hooks: Required<Pick<ListenOptions, 'onListening' | 'onEvent'>>) => Observable<Connection>;
  /** Dials, with what the options say of connections. */
  readonly dial: (options: DialOptions) => Observable<Connection>;
  /** The program's own hooks. */
  readonly onListening: ListenOptions['onListening'] | undefined;
  readonly onEvent: ListenOptions['onEvent'] | undefined;
}

const bytesAsTheyAre = (bytes: unknown): Uint8Array => {
  if (bytes instanceof Uint8Array) return bytes;
  throw new TypeError(`message must be bytes (Uint8Array), got ${typeof bytes}`);
};

const encoderOf = (served: unknown): ((message: unknown) => Uint8Array) => {
  const { encode } = served as Partial<Protocol<unknown, unknown>>;
  return typeof served === 'object' && typeof encode === 'function' ? encode : bytesAsTheyAre;
};

/** What can change while it is in force; not for a dial that has limits of its own. */
const inForceFor = (options: object, connections: ConnectionLimits): { readonly [inForce]?: ConnectionLimits } =>
  Object.keys(connections).some((name) => name in options) ? {} : { [inForce]: connections };

export const setupOf = <B>(name: string, served: Handler | Handled, options: ServerOptions<B>): Setup<B> => {
  const handler = checkFunction('handler', typeof served === 'object' ? served?.handler : served);
  const { drain, limits, farewell, idleAfter, highWater, listen, dial, ...listening } = checkObject('options', options);
  const { writeDeadline, halfClose, writeLimit, readLimit, readBuffer, framesPerTurn, noDelay } = listening;
  const scheduler = checkScheduler('scheduler', options.scheduler ?? asyncScheduler);
  const encode = encoderOf(served);
  // What is wrong with the options is said now, and not when it starts.
  if (listen === undefined) reallyListen(listening);
  const accept = checkFunction('listen', listen ?? reallyListen);
  const reach = checkFunction('dial', dial ?? reallyDial);
  const bounds = { ...known({ writeLimit, readLimit, framesPerTurn }), ...known(checkObject('limits', limits ?? {})) };
  const connections = connectionLimits({ ...listening, ...bounds });
  const kept = known({ writeDeadline, halfClose, writeLimit, readLimit, readBuffer, framesPerTurn, noDelay });
  return {
    name: checkText('name', name),
    handler,
    encode,
    place: placeName(listening),
    scheduler,
    drain: checkTime('drain', drain ?? 10_000, 0),
    idleAfter: checkTime('idleAfter', idleAfter ?? 60_000),
    highWater: checkInteger('highWater', highWater ?? 256, 1),
    limits: limitsOf(bounds),
    connections,
    farewell: farewell === undefined ? undefined : encode(farewell).slice(),
    listen: (hooks) => accept({ ...listening, ...inForceFor({}, connections), ...hooks }),
    dial: (more) => reach({ ...kept, ...inForceFor(more, connections), ...more, scheduler }),
    onListening: checkHook('onListening', listening.onListening),
    onEvent: checkHook('onEvent', listening.onEvent),
  };
};
