import * as E from 'fp-ts/lib/Either.js';
import { Observable, type OperatorFunction, Subject, Subscription } from 'rxjs';
import { serve } from '../../operators/serve.js';
import { checkText } from '../check.js';
import {
  type Connection,
  type ConnectionLimits,
  type ConnectionOptions,
  WireConnection,
  connectionLimits,
  inForce,
} from '../connection/connection.js';
import type { Outcome } from '../server/outcome.js';
import type { Server } from '../server/server.js';
import { difference, sameValue, shownRow, valueDifference } from './compare.js';
import { type Mark, type RowKind, type Values, readDiagram, shownTime } from './diagram.js';
import { ending } from './ending.js';
import { FaultList } from './faults/fault-list.js';
import { type NetworkOptions, networkOf, shownNetwork } from './network.js';
import type { NetworkWire } from './network-wire.js';
import { rowsOf } from './of-rxjs.js';
import { probeOf } from './probe-of.js';
import { receivedRow } from './received-row.js';
import { ScriptedClient } from './scripted-client.js';
import type { MarblesOptions, Story, Teller } from './story.js';
import { StoryFailed } from './story-failed.js';
import { StoryPort } from './story-port.js';
import { VirtualTime } from './virtual-time.js';

/** Tells a story from its beginning to its end, and fails with all that is wrong with it. */
export const tell = (story: Teller, options: MarblesOptions): Promise<void> => {
  const telling = new Telling(options);
  return telling.time.inside(() => telling.tell(story));
};

/** What is expected of a row, and how what came of it differs from that. */
interface Expectation {
  readonly name: string;
  readonly differs: () => string | undefined;
}

/** How the server's connection to a client ended. */
interface Ending {
  readonly at: number;
  readonly name: string;
  readonly how: string;
}

/** An observable of the story's own, with the times at which it was subscribed to. */
interface Source {
  readonly name: string;
  readonly subscriptions: readonly { readonly subscribedFrame: number; readonly unsubscribedFrame: number }[];
}

class Telling {
  readonly time: VirtualTime;
  readonly #options: MarblesOptions;
  readonly #accepted = new Subject<Connection>();
  readonly #clients = new Map<string, ScriptedClient>();
  /** What goes wrong on the network of all clients, and on that of each. */
  readonly #faults = new FaultList();
  readonly #faultsOf = new Map<string, FaultList>();
  /** The server's side of them. */
  readonly #connections = new Map<string, Connection>();
  readonly #expectations: Expectation[] = [];
  readonly #endings: Ending[] = [];
  readonly #opened: Mark[] = [];
  readonly #meantOpen = new Set<string>();
  /** Expectations of observables that say nothing yet. */
  readonly #unsaid = new Set<{ readonly name: string }>();
  readonly #sources: Source[] = [];
  /** What the expectations of observables listen to. */
  readonly #listening = new Subscription();
  readonly #wrong: string[] = [];
  #serving: Subscription | null = null;
  /** A server that was started, and the port that it listens on. */
  #started: Pick<Server, 'abort'> | null = null;
  readonly #acceptor = new StoryPort((wire, options) => this.#open(wire, options));
  /** What a protocol says only to be heard. */
  #probe: Uint8Array | undefined;
  #passing: Promise<void> | null = null;
  #length = 0;

  constructor(options: MarblesOptions) {
    this.#options = options;
    this.time = new VirtualTime((was, should) => {
      const { name, actual, expected } = rowsOf(was, should);
      this.#wrong.push(...some(difference(name, actual, expected)));
    });
  }

