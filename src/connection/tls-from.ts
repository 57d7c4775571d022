import { nodeCrypto } from '../late.js';
import { checkHook, checkNumber, checkObject } from '../check.js';
import { tell } from '../hook.js';
import {
  CLIENT_OPTIONS,
  type Pem,
  SERVER_OPTIONS,
  type TlsClientOptions,
  type TlsMaterial,
  type TlsServerOptions,
  checkKnown,
  materialOf,
  stateOf,
} from './tls-options.js';

/** How what was read is kept up to date. */
export interface TlsWatching {
  /**
   * Reads again when one of the files has changed (default false): looks every second, or as often as is said, in
   * milliseconds. Keeps no process alive.
   */
  readonly watch?: boolean | number;
  /** Told after each look that found a change: nothing, or the error for which what was read before stays in force. */
  readonly onReload?: (error?: unknown) => void;
}

/** What either side can set. Which of it is meant for which, `listen` and `dial` know. */
type Options = TlsServerOptions & TlsClientOptions;

/** Throws where options are not what somebody needs. */
type Demand = (options: Options) => void;

/** Options of TLS that can be read again while they are in use. */
export interface TlsSource {
  /**
   * Reads all files again, with these changes to the options. Who is connected stays so; who comes from now on meets the
   * new. Throws, and changes nothing, where it cannot be used.
   */
  reload(changes?: Partial<Options>): void;
  /** Looks at the files no more. */
  close(): void;
  /** When the first of its certificates in PEM is not good any more; undefined where there is none. */
  readonly expires: Date | undefined;
}

/** How often files are looked at unless it is said otherwise, in milliseconds. */
const EVERY = 1_000;

/** The longest that Node can wait between two looks, in milliseconds. */
const RAREST = 2 ** 31 - 1;

/** What gives way to an option that is changed: a value to a file, and a file to a value. */
const counterpart = (option: string): string => (option.endsWith('File') ? option.slice(0, -4) : `${option}File`);

/** @internal Options that are checked, and what they name, read. */
export class LoadedTls implements TlsSource {
  /** Counts how often it was read: what was made of an earlier one is out of date. */
  generation = 0;
  #options: Options;
  #material: TlsMaterial;
  /** The states of the files when they were looked at last, or read: those before the reading, so no change is missed. */
  #seen: string;
  readonly #onReload: ((error?: unknown) => void) | undefined;
  readonly #looking: NodeJS.Timeout | undefined;
  /** Where no secret is shared. */
  readonly ownSecret = nodeCrypto().randomBytes(32);
  /** What those who use it ask of the options, also of those to come. */
  readonly #demands = new Set<Demand>();

  constructor(given: Options & TlsWatching) {
    const { watch = false, onReload, ...options } = checkObject('tls', given);
    checkKnown('tls', options, [...SERVER_OPTIONS, ...CLIENT_OPTIONS]);
    const every = watch === false ? undefined : checkNumber('tls.watch', watch === true ? EVERY : watch, 10, RAREST);
    this.#onReload = checkHook('tls.onReload', onReload);
    this.#options = options;
    this.#material = materialOf(options);
    this.#seen = [...this.#material.files.values()].join();
    if (every !== undefined) this.#looking = setInterval(() => this.#look(), every).unref();
  }

  get options(): Options {
    return this.#options;
  }

  get material(): TlsMaterial {
    return this.#material;
  }

  /** Throws where the options are not what somebody needs who is to use them, now and when they are read again. */
  demand(demand: Demand): this {
    demand(this.#options);
    this.#demands.add(demand);
    return this;
  }

  reload(changes: Partial<Options> = {}): void {
    checkKnown('tls', checkObject('changes', changes), [...SERVER_OPTIONS, ...CLIENT_OPTIONS]);
    const replaced = new Set(Object.keys(changes).map(counterpart));
    const kept = Object.entries(this.#options).filter(([option]) => !replaced.has(option));
    const options: Options = { ...Object.fromEntries(kept), ...changes };
    for (const demand of this.#demands) demand(options);
    this.#material = materialOf(options);
    this.#options = options;
    this.#seen = [...this.#material.files.values()].join();
    this.generation++;
  }

  close(): void {
    clearInterval(this.#looking);
  }

  get expires(): Date | undefined {
    const { context, byName } = this.#material;
    const certificates = [context, ...byName.values()].flatMap(({ cert }) => (cert === undefined ? [] : [cert as Pem]));
    if (certificates.length === 0) return undefined;
    return new Date(
      Math.min(...certificates.map((cert) => Date.parse(new (nodeCrypto().X509Certificate)(cert).validTo))),
    );
  }

  #look(): void {
    const now = [...this.#material.files.keys()].map(stateOf).join();
    if (now === this.#seen) return;
    this.#seen = now;
    try {
      this.reload();
    } catch (error) {
      return tell('onReload', this.#onReload, error);
    }
    tell('onReload', this.#onReload, undefined);
  }
}

/**
 * TLS whose keys and certificates can be exchanged while it is in use: by `reload`, or by itself when a file changes.
 *
 *     const certificates = tlsFrom({ keyFile: 'key.pem', certFile: 'cert.pem', watch: true });
 *     listen({ port: 7000, tls: certificates })
 *
 * Takes what `listen` or `dial` take as `tls`, and gives what they take in its place. Nobody is dropped: a connection
 * keeps what it was made with. The files are read here and now; throws where they cannot be, or cannot be used. A look
 * at a file follows links, so that it does not matter how a new one is put in its place.
 */
export const tlsFrom = (options: TlsServerOptions & TlsClientOptions & TlsWatching): TlsSource =>
  new LoadedTls(options);

/** @internal What was given to one side as its options, once they are found to be what it needs. */
export const loadedFor = (tls: Options | TlsSource, demand: Demand): LoadedTls => {
  if (tls instanceof LoadedTls) return tls.demand(demand);
  demand(checkObject('tls', tls as Options));
  return new LoadedTls(tls as Options);
};
