import type * as E from 'fp-ts/lib/Either.js';
import type { Observable } from 'rxjs';
import type { Connection } from '../connection/connection.js';
import type { Watch } from './watch.js';

/** A connection that failed, and what it failed with: one of the tagged errors, or what the handler threw. */
export interface Failure {
  readonly connection: Connection;
  readonly error: unknown;
}

/**
 * How a connection ended: on the right when its stream had completed and all was written and ended, on the left with
 * the reason why not. A peer that never ends in return, or resets once it has everything, makes no failure of it.
 */
export type Outcome = E.Either<Failure, Connection>;

/**
 * What to answer to a peer's bytes: any operator from bytes to bytes is one. The connection is for the few who need to
 * know whom they talk to, in the manner of `map`'s index; and who serves it may want to be told what it does.
 */
export type Handler = (bytes: Observable<Uint8Array>, connection: Connection, watch?: Watch) => Observable<Uint8Array>;

/** Something that has a handler, such as a `protocol`. */
export interface Handled {
  readonly handler: Handler;
}
