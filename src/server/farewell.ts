import { NEVER, startWith } from 'rxjs';
import type { Connection } from '../connection/connection.js';
import { inScope, openScope } from '../flow/scope.js';

/** How long a peer that is to go may take to end its side, in milliseconds. */
export const LINGER = 1_000;

/** @internal Says a last word to a peer, if there is one, and ends the connection. What it says itself is not read. */
export const sayFarewell = (connection: Connection, farewell: Uint8Array | undefined): void => {
  const word = farewell === undefined ? NEVER : NEVER.pipe(startWith(farewell));
  inScope(openScope, () => {
    word.pipe(connection.writes).subscribe({ error: ignore });
    connection.reads.subscribe({ error: ignore }).unsubscribe();
  });
  connection.end({ linger: LINGER });
};

const ignore = (): void => {};
