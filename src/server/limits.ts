import { checkInteger, checkIntegerOrNone, checkNumber, checkObject, checkOneOf } from '../check.js';
import { type ConnectionLimits, connectionLimits } from '../connection/connection.js';

const WHEN_FULL = ['wait', 'refuse', 'close-idlest'] as const;

/** What happens to who comes while there are as many clients as there may be. */
export type WhenFull = (typeof WHEN_FULL)[number];

/** How much a server takes on. All of it can be changed while it runs: `server.setLimits`. */
export interface ServerLimits {
  /**
   * How many clients there may be at once, those that the server has dialled included (default 10,000). Made smaller
   * than there are, it closes nobody: no more come in before enough have left.
   */
  readonly maxConnections: number;
  /**
   * What happens to who comes then (default `'wait'`).
   *
   * - `'wait'`: connected and unread, in the order in which they came, and up to `maxWaiting`, until somebody leaves.
   * - `'refuse'`: they get the `farewell`, then the end.
   * - `'close-idlest'`: the one of those accepted that has been silent longest is disconnected to make room; those who
   *   stand in front of a gate (`authenticate`) before all others.
   */
  readonly whenFull: WhenFull;
  /**
   * How many accepted clients there may be of one address; more are refused (default `Infinity`). Who has an IPv6 address
   * has a whole network of them: the first 64 bits count (`networkOf`).
   */
  readonly maxPerAddress: number;
  /**
   * How many connections are let in a second, and how many at once after a quiet second; the others wait (default
   * `Infinity`). Fractions are fine: 0.1 is one in ten seconds.
   */
  readonly acceptRate: number;
  /** How many clients may bear one tag (default `Infinity`). To tag one more throws `LimitReached`. */
  readonly maxPerTag: number;
  /** How many rooms a client may be in (default 1,000), and how many tags it may bear (default 100). The next throws `LimitReached`. */
  readonly maxRooms: number;
  readonly maxTags: number;
  /** How long the name of a client, a room or a tag may be, in UTF-16 units (default 256). A longer one throws `LimitReached`. */
  readonly maxNameLength: number;
  /** As for `listen`, whose options say how it begins; of those who are connected already, too. */
  readonly writeLimit: number;
  readonly readLimit: number;
  readonly framesPerTurn: number;
}

/** Those of them that each connection keeps for itself. */
type Kept = Pick<ServerLimits, 'writeLimit' | 'readLimit' | 'framesPerTurn'>;

const keptOf = ({ writeLimit, readLimit, framesPerTurn }: ConnectionLimits): Kept => ({
  writeLimit,
  readLimit,
  framesPerTurn,
});

const DEFAULTS: ServerLimits = {
  maxConnections: 10_000,
  whenFull: 'wait',
  maxPerAddress: Infinity,
  acceptRate: Infinity,
  maxPerTag: Infinity,
  maxRooms: 1_000,
  maxTags: 100,
  maxNameLength: 256,
  ...keptOf(connectionLimits({})),
};

/** What is given of `options`: one that is undefined is not. */
export const known = <A extends object>(options: A): Partial<A> =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<A>;

/** The limits as they were, with what is given in the place of what it changes. */
export const limitsOf = (given: Partial<ServerLimits>, before: ServerLimits = DEFAULTS): ServerLimits => {
  const limits = { ...before, ...known(checkObject('limits', given)) };
  const { maxConnections, whenFull, maxPerAddress, acceptRate, maxPerTag, maxRooms, maxTags, maxNameLength } = limits;
  return {
    maxConnections: checkInteger('maxConnections', maxConnections, 0),
    whenFull: checkOneOf('whenFull', whenFull, WHEN_FULL),
    maxPerAddress: checkIntegerOrNone('maxPerAddress', maxPerAddress, 1),
    acceptRate: acceptRate === Infinity ? Infinity : checkNumber('acceptRate', acceptRate, 0.001, 1_000_000),
    maxPerTag: checkIntegerOrNone('maxPerTag', maxPerTag, 1),
    maxRooms: checkInteger('maxRooms', maxRooms, 0),
    maxTags: checkInteger('maxTags', maxTags, 0),
    maxNameLength: checkInteger('maxNameLength', maxNameLength, 1),
    ...keptOf(connectionLimits(limits)),
  };
};
