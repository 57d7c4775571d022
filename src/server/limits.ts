import { checkInteger, checkNumber, checkObject, checkOneOf } from '../check.js';

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
   * - `'close-idlest'`: the one of those accepted that has been silent longest is disconnected to make room.
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
}

const DEFAULTS: ServerLimits = {
  maxConnections: 10_000,
  whenFull: 'wait',
  maxPerAddress: Infinity,
  acceptRate: Infinity,
};

/** The limits as they were, with what is given in the place of what it changes. */
export const limitsOf = (given: Partial<ServerLimits>, before: ServerLimits = DEFAULTS): ServerLimits => {
  const { maxConnections, whenFull, maxPerAddress, acceptRate } = { ...before, ...checkObject('limits', given) };
  return {
    maxConnections: checkInteger('maxConnections', maxConnections, 0),
    whenFull: checkOneOf('whenFull', whenFull, WHEN_FULL),
    maxPerAddress: maxPerAddress === Infinity ? Infinity : checkInteger('maxPerAddress', maxPerAddress, 1),
    acceptRate: acceptRate === Infinity ? Infinity : checkNumber('acceptRate', acceptRate, 0.001, 1_000_000),
  };
};
