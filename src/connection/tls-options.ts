import { readFileSync, statSync } from 'node:fs';
import type { SecureContextOptions } from 'node:tls';
import { nodeTls } from '../late.js';
import { checkBoolean, checkInteger, checkObject, checkOneOf, checkText, checkTime } from '../check.js';

/** What is written in PEM: a text, or its bytes. */
export type Pem = string | Uint8Array;

/** A version of TLS, as Node calls it. */
export type TlsVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';

/** Who one is: a private key, and the certificate that says whose it is. Each by value, or by the name of a file. */
export interface TlsCertificate {
  /** The private key, in PEM. */
  readonly key?: Pem;
  /** The certificate, in PEM, and after it those that lead to a root which the other side knows. */
  readonly cert?: Pem;
  /** Both in one, in PKCS #12. */
  readonly pfx?: Pem;
  /** What the key or the PKCS #12 is locked with. */
  readonly passphrase?: string;
  /** The file of `key`. */
  readonly keyFile?: string;
  /** The file of `cert`. */
  readonly certFile?: string;
  /** The file of `pfx`. */
  readonly pfxFile?: string;
}

/** What both sides can set. */
export interface TlsOptions extends TlsCertificate {
  /** Whose word is taken for who a peer is: the roots, in PEM (default: those that Node comes with). */
  readonly ca?: Pem | readonly Pem[];
  /** Certificates that are not good any more, in PEM. */
  readonly crl?: Pem | readonly Pem[];
  /** The file of `ca`. */
  readonly caFile?: string;
  /** The file of `crl`. */
  readonly crlFile?: string;
  /** The oldest version that is spoken (default `'TLSv1.2'`). */
  readonly minVersion?: TlsVersion;
  /** The newest (default `'TLSv1.3'`). */
  readonly maxVersion?: TlsVersion;
  /** Which ciphers, in OpenSSL's words (default: Node's). */
  readonly ciphers?: string;
  /** The protocols that one speaks, best first (ALPN, RFC 7301): `['h2', 'http/1.1']`. With none in common it fails. */
  readonly alpn?: readonly string[];
  /** Fails where the peer's certificate does not hold (default true). If false, `connection.tls.authorized` says so. */
  readonly rejectUnauthorized?: boolean;
  /** How long a handshake may take, in milliseconds (default 10,000). */
  readonly handshakeTimeout?: number;
}

/** TLS for `listen`, in Node's terms: `key` and `cert` are all that is needed. Times are in milliseconds. */
export interface TlsServerOptions extends TlsOptions {
  /**
   * Certificates by the name that a client asks for (SNI): `{ 'b.example': { key, cert } }`. `*.example` stands for
   * one label. Who asks for another name, or for none, is shown `cert`.
   */
  readonly sni?: Readonly<Record<string, TlsCertificate>>;
  /** Asks clients for a certificate (default false), and refuses those without one that holds: `rejectUnauthorized`. */
  readonly requestCert?: boolean;
  /** How many may be under way (default 1,000). One more, and the oldest is given up for it. */
  readonly maxHandshakes?: number;
  /**
   * What the keys of session tickets are made from: 32 bytes or more that nobody can guess. Servers that share it take
   * each other's tickets. Without it, each has its own.
   */
  readonly ticketSecret?: Pem;
  /** How often these keys change (default an hour), for all who share the secret at the same time. */
  readonly ticketRotation?: number;
}

/** TLS for `dial`, in Node's terms. Nothing is needed where the server's root is one that Node knows. */
export interface TlsClientOptions extends TlsOptions {
  /** The name that the server must have in its certificate, and is asked for by (default: the `host` that is dialled). */
  readonly servername?: string;
}

/** What goes into a context of Node's, all files read: for who asks for no name that is known, and by name. */
export interface TlsMaterial {
  readonly context: SecureContextOptions;
  readonly byName: ReadonlyMap<string, SecureContextOptions>;
  /** The files that it was read from, each with what state it was in just before. */
  readonly files: ReadonlyMap<string, string>;
}

const CERTIFICATE = ['key', 'cert', 'pfx'] as const;
const TRUST = ['ca', 'crl'] as const;
type Part = (typeof CERTIFICATE)[number] | (typeof TRUST)[number];

const CERTIFICATE_OPTIONS = ['passphrase', ...CERTIFICATE.flatMap((part) => [part, `${part}File`])];
const COMMON_OPTIONS = [
  ...CERTIFICATE_OPTIONS,
  ...TRUST.flatMap((part) => [part, `${part}File`]),
  ...['minVersion', 'maxVersion', 'ciphers', 'alpn', 'rejectUnauthorized', 'handshakeTimeout'],
];
export const CLIENT_OPTIONS = [...COMMON_OPTIONS, 'servername'];
export const SERVER_OPTIONS = [
  ...COMMON_OPTIONS,
  ...['sni', 'requestCert', 'maxHandshakes', 'ticketSecret', 'ticketRotation'],
];
const VERSIONS: readonly TlsVersion[] = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];
const OLDEST: TlsVersion = 'TLSv1.2';
const NEWEST: TlsVersion = 'TLSv1.3';

/** How long a handshake may take unless it is said otherwise, in milliseconds. */
export const HANDSHAKE = 10_000;

/** An option that is misspelt, or not meant for this side, must not be passed over: too much may hang on it. */
export const checkKnown = (name: string, options: object, known: readonly string[]): void => {
  for (const option of Object.keys(options)) {
    if (!known.includes(option)) throw new TypeError(`${name} has no option ${option} here`);
  }
};

