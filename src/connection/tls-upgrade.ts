import type { Observable } from 'rxjs';
import { checkObject, checkText } from '../check.js';
import { type Connection, WireConnection } from './connection.js';
import { TlsAcceptor } from './tls-acceptor.js';
import { TlsDialler } from './tls-dialler.js';
import type { TlsSource } from './tls-from.js';
import type { Shake } from './tls-handshake.js';
import type { TlsClientOptions, TlsServerOptions } from './tls-options.js';

/** What was made of the same options is made once, and not for each connection. */
const acceptors = new WeakMap<object, TlsAcceptor>();

const acceptorOf = (tls: TlsServerOptions | TlsSource): TlsAcceptor => {
  const known = acceptors.get(tls);
  if (known !== undefined) return known;
  const acceptor = new TlsAcceptor(tls);
  acceptors.set(tls, acceptor);
  return acceptor;
};

const ours = (connection: Connection): WireConnection => {
  if (connection instanceof WireConnection) return connection;
  throw new TypeError('connection must be one that listen, dial or fromDuplex gave');
};

/**
 * Turns a connection to TLS in mid-stream, as the one that has a certificate (STARTTLS). To be concatenated behind what
 * is said in the clear, the agreement last, and in front of what is said under TLS:
 *
 *     (bytes, connection) => concat(
 *       inTheClear(bytes),                  // its last answer is "go ahead"; then it completes, and reads no more
 *       acceptTls(connection, tls),         // emits nothing, completes when the handshake is done
 *       defer(() => secured(connection.reads)),
 *     )
 *
 * What was written is flushed first. Bytes in the clear that came too early are never taken for what came under TLS: if
 * a `frame` operator had some left, or they came before the handshake began, it fails with `PlaintextRefused`; bytes that
 * come later are no handshake. Fails, and the connection with it, with `TlsFailed` where no terms are come to. The
 * options are prepared once for an object of options: give the same each time, or what `tlsFrom` gives.
 */
export const acceptTls = (connection: Connection, tls: TlsServerOptions | TlsSource): Observable<never> => {
  const turning = ours(connection);
  const acceptor = acceptorOf(checkObject('tls', tls));
  const shake: Shake = (raw, done, failed) => acceptor.shake(raw, Date.now(), done, failed);
  return turning.secure(shake, acceptor.handshakeTimeout);
};

/**
 * Turns a connection to TLS in mid-stream, as the one that asks for a certificate: the other side of `acceptTls`.
 *
 *     concat(of(startTls), goAhead(connection.reads), requestTls(connection, { servername: 'a.example' }), ...)
 *
 * `servername` is the name that the other side must have in its certificate. Fails as `acceptTls` does.
 */
export const requestTls = (
  connection: Connection,
  tls: TlsClientOptions & { readonly servername: string },
): Observable<never> => {
  const turning = ours(connection);
  const { servername } = checkObject('tls', tls);
  const dialler = new TlsDialler(tls, checkText('tls.servername', servername));
  return turning.secure(dialler.shake, dialler.handshakeTimeout);
};
