import * as E from 'fp-ts/lib/Either.js';
import {
  type MonoTypeOperatorFunction,
  Observable,
  type SchedulerLike,
  Subscriber,
  type Subscription,
  asyncScheduler,
} from 'rxjs';
import {
  checkFunction,
  checkHook,
  checkInteger,
  checkObject,
  checkOneOf,
  checkScheduler,
  checkTime,
} from '../src/check.js';
import { type ProxyEnd, type ProxyHeader, proxyHeader } from '../src/codec/proxy-header.js';
import { reasons } from '../src/codec/reasons.js';
import { hostAndPort } from '../src/connection/address.js';
import { type Connection, WireConnection } from '../src/connection/connection.js';
import { networks } from '../src/connection/networks.js';
import { TlsAcceptor } from '../src/connection/tls-acceptor.js';
import type { TlsSource } from '../src/connection/tls-from.js';
import type { Shake } from '../src/connection/tls-handshake.js';
import type { TlsServerOptions } from '../src/connection/tls-options.js';
import { FrameTooSlow, MalformedFrame, TlsFailed, TruncatedFrame } from '../src/errors.js';
import { Gate } from '../src/flow/gate.js';
import { inScope, openScope } from '../src/flow/scope.js';
import { type Deframer, deframer } from '../src/framing/deframer.js';
import { proxyFrame } from '../src/framing/proxy-frame.js';
import type { Rule } from '../src/framing/rule.js';
import { tell, warnThrown } from '../src/hook.js';
import { Alarm, type Timetable, timetableOf } from '../src/time/timetable.js';
import { Link } from './link.js';

/** What happens to a connection that is not passed on. One hook may hear this and the events of `listen`. */
export type ProxyProtocolEvent =
  /**
   * It is no proxy that is trusted; it sent no header, or not in time, and `error` says what instead; or too many others
   * were about to send theirs. `peer` is where it came from: the proxy's address, or that of who is none.
   */
  | {
      readonly type: 'refused';
      readonly peer: string;
      readonly reason: 'untrusted' | 'no-header' | 'too-many-waiting';
      readonly error: unknown;
    }
  /** The TLS handshake behind the header came to nothing, or made room for others; `peer` is who the header names. */
  | {
      readonly type: 'refused';
      readonly peer: string;
      readonly reason: 'handshake-failed' | 'too-many-handshakes';
      readonly error: TlsFailed;
    };

/** Who is believed, and for how long they are waited for. */
export interface ProxyProtocolOptions {
  /**
   * The proxies in front: addresses and networks (`10.0.0.0/8`, `2001:db8::/32`), or a function that knows them, as for
   * a Unix socket, which has no addresses. Anybody else could say to be whoever he likes.
   */
  readonly trusted: readonly string[] | ((connection: Connection) => boolean);
  /** What becomes of others: they are reset (`refuse`, the default), or are served as who they are (`pass`). */
  readonly untrusted?: 'refuse' | 'pass';
  /** How long a proxy may take for the header, in milliseconds (default 5,000). */
  readonly deadline?: number;
  /** The most bytes of a header of version 2, its TLVs included (default 4,096). One of version 1 has 107 at most. */
  readonly limit?: number;
  /**
   * Speaks TLS behind the header, with who is passed without one too: `{ key, cert }`, or what `tlsFrom` gives. Proxies
   * send the header in the clear, in front of the handshake; `listen` is then to have no `tls`, which would come first.
   */
  readonly tls?: TlsServerOptions | TlsSource;
  /** How many may be about to send their header, or to shake hands, at once (default 10,000); more are refused. */
  readonly maxWaiting?: number;
  /** Called with each connection that is not passed on. */
  readonly onEvent?: ((event: ProxyProtocolEvent) => void) | undefined;
  /** What the deadline is measured by (default `asyncScheduler`). */
  readonly scheduler?: SchedulerLike;
}

/**
 * Reads what the proxy in front says of each connection before anything else of it: the PROXY protocol, version 1 or 2.
 *
 *     connections  --a--b---c-----     b takes 4 ms for its header, c comes from elsewhere
 *                  proxyProtocol({ trusted: ['10.0.0.0/8'] })
 *     connections  --a------b-----     their `peer` and `local` are those of the header
 *
 * Stands right behind `listen`. Emits a connection when its header is there: its `peer` and `local` are then those that
 * the header names, and `proxy` is all that it says. What a proxy opens for itself (`local`) keeps its own. Bytes behind
 * the header stay with the connection. One that is slow or silent holds up no other.
 *
 * A header is taken from who is trusted, and from nobody else; and who is trusted has to send one. Who does not, in
 * time, whole and right, is reset, and is an event. Unsubscribing resets those that are waited for.
 *
 * Where the clients speak TLS, and the proxy passes it on or speaks it itself, the header comes first, and the handshake
 * behind it: give `tls` to this, and not to `listen`.
 *
 * "The PROXY protocol, versions 1 & 2", haproxy.org.
 */
