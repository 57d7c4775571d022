import type { ClientSnapshot } from './client.js';

/**
 * What held a client up: its session had not finished; the session had, or was waiting, and the peer left bytes unread;
 * or all was sent and the peer had not ended its side.
 */
export type Stage = 'session' | 'flushing' | 'peer';

/** A client that had to be cut. */
export interface CutClient {
  /** As it was then. */
  readonly client: ClientSnapshot;
  readonly stage: Stage;
  /** The stage in words, with figures. */
  readonly why: string;
}

/** How a server came to its end. */
export interface StopReport {
  /** Clients that were there at the stop and ended by themselves, within the time. */
  readonly ended: number;
  /** Those that had to be cut. */
  readonly cut: readonly CutClient[];
  /** How long it took, from the stop until the last was gone, in milliseconds. */
  readonly took: number;
}
