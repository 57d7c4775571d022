import type { X509Certificate } from 'node:crypto';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';

/** What two sides have agreed on, and who the peer is: as it was when the handshake was done. */
export interface TlsInfo {
  /** The version: `TLSv1.3`. */
  readonly protocol: string;
  /** The cipher, by the name that IANA has for it: `TLS_AES_256_GCM_SHA384`. */
  readonly cipher: string;
  /** The protocol that was agreed on by ALPN. */
  readonly alpn: string | undefined;
  /** The name that the client asked for (SNI). A server does not learn it of a session of TLS 1.2 that is taken up again. */
  readonly servername: string | undefined;
  /** Whether an earlier session was taken up again, by its ticket. The peer is then who it was. */
  readonly resumed: boolean;
  /** Whether the peer has shown a certificate that holds. */
  readonly authorized: boolean;
  /** Why it does not hold, in OpenSSL's words: `CERT_HAS_EXPIRED`, `UNABLE_TO_GET_ISSUER_CERT`, ... */
  readonly authorizationError: string | undefined;
  /**
   * The peer's certificate, where it has shown one: its `subject` (`CN=ann`), `subjectAltName`, `fingerprint256` and
   * all else. Who it is only if `authorized`: anybody can write anything into a certificate of their own.
   */
  readonly certificate: X509Certificate | undefined;
}

const known = new WeakMap<Duplex, TlsInfo>();
const cut = new WeakSet<Duplex>();

/** What is known of the TLS that a stream speaks, if it does. */
export const tlsOf = (stream: Duplex): TlsInfo | undefined => known.get(stream);

/** Whether the end of a stream, which has come, is not the one that the peer has sent. */
export const wasCut = (stream: Duplex): boolean => cut.has(stream);

/** Notes what is to be known of a stream whose handshake is done, and watches how it ends. `raw` is what carries it. */
export const noteTls = (socket: TLSSocket, raw: Duplex): void => {
  noteAgreed(socket);
  watchEnd(socket, raw);
};

/** Notes what is to be known of a stream whose handshake is done; how it ends is told by what it carries. */
export const noteAgreed = (socket: TLSSocket): void => {
  // On the side of a server Node has the code alone, whatever its types say.
  const error = socket.authorizationError as string | NodeJS.ErrnoException | null | undefined;
  known.set(socket, {
    protocol: socket.getProtocol() ?? '',
    cipher: socket.getCipher().standardName,
    alpn: socket.alpnProtocol || undefined,
    servername: nameOf(socket),
    resumed: socket.isSessionReused(),
    authorized: socket.authorized,
    authorizationError: (typeof error === 'string' ? error : error?.code) ?? undefined,
    certificate: socket.getPeerX509Certificate(),
  });
  // The only use that anybody has made of it since TLS 1.3 does without is to tire a server out.
  socket.disableRenegotiation();
};

const nameOf = (socket: TLSSocket): string | undefined => {
  const { servername } = socket as { readonly servername?: unknown };
  return typeof servername === 'string' && servername !== '' ? servername : undefined;
};

/**
 * Tells an end that the peer has sent (`close_notify`) from one of the connection below.
 *
 * Node has the same event for both. But in the moment in which it hears of an end, and has it pushed as null, a socket
 * below is still being read if the end came as bytes, and is not any more if it was the connection's own; to start
 * reading tells which, for it says so of a socket that is being read already. Neither has a documented name; the laws of
 * a connection are tested with both ends on every Node. A stream that is no socket says itself when it has ended.
 */
const watchEnd = (socket: TLSSocket, raw: Duplex): void => {
  let ended = false;
  if (!(raw instanceof Socket)) raw.prependListener('end', () => (ended = true));
  const push = socket.push.bind(socket);
  socket.push = (chunk, encoding) => {
    if (chunk === null && (raw instanceof Socket ? isAtEnd(socket, raw) : ended)) cut.add(socket);
    return push(chunk, encoding);
  };
};

interface Handle {
  /** Whether Node wants it to be read. */
  readonly reading?: boolean;
  /** 0, or a negative number where it is being read already. */
  readStart?(): number;
}

const handleOf = (socket: Socket): Handle | null | undefined =>
  Reflect.get(socket, '_handle') as Handle | null | undefined;

/** Whether the socket below has come to its end. One that is not read, because what came is enough, has not. */
const isAtEnd = (socket: TLSSocket, raw: Socket): boolean =>
  handleOf(socket)?.reading === true && handleOf(raw)?.readStart?.() === 0;