export const proxyProtocol = (options: ProxyProtocolOptions): MonoTypeOperatorFunction<Connection> => {
  const { untrusted = 'refuse', deadline = 5_000, scheduler = asyncScheduler } = checkObject('options', options);
  const settings: Settings = {
    trusts: trustOf(options.trusted),
    passes: checkOneOf('untrusted', untrusted, ['refuse', 'pass']) === 'pass',
    deadline: checkTime('deadline', deadline),
    rule: proxyFrame(options.limit === undefined ? {} : { limit: options.limit }),
    maxWaiting: checkInteger('maxWaiting', options.maxWaiting ?? 10_000, 1),
    tls: options.tls === undefined ? undefined : new TlsAcceptor(options.tls),
    onEvent: checkHook('onEvent', options.onEvent),
  };
  checkScheduler('scheduler', scheduler);
  return (connections) =>
    new Observable((out) => new Reception(settings, timetableOf(scheduler), out).subscribe(connections));
};

interface Settings {
  readonly trusts: (connection: Connection) => boolean;
  readonly passes: boolean;
  readonly deadline: number;
  readonly rule: Rule;
  readonly maxWaiting: number;
  readonly tls: TlsAcceptor | undefined;
  readonly onEvent: ((event: ProxyProtocolEvent) => void) | undefined;
}

const trustOf = (trusted: ProxyProtocolOptions['trusted']): ((connection: Connection) => boolean) => {
  if (typeof trusted === 'function') return trusted;
  if (!Array.isArray(trusted)) return checkFunction('trusted', trusted as never);
  if (trusted.length === 0) throw new RangeError('trusted must name one network or more, got none');
  const areTrusted = networks('trusted', trusted as readonly string[]);
  return ({ peer }) => areTrusted(peer);
};

/** Those who are about to send their header. */
class Reception {
  readonly settings: Settings;
  readonly timetable: Timetable;
  readonly #out: Subscriber<Connection>;
  readonly #gate = new Gate();
  readonly #waiting = new Set<Introduction>();
  /** Those of them that shake hands. They are not proxies whom one trusts, but whoever it is. */
  readonly #shaking = new Set<Introduction>();
  #ended = false;

  constructor(settings: Settings, timetable: Timetable, out: Subscriber<Connection>) {
    this.settings = settings;
    this.timetable = timetable;
    this.#out = out;
  }

  subscribe(connections: Observable<Connection>): void {
    const link = new Link<Connection>(this.#out, {
      next: (connection) => this.#take(connection),
      complete: () => {
        this.#ended = true;
        this.#completeIfDone();
      },
    });
    this.#out.add(() => {
      this.#gate.leave();
      for (const introduction of this.#waiting) introduction.giveUp();
    });
    connections.subscribe(link);
  }

  #take(connection: Connection): void {
    const { passes, maxWaiting, tls } = this.settings;
    const trusted = this.#trusts(connection);
    if (!trusted && !passes) this.#refuse(connection, 'untrusted');
    else if (!trusted && tls === undefined) this.#out.next(connection);
    else if (this.#waiting.size >= maxWaiting) this.#refuse(connection, 'too-many-waiting');
    else if (!(connection instanceof WireConnection)) {
      throw new TypeError('proxyProtocol stands right behind listen: it takes connections as they were made');
    } else {
      const introduction = new Introduction(connection, this);
      this.#waiting.add(introduction);
      if (trusted) introduction.listen();
      else introduction.secure();
    }
  }

  /** Who cannot be judged is not trusted: that is no reason to serve nobody any more. */
  #trusts(connection: Connection): boolean {
    try {
      return this.settings.trusts(connection);
    } catch (error) {
      warnThrown('trusted', error);
      return false;
    }
  }

  /** The header is there, and what follows it is left to who reads next. */
  introduced(introduction: Introduction): void {
    // As long as nobody takes connections, it waits here, unread.
    this.#gate.wait(() => {
      if (!this.#waiting.delete(introduction)) return;
      // In the scope of the server, but not as its source: a slow peer is not to stop the acceptor.
      inScope(this.#gate.scope, () => this.#out.next(introduction.connection));
      this.#completeIfDone();
    });
  }

  /** There is no header. */
  failed(introduction: Introduction, error: unknown): void {
    this.#waiting.delete(introduction);
    this.#refuse(introduction.connection, 'no-header', error);
    this.#completeIfDone();
  }

  /** One begins to shake hands. When too many do, the oldest goes, as with `listen`: it has had the longest. */
  shakes(introduction: Introduction): void {
    const [oldest] = this.#shaking;
    this.#shaking.add(introduction);
    if (oldest === undefined || this.#shaking.size <= (this.settings.tls?.maxHandshakes ?? 0)) return;
    oldest.giveUp();
    this.#unsecured(oldest, 'too-many-handshakes', new TlsFailed('ECANCELED'));
  }

  /** It has done so. */
  secured(introduction: Introduction): void {
    this.#shaking.delete(introduction);
    this.introduced(introduction);
  }

  unsecured(introduction: Introduction, error: unknown): void {
    const failure = error instanceof TlsFailed ? error : new TlsFailed(undefined, error);
    this.#unsecured(introduction, 'handshake-failed', failure);
  }

  /** They came to no terms: the connection is gone already, by an end. Under TLS there must be no reset. */
  #unsecured(introduction: Introduction, reason: 'handshake-failed' | 'too-many-handshakes', error: TlsFailed): void {
    this.#shaking.delete(introduction);
    if (!this.#waiting.delete(introduction)) return;
    this.#tell({ type: 'refused', peer: introduction.connection.peer, reason, error });
    this.#completeIfDone();
  }

  #refuse(connection: Connection, reason: 'untrusted' | 'no-header' | 'too-many-waiting', error?: unknown): void {
    const { peer } = connection;
    connection.abort();
    this.#tell({ type: 'refused', peer, reason, error });
  }

  #tell(event: ProxyProtocolEvent): void {
    tell('onEvent', this.settings.onEvent, event);
  }

  #completeIfDone(): void {
    if (this.#ended && this.#waiting.size === 0) this.#out.complete();
  }
}

