// Data connections: the client dials us (PASV, EPSV) or is dialled (PORT, EPRT). Only ever the peer of the control
// connection: a stranger at the port is reset, another's address is refused, and what is not used is closed.
import { SocketAddress, isIP, isIPv4 } from 'node:net';
import {
  EMPTY,
  type Observable,
  ReplaySubject,
  Subject,
  Subscription,
  filter,
  finalize,
  firstValueFrom,
  take,
  takeUntil,
  timeout,
  timer,
} from 'rxjs';
import { held } from './held.js';
import { type Connection, type DialOptions, type ListenOptions, dial, listen } from 'sluice';

/** A data connection that did not come. */
export class Unreached extends Error {
  readonly code = 'UNREACHED';
}

/** How data connections come about. */
export interface DataOptions {
  /** How long a port that was opened may be left unused, and a connection may take to come, in milliseconds. */
  readonly deadline: number;
  /** What listens and dials: for tests. */
  readonly listen?: (options: ListenOptions) => Observable<Connection>;
  readonly dial?: (options: DialOptions) => Observable<Connection>;
}

/** Where a client says that it listens. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

/** The host of `127.0.0.1:7000` or `[::1]:7000`. */
export const hostOf = (address: string): string => {
  const end = address.lastIndexOf(':');
  return (end < 0 ? address : address.slice(0, end)).replaceAll(/[[\]]/g, '');
};

/** The one way of writing an address, or nothing where it is none. */
const canonical = (host: string): string | undefined => {
  const family = isIP(host);
  return family === 0
    ? undefined
    : new SocketAddress({ address: host, family: family === 4 ? 'ipv4' : 'ipv6' }).address;
};

/** Whether two addresses are one, however they are written. */
export const sameHost = (one: string, other: string): boolean =>
  one === other || (canonical(one) ?? one) === canonical(other);

// ── what is said of them ────────────────────────────────────────────────────────────────────────────────────────────

/** Ports below are for services of a system: no client has its data there. */
const FIRST_PORT = 1_024;

const placeOf = (host: string, port: number): Place | undefined =>
  isIP(host) !== 0 && port >= FIRST_PORT && port <= 65_535 ? { host, port } : undefined;

/** `127,0,0,1,195,80`, as PORT says it. */
export const portArgument = (argument: string): Place | undefined => {
  if (!/^\d{1,3}(?:,\d{1,3}){5}$/.test(argument)) return undefined;
  const numbers = argument.split(',').map(Number);
  if (numbers.some((number) => number > 255)) return undefined;
  const [high = 0, low = 0] = numbers.slice(4);
  return placeOf(numbers.slice(0, 4).join('.'), high * 256 + low);
};

/** `|1|127.0.0.1|50000|` or `|2|::1|50000|`, with whatever stands for the bar, as EPRT says it (RFC 2428). */
export const extendedPortArgument = (argument: string): Place | undefined => {
  const [, , family = '', host = '', port = ''] = /^([!-/:-~])([12])\1([\d.:a-f]+)\1(\d{1,5})\1$/i.exec(argument) ?? [];
  return isIP(host) === (family === '1' ? 4 : 6) ? placeOf(host, Number(port)) : undefined;
};

/** `(127,0,0,1,195,80)`, as PASV is answered. Nothing where the address is no IPv4 one: PASV knows no others. */
export const passiveAnswer = (host: string, port: number): string | undefined =>
  isIPv4(host) ? `(${host.replaceAll('.', ',')},${port >> 8},${port & 255})` : undefined;

// ── the next one ────────────────────────────────────────────────────────────────────────────────────────────────────

/** Resets a connection that nobody has used: who has used it, has ended it. */
const forsake = (connection: Connection): void => {
  if (connection.state === 'open' || connection.state === 'peer-ended') connection.abort();
};

/** Where the next data connection comes from. */
interface Way {
  readonly arrival: Observable<Connection>;
  /** Who has come by the port already. */
  readonly arrived: Observable<Connection>;
  /** The port, as long as it is open; and what closes it while nobody uses it. */
  readonly open: Subscription;
  readonly unused: Subscription;
}

/** The data connection that the next transfer is to have. There is one at most: another PASV or PORT takes its place. */
export class DataPort {
  /** Where this side is, and the only host that data is exchanged with. */
  readonly here: string;
  readonly peer: string;
  readonly #options: DataOptions;
  readonly #closed = new Subject<void>();
  #way: Way | undefined;

  constructor(control: Connection, options: DataOptions) {
    this.here = hostOf(control.local);
    this.peer = hostOf(control.peer);
    this.#options = options;
  }

  /** Whether a transfer could begin. */
  get ready(): boolean {
    return this.#way !== undefined;
  }

  /** Opens a port, and gives its number. The first connection from the peer's address is kept, and the port closed. */
  passive(): Promise<number> {
    const { deadline, listen: opening = listen } = this.#options;
    this.close();
    return new Promise((opened, failed) => {
      const arrived = new ReplaySubject<Connection>(1);
      const port = opening({
        host: this.here,
        port: 0,
        backlog: 16,
        onListening: ({ port: number }) => opened(number ?? 0),
      });
      arrived.subscribe({ error: () => failed(new Unreached()) });
      const [open, unused] = [new Subscription(), timer(deadline).subscribe(() => this.close())];
      this.#way = { arrival: arrived, arrived, open, unused };
      open.add(port.pipe(filter(this.#isPeer), take(1)).subscribe(arrived));
    });
  }

  /** The peer is to be dialled, once there is something to transfer. */
  active(place: Place): void {
    const { deadline, dial: reach = dial } = this.#options;
    this.close();
    const arrival = reach({ ...place, connectTimeout: deadline });
    this.#way = { arrival, arrived: EMPTY, open: Subscription.EMPTY, unused: Subscription.EMPTY };
  }

  /**
   * Has `transfer` use the connection. Fails where it does not come in time, or `close` is called before.
   *
   * It comes by a promise, and so out of the stream of commands: a data connection that is full holds up its file and not
   * the commands, or nobody could abort it.
   */
  use(transfer: (connection: Connection) => Observable<never>): Observable<never> {
    return held(() => this.#next(), forsake, transfer).pipe(finalize(() => this.close()));
  }

  async #next(): Promise<Connection> {
    const way = this.#way;
    try {
      if (way === undefined) throw new Unreached();
      way.unused.unsubscribe();
      return await firstValueFrom(way.arrival.pipe(timeout(this.#options.deadline), takeUntil(this.#closed)));
    } catch {
      throw new Unreached();
    } finally {
      // It is the transfer's now.
      if (this.#way === way) this.#way = undefined;
      way?.open.unsubscribe();
    }
  }

  /** Closes the port, and resets who has come by it and is in no transfer. */
  close(): void {
    const way = this.#way;
    this.#way = undefined;
    this.#closed.next();
    way?.open.unsubscribe();
    way?.unused.unsubscribe();
    way?.arrived.subscribe((connection) => connection.abort()).unsubscribe();
  }

  readonly #isPeer = (connection: Connection): boolean => {
    if (sameHost(hostOf(connection.peer), this.peer)) return true;
    connection.abort();
    return false;
  };
}
