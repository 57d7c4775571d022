import { checkFunction, checkHook, checkInteger, checkIntegerOrNone, checkObject, checkTime } from '../check.js';
import type { Handled, Handler } from '../server/outcome.js';
import { dice } from './dice.js';
import { replace } from './replace.js';
import type { Talk } from './simulation/talk.js';
import { onUncaught } from './simulation/uncaught.js';
import { type Scene, type Simulated, type SimulatedServerOptions, World } from './simulation/world.js';
import { VirtualTime } from './virtual-time.js';

/** What is simulated. */
export interface SimulateOptions {
  /** What all chance goes by: the same seed is the same simulation, byte for byte. */
  readonly seed: number;
  /** What is served: a handler, or a `protocol`. One that remembers anything is to be made anew for each simulation. */
  readonly serve: Handler | Handled;
  /** What a client talks: called once for each, with its number, from 1, and a chance of its own. */
  readonly talk: (client: number, roll: (below: number) => number) => Talk;
  /** How many clients there are (default 200). */
  readonly clients?: number;
  /** For how long things go wrong, in milliseconds (default 30,000). */
  readonly lasts?: number;
  /** Bytes that may wait for a client on the server's side, beyond those on their way (default: any number). */
  readonly holds?: number;
  /** Options of the server and its connections. */
  readonly server?: SimulatedServerOptions;
  /** Told of everything that happens, a line each. With it, a timer that is left is told with where it was made. */
  readonly log?: (line: string) => void;
}

/**
 * A server and its clients in virtual time, on a network where everything goes wrong by chance, and then nothing more.
 *
 *     for (let seed = 1; seed <= 100; seed++) {
 *       await simulate({ seed, serve: (bytes) => bytes, talk: () => recite([['hello', 'hello'], ['world', 'world']]) });
 *     }
 *
 * Nine of ten clients connect in the bad time. The network has the eight faults, for all, for some and for single ones;
 * clients rest, reset, close, leave in the middle of a message; the server is paused, full, sends clients away, and is
 * stopped and started. Then all of it is taken back; all who are connected have to end well, and the last tenth comes.
 * Then the server is stopped. `Math.random` goes by the seed meanwhile.
 *
 * Rejects with `SimulationFailed` when a talk throws; when a client waits in vain, or hears less than all for no reason;
 * when the server tells not exactly one `connected`, one `disconnected` and one outcome of a connection, or its
 * statistics do not add up; when a handler throws, or anything in this process is thrown or rejected and not caught; and
 * when a connection, a timer or a client in the registry is left. One simulation, or story, at a time in a process.
 */
export const simulate = (options: SimulateOptions): Promise<Simulated> => simulateWith(options, (wire) => wire);

/** @internal The same, with something between the network and the connections of the server. */
export const simulateWith = async (options: SimulateOptions, wire: Scene['wire']): Promise<Simulated> => {
  const { seed, clients = 200, lasts = 30_000, holds = Infinity, server = {} } = checkObject('options', options);
  const scene: Scene = {
    seed: checkInteger('seed', seed, 0, 2 ** 32),
    serve: options.serve,
    talk: checkFunction('talk', options.talk),
    clients: checkInteger('clients', clients, 1, 100_000),
    lasts: checkTime('lasts', lasts),
    holds: checkIntegerOrNone('holds', holds, 0),
    server: checkObject('server', server),
    log: checkHook('log', options.log),
    wire,
  };
  const time = new VirtualTime(() => {}, scene.log !== undefined);
  const roll = dice(seed);
  return time.inside(async () => {
    const putBack = replace(Math, 'random', () => roll(2 ** 32) / 2 ** 32);
    let world: World | undefined;
    const heedNoMore = onUncaught((what) => world?.wrong(what));
    try {
      world = new World(time, scene);
      return await world.run();
    } catch (error) {
      // Without a world it is the options that are wrong.
      const failed = world?.failed(error) ?? error;
      await world?.leave();
      throw failed;
    } finally {
      heedNoMore();
      putBack();
    }
  });
};