/** Waits for the header of one connection, and shakes hands if it is to. */
class Introduction extends Subscriber<Uint8Array> {
  readonly connection: WireConnection;
  protected readonly reception: Reception;
  protected readonly frames: Deframer;
  protected readonly late: Alarm;
  /** The header is there, or will not be. */
  protected over = false;
  /** The handshake, where there is to be one. */
  protected readonly secured: Observable<never> | undefined;
  protected shaking: Subscription | undefined;

  constructor(connection: WireConnection, reception: Reception) {
    super();
    const { rule, deadline, tls } = reception.settings;
    const shake: Shake = (raw, done, failed) => tls?.shake(raw, Date.now(), done, failed);
    this.connection = connection;
    this.secured = tls && connection.secure(shake, tls.handshakeTimeout, 'first');
    this.reception = reception;
    this.frames = deframer(rule);
    // What has arrived by then is read first.
    const due = (): void =>
      reception.timetable.clock.afterReads(() => {
        if (!this.over) this.fail(new FrameTooSlow(deadline));
      });
    this.late = new Alarm(reception.timetable, { due });
  }

  /** In a scope of its own: a server that is busy reads headers all the same, or their time would run out. */
  listen(): void {
    this.late.set(this.reception.settings.deadline);
    inScope(openScope, () => this.connection.reads.subscribe(this));
  }

  /** Shakes hands, where that is to be, and then it is done. What the peer has said behind the header is for that. */
  secure(): void {
    const { reception, secured } = this;
    this.finish();
    if (secured === undefined) return reception.introduced(this);
    this.shaking = inScope(openScope, () =>
      secured.subscribe({
        complete: () => reception.secured(this),
        error: (error: unknown) => reception.unsecured(this, error),
      }),
    );
    if (!this.shaking.closed) reception.shakes(this);
  }

  /** Nobody wants it any more. */
  giveUp(): void {
    this.finish();
    // In the midst of a handshake the stream is destroyed, and not reset.
    if (this.shaking?.closed === false) this.shaking.unsubscribe();
    else this.connection.abort();
  }

  protected override _next(chunk: Uint8Array): void {
    let header: ProxyHeader | undefined;
    try {
      this.frames.push(chunk);
      header = this.header();
    } catch (error) {
      return this.fail(error);
    }
    if (header !== undefined) this.introduce(header);
  }

  protected override _error(error: unknown): void {
    this.fail(error);
  }

  protected override _complete(): void {
    this.fail(new TruncatedFrame(this.frames.held));
  }

  /** The header, once it is whole. */
  protected header(): ProxyHeader | undefined {
    const frame = this.frames.next();
    if (frame === undefined) return undefined;
    const read = proxyHeader.decode(frame);
    if (E.isLeft(read)) throw new MalformedFrame(reasons(read.left).join('; '));
    return read.right;
  }

  protected introduce(header: ProxyHeader): void {
    const { connection } = this;
    const { source, destination } = header;
    const known = source !== undefined && destination !== undefined;
    const [peer, local] = known ? [shown(source), shown(destination)] : [connection.peer, connection.local];
    connection.introduce(peer, local, header);
    connection.handBack(this.frames.rest());
    this.unsubscribe();
    this.secure();
  }

  /** The connection is reset: that ends the reading too. */
  protected fail(error: unknown): void {
    if (this.over) return;
    this.finish();
    this.reception.failed(this, error);
  }

  protected finish(): void {
    this.over = true;
    this.late.clear();
  }
}

const shown = (end: ProxyEnd): string => {
  if ('host' in end) return hostAndPort(end.host, end.port);
  return end.path === '' ? 'unix' : end.path;
};
