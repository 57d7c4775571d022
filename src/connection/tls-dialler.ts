import { isIP } from 'node:net';
import type { SecureContext } from 'node:tls';
import { nodeTls } from '../late.js';
import { type LoadedTls, type TlsSource, loadedFor } from './tls-from.js';
import { type Shake, failureOf } from './tls-handshake.js';
import { CLIENT_OPTIONS, HANDSHAKE, type TlsClientOptions, checkKnown } from './tls-options.js';

const forClient = (options: TlsClientOptions): void => checkKnown('tls', options, CLIENT_OPTIONS);

/** Shakes hands as a client, and remembers the last session, so that the next handshake with the same server is short. */
export class TlsDialler {
  readonly #tls: LoadedTls;
  readonly #host: string;
  #generation = -1;
  #context: SecureContext | undefined;
  #session: Buffer | undefined;

  /** `host` is what is dialled: a name, or an address. */
  constructor(tls: true | TlsClientOptions | TlsSource, host: string) {
    this.#tls = loadedFor(tls === true ? {} : tls, forClient);
    this.#host = host;
  }

  get handshakeTimeout(): number {
    return this.#tls.options.handshakeTimeout ?? HANDSHAKE;
  }

  readonly shake: Shake = (raw, secured, failed) => {
    this.#refresh();
    const { alpn, rejectUnauthorized = true, servername } = this.#tls.options;
    const asked = servername ?? (isIP(this.#host) === 0 ? this.#host : undefined);
    const socket = nodeTls().connect({
      socket: raw,
      host: this.#host,
      ...(this.#context && { secureContext: this.#context }),
      ...(asked !== undefined && { servername: asked }),
      ...(alpn && { ALPNProtocols: [...alpn] }),
      ...(this.#session && { session: this.#session }),
      rejectUnauthorized,
    });
    const generation = this.#generation;
    socket
      .on('session', (session) => {
        if (generation === this.#generation) this.#session = session;
      })
      .on('error', (error) => failed(failureOf(error)))
      .on('close', () => failed(failureOf(undefined, 'ECONNRESET')))
      .on('secureConnect', () => secured(socket));
  };

  /** What was made of options that have been read again since is forgotten, and whose session it was. */
  #refresh(): void {
    const { generation, material } = this.#tls;
    if (generation === this.#generation) return;
    this.#generation = generation;
    this.#context = nodeTls().createSecureContext(material.context);
    this.#session = undefined;
  }
}
