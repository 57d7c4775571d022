import type { Connection } from '../connection/connection.js';

/** What a gate asks and is told: a dialogue in frames, with a peer of whom nothing is known yet. */
export interface Dialogue {
  /** Whom it is with. */
  readonly connection: Connection;
  /** The next frame from the peer. Nothing more is read from it before it is asked for. One at a time. */
  readonly hear: () => Promise<Uint8Array>;
  /**
   * Says something, as one frame: bytes, or a text as UTF-8. What is said after a frame was heard leaves when the next is
   * asked for, or the gate has come to its end, and not at all if the address was locked out meanwhile.
   */
  readonly say: (frame: Uint8Array | string) => void;
}

/**
 * Finds out who a peer is: gives an identity, or nothing (`undefined`, `null` or `false`), which is a failed attempt. The
 * peer may then try again, unless it has used up its attempts.
 *
 *     const gate: AuthGate<string> = async ({ say, hear }) => {
 *       say('who are you?');
 *       return accounts.get(text(await hear()));
 *     };
 *
 * Throw `NotAuthenticated` to send it away at once; all else that is thrown is the program's own error. Whoever is not
 * there any more makes `hear` fail.
 */
export type AuthGate<Id> = (dialogue: Dialogue) => MaybeKnown<Id> | PromiseLike<MaybeKnown<Id>>;

/** Who somebody is; or that it is not known, so that he is not let in. */
export type MaybeKnown<Id> = Id | undefined | null | false;

/** Who a peer is by its name. */
export interface Named {
  readonly name: string;
}
