import type { Duplex } from 'node:stream';
import type { SecureContext, SecureContextOptions, Server, TLSSocket } from 'node:tls';
import type { TlsFailed } from '../errors.js';
import { nodeCrypto, nodeTls } from '../late.js';
import { type LoadedTls, type TlsSource, loadedFor } from './tls-from.js';
import { failureOf } from './tls-handshake.js';
import { HANDSHAKE, SERVER_OPTIONS, type TlsServerOptions, checkKnown } from './tls-options.js';

/** A server of Node's, seen from one handshake: who is to be told of it stands in between. */
interface Hand extends Server {
  secured: (socket: TLSSocket) => void;
  failed: (error: TlsFailed) => void;
}

/** Node has a deadline of its own, which cannot be turned off, but put off. */
const NO_DEADLINE = 2 ** 31 - 1;

const HOUR = 3_600_000;

const forServer = (options: TlsServerOptions): void => {
  checkKnown('tls', options, SERVER_OPTIONS);
  const { cert, certFile, pfx, pfxFile } = options;
  if ((cert ?? certFile ?? pfx ?? pfxFile) === undefined) throw new TypeError('tls must have a key and a cert');
};

/**
 * Shakes hands as a server, with what its options say at the time.
 *
 * The work is done by a `tls.Server` that never listens: it is handed each stream, which it documents. When the options
 * are read again, or the keys of the tickets change, another takes its place.
 */
export class TlsAcceptor {
  readonly #tls: LoadedTls;
  #server: Server | undefined;
  #generation = -1;
  #period = -1;

  constructor(tls: TlsServerOptions | TlsSource) {
    this.#tls = loadedFor(tls, forServer);
  }

  get handshakeTimeout(): number {
    return this.#tls.options.handshakeTimeout ?? HANDSHAKE;
  }

  get maxHandshakes(): number {
    return this.#tls.options.maxHandshakes ?? 1_000;
  }

  /** Begins a handshake; `now` is the time of day, by which the keys of tickets change. */
  shake(raw: Duplex, now: number, secured: (socket: TLSSocket) => void, failed: (error: TlsFailed) => void): void {
    const hand = Object.create(this.#serverAt(now)) as Hand;
    hand.secured = secured;
    hand.failed = failed;
    hand.emit('connection', raw);
  }

  #serverAt(now: number): Server {
    const { generation, options } = this.#tls;
    const period = Math.floor(now / (options.ticketRotation ?? HOUR));
    if (this.#server !== undefined && generation === this.#generation && period === this.#period) return this.#server;
    this.#server = this.#made(period);
    this.#generation = generation;
    this.#period = period;
    return this.#server;
  }

  #made(period: number): Server {
    const { options, material } = this.#tls;
    const { requestCert = false, rejectUnauthorized = true, alpn } = options;
    const ticketKeys = this.#ticketKeys(period);
    const sessionIdContext = this.#trust();
    const whole = (context: SecureContextOptions): SecureContextOptions => ({
      ...context,
      ticketKeys,
      sessionIdContext,
    });
    const contexts = new Map<string, SecureContext>();
    for (const [name, context] of material.byName) contexts.set(name, nodeTls().createSecureContext(whole(context)));
    return nodeTls()
      .createServer({
        ...whole(material.context),
        ...(alpn && { ALPNProtocols: [...alpn] }),
        requestCert,
        rejectUnauthorized,
        handshakeTimeout: NO_DEADLINE,
        SNICallback: (name, done) => done(null, contextFor(contexts, name)),
      })
      .on('secureConnection', function (this: Hand, socket) {
        this.secured(socket);
      })
      .on('tlsClientError', function (this: Hand, error, socket) {
        this.failed(failureOf(error, socket.authorizationError ?? undefined));
      });
  }

  /** The keys of this period: whoever has the secret has the same, and nobody has to be told. */
  #ticketKeys(period: number): Buffer {
    const secret = this.#tls.options.ticketSecret ?? this.#tls.ownSecret;
    return Buffer.from(nodeCrypto().hkdfSync('sha256', secret, '', `sluice tickets ${period}`, 48));
  }

  /** A session is taken up again only under the terms on which it was begun: with whom is trusted, it changes. */
  #trust(): string {
    const { options, material } = this.#tls;
    const { ca, crl } = material.context;
    const terms = nodeCrypto().createHash('sha256').update(`${options.requestCert} ${options.rejectUnauthorized}`);
    for (const part of [ca, crl].flat()) terms.update('\0').update(part ?? '');
    return terms.digest('hex').slice(0, 32);
  }
}

/** What is shown to who asks for a name: nothing of its own for one that is not known. */
const contextFor = (contexts: ReadonlyMap<string, SecureContext>, name: string): SecureContext | undefined => {
  const asked = name.toLowerCase();
  return contexts.get(asked) ?? contexts.get(`*${asked.slice(asked.indexOf('.'))}`);
};
