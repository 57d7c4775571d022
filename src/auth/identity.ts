import { checkObject } from '../check.js';
import type { Connection } from '../connection/connection.js';
import type { AuthGate } from './gate.js';

/** Who somebody is, by each gate that has let him in, and what he is called. */
interface Known {
  readonly identities: Map<AuthGate<unknown>, unknown>;
  readonly name: string | undefined;
}

const known = new WeakMap<Connection, Known>();

/** @internal Notes whom a gate has let in. */
export const noteIdentity = <Id>(connection: Connection, gate: AuthGate<Id>, identity: Id, name?: string): void => {
  const before = known.get(connection);
  const identities = before?.identities ?? new Map<AuthGate<unknown>, unknown>();
  known.set(connection, { identities: identities.set(gate, identity), name: name ?? before?.name });
};

/** @internal What a peer is called by the gate that has let it in. */
export const nameNoted = (connection: Connection): string | undefined => known.get(connection)?.name;

/** @internal The name in an identity: itself, or its `name`. */
export const nameIn = (identity: unknown): string | undefined => {
  const name = typeof identity === 'object' && identity !== null && 'name' in identity ? identity.name : identity;
  return typeof name === 'string' && name !== '' ? name : undefined;
};

/** @internal Whether a gate has let in the peer of a connection. */
export const isAdmitted = (connection: Connection): boolean => known.has(connection);

/**
 * Who the peer of a connection is, where `authenticate` has let it in by this gate; else nothing.
 *
 *     session: (messages, { connection }) => welcome(identityOf(connection, accounts))
 */
export const identityOf = <Id>(connection: Connection, gate: AuthGate<Id>): Id | undefined =>
  known.get(checkObject('connection', connection))?.identities.get(gate) as Id | undefined;
