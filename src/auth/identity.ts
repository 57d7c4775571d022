import { checkObject } from '../check.js';
import type { Connection } from '../connection/connection.js';
import type { AuthGate } from './gate.js';

/** Whom a gate has let in, and which gate it was. */
interface Admitted {
  readonly gate: AuthGate<unknown>;
  readonly identity: unknown;
}

const admitted = new WeakMap<Connection, Admitted>();

/** @internal Notes whom a gate has let in. */
export const noteIdentity = <Id>(connection: Connection, gate: AuthGate<Id>, identity: Id): void => {
  admitted.set(connection, { gate, identity });
};

/** @internal Whether a gate has let in the peer of a connection. */
export const isAdmitted = (connection: Connection): boolean => admitted.has(connection);

/**
 * Who the peer of a connection is, where `authenticate` has let it in by this gate; else nothing.
 *
 *     session: (messages, { connection }) => welcome(identityOf(connection, accounts))
 */
export const identityOf = <Id>(connection: Connection, gate: AuthGate<Id>): Id | undefined => {
  const known = admitted.get(checkObject('connection', connection));
  return known?.gate === gate ? (known.identity as Id) : undefined;
};
