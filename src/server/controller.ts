import * as E from 'fp-ts/lib/Either.js';
import { Observable, Subject, defer, filter, from } from 'rxjs';
import { pauseWhile } from '../../operators/pause-while.js';
import { serve } from '../../operators/serve.js';
import { checkBoolean, checkFunction, checkObject, checkOneOf, checkText, checkTime } from '../check.js';
import { checkPlace, placeName } from '../connection/address.js';
import type { Connection } from '../connection/connection.js';
import type { ListenAddress, ListenEvent } from '../connection/listen.js';
import { errorName } from '../error-name.js';
import { FrameTooLong, MalformedFrame, SluiceError } from '../errors.js';
import { flow } from '../flow/scope.js';
import { Valve } from '../flow/valve.js';
import { warnUnreached } from '../flow/warning.js';
import { tell } from '../hook.js';
import { POLICIES } from '../source/mailbox.js';
import { Alarm as Timer, type Timetable, timetableOf } from '../time/timetable.js';
import { Admission } from './admission.js';
import { type Alarm, type AlarmThresholds, type Look, alarmsOf } from './alarms.js';
import { Announced } from './changing.js';
import { type Client, type Host, ServedClient } from './client.js';
import { type ConnectOptions, type Dialled, DialledPeer } from './dialled.js';
import { Events, type RefusedReason, type ServerEvent } from './events.js';
import { LINGER, sayFarewell } from './farewell.js';
import type { ServerLimits } from './limits.js';
import type { Outcome } from './outcome.js';
import type { Parcel } from './outbox.js';
import { Clients } from './registry.js';
import type { StopReport } from './report.js';
import type { AddressRules } from './rules.js';
import { Run } from './run.js';
import type { BroadcastOptions, DisconnectOptions, Server, ServerState, StopOptions } from './server.js';
import type { Setup } from './setup.js';
import { type ServerStatistics, Totals } from './statistics.js';

/** How often rates and alarms are looked at, in milliseconds. */
const EVERY = 1_000;

/** How many who have to go, or may not come in, hear a last word at the same time. A flood of more is reset. */
const LAST_WORDS = 64;

const NOTHING_TO_STOP: StopReport = { ended: 0, cut: [], took: 0 };

/** @internal A server: puts the parts together, and keeps them in step. */
export class Controller<B> implements Server<B> {
  readonly name: string;
  readonly state = new Announced<ServerState>({
    initialized: true,
    running: false,
    accepting: true,
    listening: true,
    draining: false,
    multiThreaded: false,
  });
  readonly clients = new Clients();
  readonly events: Observable<ServerEvent>;
  readonly outcomes: Observable<Outcome>;
  readonly #setup: Setup<B>;
  readonly #events: Events;
  readonly #outcomes = new Subject<Outcome>();
  readonly #looks = new Subject<Look>();
  readonly #admission: Admission;
  readonly #totals = new Totals(this.clients);
  readonly #dials = new Set<DialledPeer>();
  readonly #dialledAs = new WeakMap<Connection, DialledPeer>();
  /** Those who were refused, and are hearing a last word. */
  readonly #refused = new Set<Connection>();
  /** Closed while somebody is full for whom a broadcast is to wait. */
  readonly #slow = new Valve();
  #slowClients = 0;
  readonly #host: Host;
  #run: Run | undefined;
  #address: ListenAddress | undefined;
  #timetable: Timetable;
  #ticker: Timer | undefined;
  #lookedAt = 0;

