/** What happens to who comes while there are as many clients as there may be. */
export type WhenFull = 'wait' | 'refuse' | 'close-idlest';

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
   * - `'close-idlest'`: the one who was accepted and has been silent longest is disconnected to make room.
   */
  readonly whenFull: WhenFull;
  /** How many accepted clients there may be of one address; more are refused (default: no limit but `maxConnections`). */
  readonly maxPerAddress: number;
  /** How many connections are accepted a second, and how many at once after a quiet second; the others wait (default: any). */
  readonly acceptRate: number;
}