  async tell(story: Teller): Promise<void> {
    try {
      await this.#begin(story);
      // What happens in the last millisecond of the longest row happens.
      await this.time.playTo(Math.max(this.#length, this.time.now()));
      this.#judge();
      await this.#end();
      this.#judgeWhatIsLeft();
    } finally {
      this.#hangUp();
    }
    if (this.#wrong.length > 0) throw new StoryFailed([...this.#wrong, ...this.#networks()].join('\n\n'));
  }

  /** Tells the story to its last line. It may wait for nothing but time that it lets pass itself. */
  async #begin(story: Teller): Promise<void> {
    const progress = { over: false };
    const end = (): void => {
      progress.over = true;
    };
    const told = (async () => story(this.#helpers()))();
    told.then(end, end);
    await this.time.settle();
    while (!progress.over || this.#passing !== null) {
      if (this.#passing === null) {
        throw new StoryFailed(
          "the story awaits something that does not come while time stands still: await pass('10s') lets time pass",
        );
      }
      // oxlint-disable-next-line no-await-in-loop
      await this.#passing;
      // oxlint-disable-next-line no-await-in-loop
      await this.time.settle();
    }
    await told;
  }

  // -- what the story says -------------------------------------------------------------------------------------------

  #helpers(): Story {
    const { time } = this;
    return {
      cold: (diagram, ...rest) => this.#source('cold', diagram, time.createColdObservable(diagram, ...rest)),
      hot: (diagram, ...rest) => this.#source('hot', diagram, time.createHotObservable(diagram, ...rest)),
      time: endOfDiagram,
      expectObservable: (observable, subscription) => {
        const said = this.#says('expectObservable');
        const expected = time.expectObservable(this.#heard(observable), subscription);
        return {
          toBe: (diagram, ...rest) => {
            this.#lasts(diagram);
            said(() => expected.toBe(diagram, ...rest));
          },
          toEqual: (other) => said(() => expected.toEqual(this.#heard(other))),
        };
      },
      expectSubscriptions: (logs) => {
        const said = this.#says('expectSubscriptions');
        const expected = time.expectSubscriptions(logs);
        return { toBe: (diagrams) => said(() => expected.toBe(diagrams)) };
      },
      serve: (handler, options) => {
        this.#serve(serve(handler, options));
        this.#probe = probeOf(handler);
      },
      serveWith: (serving) => this.#serve(serving),
      listen: (options) => this.#acceptor.listen(options),
      start: (server) => this.#start(server),
      client: (name, diagram, values, network) => this.#client(name, diagram, values, network),
      faults: (name) => (name === undefined ? this.#faults : this.#faultsOfKnown(name)),
      expectReceived: (name, diagram, values, rule) => {
        const { received } = this.#known(name);
        this.#expect('what a client receives', receivedBy(name), diagram, values, () => receivedRow(received, rule));
      },
      expectClosed: (name, diagram, values) => {
        this.#known(name);
        this.#expect('what is reported', endOf(name), diagram, values, () => this.#endsOf(name));
      },
      expectOutcomes: (diagram, values) =>
        this.#expect('what is reported', OUTCOMES, diagram, values, () =>
          this.#endings.map(({ at, name, how }) => reported(at, `${name} ${how}`)),
        ),
      expectOpened: (diagram, values) =>
        this.#expect('what is reported', 'opened', diagram, values, () => this.#opened),
      expectHeard: (name, content) => {
        const { received } = this.#known(name);
        const row = receivedBy(name);
        this.#expectations.push({ name: row, differs: () => valueDifference(row, allBytes(received), content) });
      },
      expectEnding: (name, how) => {
        this.#known(name);
        const row = endOf(name);
        this.#expectations.push({
          name: row,
          differs: () => valueDifference(row, this.#endsOf(name).at(-1)?.value, how),
        });
      },
      expectOpen: (name) => {
        this.#known(name);
        this.#meantOpen.add(name);
      },
      pass: (diagram) => this.#pass(readDiagram('a time', diagram).length),
    };
  }

  #serve(serving: OperatorFunction<Connection, Outcome>): void {
    this.#hear(this.#accepted.pipe(serving));
  }

  #start(server: Pick<Server, 'start' | 'abort' | 'outcomes'>): void {
    this.#hear(server.outcomes);
    this.#started = server;
    server.start().catch((error: unknown) => this.#wrong.push(`the server did not start: ${String(error)}`));
  }

  #hear(outcomes: Observable<Outcome>): void {
    if (this.#serving !== null) throw new Error('a story has one server: serve or start was called before');
    this.#serving = outcomes.subscribe((outcome) => {
      const connection = E.isLeft(outcome) ? outcome.left.connection : outcome.right;
      this.#endings.push({ at: this.time.now(), name: this.#nameOf(connection), how: ending(outcome) });
    });
  }

  #client(name: string, diagram: string, values?: Values, own?: NetworkOptions): void {
    checkText('name', name);
    if (this.#clients.has(name)) throw new Error(`the story has a client ${name} already`);
    const row = readDiagram('what a client does', diagram, values);
    const network = networkOf({ ...this.#options, ...own });
    const faults = new FaultList();
    const accept = (wire: NetworkWire): void => this.#accept(name, wire);
    this.#clients.set(name, new ScriptedClient(name, row, this.time, network, [this.#faults, faults], accept));
    this.#faultsOf.set(name, faults);
    this.#length = Math.max(this.#length, this.time.now() + row.length);
  }

  #accept(name: string, wire: NetworkWire): void {
    if (this.#serving === null) throw new StoryFailed(`${name} connects, and nobody serves: call serve first`);
    if (this.#started === null) this.#accepted.next(this.#open(wire, {}));
    else this.#acceptor.accept(wire);
  }

  #open(wire: NetworkWire, options: ConnectionOptions): Connection {
    const connection = new WireConnection(wire, this.#limitsOf(options));
    // Counted from 1 in each story, so that the same story is the same story.
    Object.assign(connection, { id: this.#opened.length + 1 });
    this.#opened.push(reported(this.time.now(), wire.peer));
    this.#connections.set(wire.peer, connection);
    return connection;
  }

  /** What a server can change is in force, unless the story has limits of its own. */
  #limitsOf(options: ConnectionOptions): ConnectionLimits {
    const { connection } = this.#options;
    return connectionLimits(connection === undefined ? options : { ...connection, ...options, [inForce]: undefined });
  }

  /** Which client a connection is of, whatever a proxy says. */
  #nameOf({ id, peer }: Connection): string {
    for (const [name, connection] of this.#connections) if (connection.id === id) return name;
    return peer;
  }

  #known(name: string): ScriptedClient {
    const client = this.#clients.get(name);
    if (client !== undefined) return client;
    throw new Error(`the story has no client ${name}; it has ${[...this.#clients.keys()].join(', ') || 'none'}`);
  }

  #faultsOfKnown(name: string): FaultList {
    this.#known(name);
    return this.#faultsOf.get(name) as FaultList;
  }

  #expect(
    kind: RowKind,
    name: string,
    diagram: string,
    values: Values | undefined,
    actual: () => readonly Mark[],
  ): void {
    const { marks, length } = readDiagram(kind, diagram, values);
    this.#expectations.push({ name, differs: () => difference(name, actual(), marks) });
    this.#length = Math.max(this.#length, length);
  }

  #pass(ms: number): Promise<void> {
    if (this.#passing !== null) throw new Error('time passes already: await one pass before the next');
    this.#passing = this.time.playTo(this.time.now() + ms).finally(() => {
      this.#passing = null;
    });
    return this.#passing;
  }

  #source<A extends Omit<Source, 'name'>>(kind: 'hot' | 'cold', diagram: string, source: A): A {
    this.#sources.push({ name: `${kind}('${diagram.trim()}')`, subscriptions: source.subscriptions });
    return source;
  }