  constructor(setup: Setup<B>) {
    this.#setup = setup;
    this.name = setup.name;
    this.#events = new Events(setup.name);
    this.events = this.#events.stream;
    this.outcomes = this.#outcomes.asObservable();
    this.#admission = new Admission(setup.limits, this.clients);
    this.#timetable = timetableOf(setup.scheduler);
    this.#host = {
      events: this.#events,
      idleAfter: setup.idleAfter,
      limits: () => this.limits,
      highWater: setup.highWater,
      oneIsFull: () => this.#oneIsFull(),
      oneCaughtUp: () => this.#oneCaughtUp(),
      now: () => this.#timetable.now(),
      pauses: (byItself) => !this.state.value.draining && (byItself || !this.state.value.listening),
      guards: (client, guarded) => this.#admission.guards(client, guarded),
      named: (client, before) => this.clients.rename(client, before),
      entered: (client, room) => this.clients.enter(client, room),
      exited: (client, room) => this.clients.exit(client, room),
      tagged: (client, tag) => this.clients.tag(client, tag, this.limits.maxPerTag),
      untagged: (client, tag) => this.clients.untag(client, tag),
    };
  }

  get address(): ListenAddress | undefined {
    return this.#address;
  }

  /** How it is shown by `console.log`. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Server ${this.name} (${this.#address?.name ?? 'not running'})`;
  }

  // -- its life ------------------------------------------------------------------------------------------------------

  start(): Promise<ListenAddress> {
    if (this.state.value.draining) {
      return Promise.reject(new Error(`server ${this.name} is stopping: it can be started when stop() is done`));
    }
    return (this.#run ?? this.#begin()).listening;
  }

  stop(options: StopOptions = {}): Promise<StopReport> {
    const ms = checkTime('drain', checkObject('options', options).drain ?? this.#setup.drain, 0);
    return this.#run?.stop(ms) ?? Promise.resolve(NOTHING_TO_STOP);
  }

  abort(): Promise<StopReport> {
    return this.#run?.abort(this.#setup.drain) ?? Promise.resolve(NOTHING_TO_STOP);
  }

  #begin(): Run {
    const { scheduler, place } = this.#setup;
    // Anew each time: in a test, time is another's.
    const timetable = (this.#timetable = timetableOf(scheduler));
    this.#ticker = new Timer(timetable, { due: () => this.#tick() });
    this.#admission.goBy(timetable);
    const run = new Run({
      scheduler,
      place,
      clients: this.clients,
      accepted: (onListening) => this.#accepted(onListening),
      serving: serve((bytes, connection) => this.#served(bytes, connection)),
      listening: (address) => this.#listening(address),
      outcome: (outcome) => this.#left(outcome),
      stopping: () => {
        this.#turn({ draining: true });
        for (const dialled of this.#dials) dialled.end();
      },
      // What had come is answered: nobody stays paused over it.
      closing: () => this.#refreshPauses(),
      over: (report) => {
        this.#over();
        this.#events.tell('drained', { report });
      },
      failed: (error) => {
        for (const { connection } of this.clients) this.#left(E.left({ connection, error }));
        this.#over();
        this.#events.tell('failed', { error });
      },
    });
    this.#run = run;
    run.begin();
    return run;
  }

  #listening(address: ListenAddress): void {
    this.#address = address;
    this.#totals.startedAt = Date.now();
    this.#totals.begin();
    this.#lookedAt = this.#timetable.now();
    this.#ticker?.set(EVERY);
    this.#turn({ running: true });
    this.#events.tell('listening', { address });
    tell('onListening', this.#setup.onListening, address);
  }

  #over(): void {
    this.#ticker?.clear();
    this.#admission.goBy(null);
    for (const dialled of this.#dials) dialled.end();
    for (const connection of this.#refused) connection.abort();
    if (this.state.value.running) this.#look(Math.max(EVERY, this.#timetable.now() - this.#lookedAt));
    this.#totals.begin();
    this.#run = this.#address = undefined;
    this.#turn({ running: false, draining: false });
  }

  #turn(change: Partial<ServerState>): void {
    const before = this.state.value;
    const changed = Object.entries(change).some(([key, value]) => before[key as keyof ServerState] !== value);
    if (changed) this.state.set({ ...before, ...change });
  }

  #tick(): void {
    const now = this.#timetable.now();
    this.#ticker?.set(EVERY);
    this.#look(now - this.#lookedAt);
    this.#lookedAt = now;
  }

  #look(ms: number): void {
    const seconds = ms / 1_000;
    this.#totals.look(seconds);
    if (this.#looks.observed) this.#looks.next({ statistics: this.statistics, seconds });
  }

  // -- who comes -----------------------------------------------------------------------------------------------------

  pauseAccepting(): void {
    this.#accept(false);
  }

  resumeAccepting(): void {
    this.#accept(true);
  }

  get limits(): ServerLimits {
    return this.#admission.limits;
  }

  setLimits(limits: Partial<ServerLimits>): void {
    this.#admission.change(limits);
    const { writeLimit, readLimit, framesPerTurn } = this.limits;
    Object.assign(this.#setup.connections, { writeLimit, readLimit, framesPerTurn });
  }

  get rules(): AddressRules {
    return this.#admission.rules;
  }

  #accept(accepting: boolean): void {
    this.#admission.pause(!accepting);
    this.#turn({ accepting });
  }

  #accepted(onListening: (address: ListenAddress) => void): Observable<Connection> {
    const onEvent = (event: ListenEvent): void => {
      if (event.type === 'refused') this.#tellRefused(event.peer, event.reason);
      else this.#events.tell('accept-failed', { code: event.code, wait: event.wait });
      tell('onEvent', this.#setup.onEvent, event);
    };
    return this.#setup.listen({ onListening, onEvent }).pipe(
      pauseWhile(this.#admission.closed),
      filter((connection) => this.#isLetIn(connection)),
    );
  }

  #isLetIn(connection: Connection): boolean {
    const reason = this.#admission.judge(connection.peer, (client) => {
      const flush = client.connection.statistics.buffered === 0 && this.#admission.leaving < LAST_WORDS;
      this.disconnect(client, { reason: 'made room for another', flush });
    });
    if (reason === undefined) return true;
    this.#refused.add(connection);
    connection.closed.subscribe({ complete: () => this.#refused.delete(connection) });
    const denied = reason === 'denied' || reason === 'not-allowed';
    if (denied || this.#refused.size > LAST_WORDS) connection.abort();
    else sayFarewell(connection, this.#setup.farewell);
    this.#tellRefused(connection.peer, reason);
    return false;
  }

  #tellRefused(address: string, reason: RefusedReason): void {
    this.#totals.refused++;
    this.#events.tell('refused', { address, reason });
  }

  // -- who is there --------------------------------------------------------------------------------------------------

  /** Serves a connection: what its handler answers, and what is sent to it besides. */
  #served(bytes: Observable<Uint8Array>, connection: Connection): Observable<Uint8Array> {
    return new Observable((out) => {
      const client = new ServedClient(connection, this.#dialledAs.has(connection) ? 'active' : 'passive', this.#host);
      client.opens(out);
      this.#joined(client);
      defer(() => from(this.#setup.handler(client.heard(bytes), connection, client))).subscribe(out);
    });
  }

  #joined(client: ServedClient): void {
    this.clients.add(client);
    this.#totals.joined(client.opener);
    this.#admission.joined(client);
    this.#events.tell('connected', { client });
  }

  #left(outcome: Outcome): void {
    const connection = E.isLeft(outcome) ? outcome.left.connection : outcome.right;
    const client = this.clients.get(connection.id);
    // One that was gone before it was served was never there.
    if (client?.connection === connection) this.#takeOut(client, outcome);
    this.#outcomes.next(outcome);
  }

  #takeOut(client: ServedClient, outcome: Outcome): void {
    const error = E.isLeft(outcome) ? outcome.left.error : undefined;
    if (error instanceof FrameTooLong || error instanceof MalformedFrame) client.framesRefused++;
    client.left();
    this.#totals.left(client);
    this.clients.remove(client);
    if (E.isLeft(outcome) && !(error instanceof SluiceError)) {
      this.#totals.handlerErrors++;
      this.#events.tell('handler-error', { client, error });
    }
    const reason = client.leaving ?? (E.isLeft(outcome) ? errorName(error) : 'finished');
    this.#events.tell('disconnected', { client, reason, error });
    // Last of all: somebody who has waited may come in.
    this.#admission.left(client);
  }

  get statistics(): ServerStatistics {
    return this.#totals.statistics;
  }

  alarms(thresholds: AlarmThresholds): Observable<Alarm> {
    return alarmsOf(this.#looks, thresholds);
  }

  // -- what is done to them ------------------------------------------------------------------------------------------

  pauseListening(client?: Client): void {
    this.#listen(false, client);
  }

  resumeListening(client?: Client): void {
    this.#listen(true, client);
  }

  send(client: Client, message: B): boolean {
    return this.#known(client).send(() => ({ message, bytes: this.#setup.encode(message) }));
  }

  broadcast(message: B, options: BroadcastOptions = {}): number {
    const { to, except, policy = 'drop-oldest' } = checkObject('options', options);
    checkOneOf('policy', policy, POLICIES);
    // A copy of its own: who is slow is not to keep the block of memory that it may be cut from.
    const parcel: Parcel = { message, bytes: this.#setup.encode(message).slice() };
    const left = new Set(toSkip(except));
    if (policy === 'pause') flow.emitting?.join(this.#slow);
    let count = 0;
    for (const client of this.#audience(to)) if (!left.has(client) && client.offer(parcel, policy)) count++;
    return count;
  }

  disconnect(client: Client, options: DisconnectOptions = {}): void {
    const { reason = 'disconnected', flush = true } = checkObject('options', options);
    const known = this.#known(client);
    checkText('reason', reason);
    checkBoolean('flush', flush);
    this.#dialledAs.get(known.connection)?.end();
    if (known.gone) return;
    known.leaving ??= reason;
    if (flush) known.connection.end({ linger: LINGER });
    else known.connection.abort();
    this.#admission.leaves(known);
  }

  #known(client: Client): ServedClient {
    if (client instanceof ServedClient && client.isOf(this.#host)) return client;
    const got = client instanceof ServedClient ? 'one of another' : typeof client;
    throw new TypeError(`client must be one of server ${this.name}, got ${got}`);
  }

  #audience(to: BroadcastOptions['to']): Iterable<ServedClient> {
    if (to === undefined) return this.clients;
    if (typeof to === 'string') return this.clients.in(to);
    return [...this.clients].filter(checkFunction('to', to));
  }

  #listen(listening: boolean, client: Client | undefined): void {
    if (client !== undefined) return this.#known(client).pause(!listening);
    this.#turn({ listening });
    this.#refreshPauses();
  }

  #refreshPauses(): void {
    for (const client of this.clients) client.refreshPause();
  }

  #oneIsFull(): void {
    this.#slowClients++;
    this.#slow.close();
    if (!this.#slow.reached) warnUnreached('broadcast');
  }

  #oneCaughtUp(): void {
    if (--this.#slowClients === 0) this.#slow.open();
  }

  // -- whom it dials -------------------------------------------------------------------------------------------------

  connect(host: string, port: number, options: ConnectOptions = {}): Dialled {
    const { onState, reconnect = true, ...rest } = checkObject('options', options);
    const { running, draining } = this.state.value;
    if (!running || draining) throw new Error(`server ${this.name} does not run: connect needs it started`);
    const place = checkPlace({ host, port }, 1);
    const dialled = new DialledPeer(placeName(place), {
      clientOf: (connection) => {
        const client = this.clients.get(connection.id);
        return client?.connection === connection ? client : undefined;
      },
      take: (self, connection) => {
        this.#dialledAs.set(connection, self);
        this.#run?.take(connection);
      },
      told: (self, state) => this.#events.tell('dial', { dialled: self, state }),
      over: (self) => this.#dials.delete(self),
      disconnect: (client) => this.disconnect(client),
    });
    const connections = this.#setup.dial({ ...rest, ...place, reconnect, onState: dialled.hears(onState) });
    this.#dials.add(dialled);
    dialled.begin(connections);
    return dialled;
  }

  get dials(): readonly Dialled[] {
    return [...this.#dials];
  }
}

const toSkip = (except: BroadcastOptions['except']): Iterable<Client> => {
  if (except === undefined) return [];
  return Symbol.iterator in checkObject('except', except) ? (except as Iterable<Client>) : [except as Client];
};