const isPem = (value: unknown): boolean =>
  (typeof value === 'string' || value instanceof Uint8Array) && value.length > 0;

/** Not shown in the error: it may be a secret. */
const checkPem = (name: string, value: unknown): void => {
  if (!isPem(value)) throw new TypeError(`${name} must be a text or bytes, and not empty`);
};

const checkAlpn = (alpn: readonly string[]): void => {
  if (!Array.isArray(alpn)) throw new TypeError('tls.alpn must be a list of names');
  for (const protocol of alpn)
    checkInteger('the length of a name in tls.alpn', checkText('tls.alpn', protocol).length, 1, 255);
};

/** Node takes a span of versions with none in it, and then fails each handshake. */
const checkVersions = (oldest: TlsVersion, newest: TlsVersion): void => {
  if (VERSIONS.indexOf(oldest) <= VERSIONS.indexOf(newest)) return;
  throw new RangeError(`tls.minVersion must not be newer than tls.maxVersion, got ${oldest} and ${newest}`);
};

/** Checks all that does not depend on what is in a file. */
const check = (options: TlsServerOptions & TlsClientOptions): void => {
  const { minVersion, maxVersion, ciphers, alpn, rejectUnauthorized, requestCert } = options;
  if (minVersion !== undefined) checkOneOf('tls.minVersion', minVersion, VERSIONS);
  if (maxVersion !== undefined) checkOneOf('tls.maxVersion', maxVersion, VERSIONS);
  checkVersions(minVersion ?? OLDEST, maxVersion ?? NEWEST);
  if (ciphers !== undefined) checkText('tls.ciphers', ciphers);
  if (alpn !== undefined) checkAlpn(alpn);
  if (rejectUnauthorized !== undefined) checkBoolean('tls.rejectUnauthorized', rejectUnauthorized);
  if (requestCert !== undefined) checkBoolean('tls.requestCert', requestCert);
  if (options.servername !== undefined) checkText('tls.servername', options.servername);
  if (options.handshakeTimeout !== undefined) checkTime('tls.handshakeTimeout', options.handshakeTimeout);
  if (options.maxHandshakes !== undefined) checkInteger('tls.maxHandshakes', options.maxHandshakes, 1);
  if (options.ticketRotation !== undefined) checkTime('tls.ticketRotation', options.ticketRotation, 1_000);
  if (options.ticketSecret !== undefined) {
    checkPem('tls.ticketSecret', options.ticketSecret);
    checkInteger('the length of tls.ticketSecret', Buffer.byteLength(options.ticketSecret), 32);
  }
};

/** What tells one state of a file from the next, however it came about. A link stands for what it leads to. */
export const stateOf = (file: string): string => {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
};

/** Reads the files of one key and certificate, or of all that is trusted. */
class Reader {
  readonly files = new Map<string, string>();

  read(name: string, given: TlsOptions, parts: readonly Part[]): SecureContextOptions {
    const read: Partial<Record<Part, unknown>> = {};
    for (const part of parts) {
      const [value, file] = [given[part], given[`${part}File`]];
      if (value !== undefined && file !== undefined) throw new TypeError(`give ${name}.${part} or its file, got both`);
      if (file !== undefined) read[part] = this.#content(`${name}.${part}File`, file);
      else if (value !== undefined) {
        for (const pem of Array.isArray(value) ? value : [value]) checkPem(`${name}.${part}`, pem);
        read[part] = value;
      }
    }
    if (given.passphrase === undefined) return read as SecureContextOptions;
    checkPem(`${name}.passphrase`, given.passphrase);
    return { ...read, passphrase: given.passphrase } as SecureContextOptions;
  }

  #content(name: string, file: string): Buffer {
    checkText(name, file);
    if (!this.files.has(file)) this.files.set(file, stateOf(file));
    try {
      return readFileSync(file);
    } catch (error) {
      throw new Error(`${name} cannot be read: ${(error as Error).message}`, { cause: error });
    }
  }
}

/** Whether Node can use it is found out at once, and not when the first one comes. */
const tried = (name: string, context: SecureContextOptions): SecureContextOptions => {
  try {
    nodeTls().createSecureContext(context);
    return context;
  } catch (error) {
    throw new TypeError(`${name} cannot be used: ${(error as Error).message}`, { cause: error });
  }
};

/** Checks the options of either side, and reads what they name. */
export const materialOf = (options: TlsServerOptions & TlsClientOptions): TlsMaterial => {
  check(options);
  const { ciphers, minVersion = OLDEST, maxVersion = NEWEST } = options;
  const reader = new Reader();
  const shared = { ...reader.read('tls', options, TRUST), minVersion, maxVersion, ...(ciphers && { ciphers }) };
  const contextOf = (name: string, certificate: TlsCertificate): SecureContextOptions =>
    tried(name, { ...shared, ...reader.read(name, certificate, CERTIFICATE) });
  const byName = new Map<string, SecureContextOptions>();
  for (const [name, certificate] of Object.entries(checkObject('tls.sni', options.sni ?? {}))) {
    const entry = `tls.sni[${JSON.stringify(name)}]`;
    checkKnown(entry, checkObject(entry, certificate), CERTIFICATE_OPTIONS);
    byName.set(checkText('a name in tls.sni', name).toLowerCase(), contextOf(entry, certificate));
  }
  return { context: contextOf('tls', options), byName, files: reader.files };
};