  /** The observable, listened to until the story ends and no longer. */
  #heard<A>(observable: Observable<A>): Observable<A> {
    return new Observable((out) => {
      const listening = observable.subscribe(out);
      this.#listening.add(listening);
      return listening;
    });
  }

  /** An expectation of an observable is in two parts. Notes that the first was said; the second takes the note away. */
  #says(name: string): (second: () => void) => void {
    const note = { name };
    this.#unsaid.add(note);
    return (second) => {
      this.#unsaid.delete(note);
      second();
    };
  }

  /** The story lasts as long as the diagram of an observable. */
  #lasts(diagram: string): void {
    this.#length = Math.max(this.#length, ...framesOf(diagram).map(({ frame }) => frame));
  }

  // -- what came of it -----------------------------------------------------------------------------------------------

  #endsOf(client: string): Mark[] {
    return this.#endings.filter(({ name }) => name === client).map(({ at, how }) => reported(at, how));
  }

  #judge(): void {
    for (const { differs } of this.#expectations) this.#wrong.push(...some(differs()));
    for (const client of this.#clients.values())
      this.#wrong.push(...this.#unasserted(client), ...this.#leftOpen(client));
    for (const { name } of this.#unsaid) this.#wrong.push(`${name} asserts nothing: it wants a toBe`);
  }

  #asserted(...names: readonly string[]): boolean {
    return this.#expectations.some(({ name }) => names.includes(name));
  }

  /** Rows in which something happened that nobody asked about. */
  #unasserted({ name, received }: ScriptedClient): string[] {
    const wrong: string[] = [];
    const row = receivedRow(received);
    const said = row.some(({ sign, value }) => sign === 'value' && !sameValue(value, this.#probe));
    if (said && !this.#asserted(receivedBy(name))) {
      wrong.push(`what ${name} received is not asserted (expectReceived)\n  was  ${shownRow(row)}`);
    }
    const ends = this.#endsOf(name);
    if (ends.length > 0 && !this.#asserted(endOf(name), OUTCOMES)) {
      wrong.push(`how ${name}'s connection ended is not asserted (expectClosed)\n  was  ${shownRow(ends)}`);
    }
    return wrong;
  }

  #leftOpen({ name, open }: ScriptedClient): string[] {
    const meant = this.#meantOpen.has(name);
    const connection = this.#connections.get(name);
    // One that was refused has no outcome.
    const over = this.#endsOf(name).length > 0 || connection?.state === 'closed';
    if (open && !over && !meant) return [`${name} is left connected: end it (|), or say expectOpen('${name}')`];
    if ((!open || over) && meant) return [`${name} is not connected at the end, and expectOpen says that it is`];
    if (open || over || connection === undefined) return [];
    return [`${name} has gone, and the server's connection to it is left open: its handler goes on`];
  }

  /** Everybody leaves, and what follows from that happens. */
  async #end(): Promise<void> {
    this.#hangUp();
    try {
      await this.time.playTo(this.time.now() + 1);
    } catch (error) {
      // What is wrong already is likely to be the reason.
      if (this.#wrong.length === 0) throw error;
    }
  }

  #hangUp(): void {
    this.#listening.unsubscribe();
    this.#serving?.unsubscribe();
    void this.#started?.abort();
    for (const client of this.#clients.values()) client.vanish();
  }

  /** What goes on although everybody has gone, and what RxJS's own expectations say. */
  #judgeWhatIsLeft(): void {
    for (const timer of this.time.timers) this.#wrong.push(`a timer is left, ${timer}`);
    for (const { name, subscriptions } of this.#sources) {
      const left = subscriptions.find(({ unsubscribedFrame }) => unsubscribedFrame === Infinity);
      if (left !== undefined) {
        this.#wrong.push(`${name} is left subscribed to, since ${shownTime(left.subscribedFrame)}`);
      }
    }
    this.time.actions.length = 0;
    this.time.flush();
  }

  #networks(): string[] {
    const { connection: _, ...network } = this.#options;
    const all = shownNetwork(network);
    return all === '' ? [] : [`network: ${all}`];
  }
}

/** What RxJS reads in a diagram. */
const framesOf = (diagram: string): ReturnType<typeof VirtualTime.parseMarbles> =>
  VirtualTime.parseMarbles(diagram, undefined, undefined, true, true);

/** As RxJS's `time`, which takes `10s` for three milliseconds. */
const endOfDiagram = (diagram: string): number => {
  const end = framesOf(diagram).find(({ notification }) => notification.kind === 'C');
  if (end === undefined) throw new SyntaxError(`time wants a diagram with an end (|), got ${diagram}`);
  return end.frame;
};

/** Something that is reported, as it stands in a row. */
const reported = (at: number, value: string): Mark => ({ at, sign: 'value', symbol: '?', value });

const OUTCOMES = 'outcomes';
const receivedBy = (name: string): string => `received by ${name}`;
const endOf = (name: string): string => `end of ${name}`;

const some = (wrong: string | undefined): readonly string[] => (wrong === undefined ? [] : [wrong]);

const allBytes = (received: readonly Mark[]): Uint8Array =>
  Buffer.concat(received.flatMap(({ sign, value }) => (sign === 'value' ? [value as Uint8Array] : [])));
