import { readdirSync } from 'node:fs';
import { type Observable, Subject, filter, from, merge, mergeMap, takeUntil } from 'rxjs';
import type { ServerEvent } from '../server/events.js';
import type { StopReport } from '../server/report.js';
import { ConfiguredServer } from './configured-server.js';
import type { KindName } from './kinds.js';
import { Complaint } from './shell.js';

/** Names of clients that Tab offers at most: nobody reads more. */
const OFFERED = 200;

/** All servers of a shell, by name. */
export class Servers implements Iterable<ConfiguredServer> {
  readonly #byName = new Map<string, ConfiguredServer>();
  readonly #made = new Subject<ConfiguredServer>();
  readonly #forgotten = new Subject<ConfiguredServer>();

  [Symbol.iterator](): Iterator<ConfiguredServer> {
    return this.#byName.values();
  }

  /** What happens to any of them, to those that are made later too. */
  get events(): Observable<ServerEvent> {
    return merge(from([...this.#byName.values()]), this.#made).pipe(
      mergeMap((server) => server.events.pipe(takeUntil(this.#forgotten.pipe(filter((gone) => gone === server))))),
    );
  }

  get running(): boolean {
    return [...this].some(({ running }) => running);
  }

  get(name: string): ConfiguredServer {
    const server = this.#byName.get(name);
    if (server !== undefined) return server;
    throw new Complaint(`there is no server ${name}: config tcp-server ${name} makes it`);
  }

  /** The server of that name, made where there is none. */
  make(name: string): ConfiguredServer {
    const there = this.#byName.get(name);
    if (there !== undefined) return there;
    const server = new ConfiguredServer(name);
    this.#byName.set(name, server);
    this.#made.next(server);
    return server;
  }

  /** Ends a server at once, and forgets it. */
  async forget(name: string): Promise<void> {
    const server = this.get(name);
    this.#byName.delete(name);
    await server.server.abort();
    this.#forgotten.next(server);
  }

  /** Stops all that run, side by side; at once, when the signal says so. */
  async drain(told: (server: ConfiguredServer, report: StopReport) => void, signal: AbortSignal): Promise<void> {
    const running = [...this].filter((server) => server.running);
    await Promise.all(running.map(async (server) => told(server, await stopping(server, signal))));
  }

  /** What there is of a kind, where the line so far says `given`. */
  names(kind: KindName, begun: string, given: Readonly<Record<string, unknown>>): readonly string[] {
    const server = this.#byName.get(String(given['NAME']));
    const addresses = (): readonly string[] =>
      Array.from(server?.server.clients ?? [], ({ address }) => address).slice(0, OFFERED);
    const offers: Readonly<Partial<Record<KindName, () => readonly string[]>>> = {
      NAME: () => [...this.#byName.keys()],
      IP: () => ['127.0.0.1', ...addresses().map((address) => splitAddress(address).ip)],
      PORT: () =>
        addresses()
          .map(splitAddress)
          .filter(({ ip }) => ip === given['IP'])
          .map(({ port }) => port),
      CLIENT: () =>
        [...(server?.server.clients ?? [])]
          .slice(0, OFFERED)
          .flatMap(({ id, address, name: called }) => [String(id), address, called]),
      CIDR: () => server?.server.rules.list.map(({ cidr }) => cidr) ?? [],
      MODULE: () => modules(begun),
    };
    return offers[kind]?.() ?? [];
  }
}

/** Stops a server in order; at once, when the signal says so. */
const stopping = async ({ server }: ConfiguredServer, signal: AbortSignal): Promise<StopReport> => {
  const abort = (): void => void server.abort();
  if (signal.aborted) return server.abort();
  signal.addEventListener('abort', abort);
  try {
    return await server.stop();
  } finally {
    signal.removeEventListener('abort', abort);
  }
};

/** `127.0.0.1:80` and `[::1]:80` in two. */
const splitAddress = (address: string): { readonly ip: string; readonly port: string } => {
  const at = address.lastIndexOf(':');
  return { ip: address.slice(0, at).replaceAll(/[[\]]/g, ''), port: address.slice(at + 1) };
};

/** Directories, and files that Node can import, under the path that was begun. */
const modules = (begun: string): readonly string[] => {
  const folder = begun.slice(0, begun.lastIndexOf('/') + 1) || './';
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() || /\.[cm]?js$/.test(entry.name))
      .map((entry) => `${folder}${entry.name}${entry.isDirectory() ? '/' : ''}`);
  } catch {
    return [];
  }
};
