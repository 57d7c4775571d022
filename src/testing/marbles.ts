import * as E from 'fp-ts/lib/Either.js';
import { type OperatorFunction, Subject, type Subscription } from 'rxjs';
import type { RunHelpers } from 'rxjs/testing';
import { type Connection, type ConnectionOptions, WireConnection, connectionLimits } from '../connection/connection.js';
import { serve as serveOperator, type ServeOptions } from '../../operators/serve.js';
import { type Rule } from '../framing/rule.js';
import { deframer } from '../framing/deframer.js';
import type { Handled, Handler, Outcome } from '../server/outcome.js';
import { difference, sameValue, shownValue } from './compare.js';
import { type Mark, type Row, type Values, drawRows, readDiagram } from './diagram.js';
import { type Network, type NetworkOptions, networkOf } from './network.js';
import { ScriptedClient } from './scripted-client.js';
import { VirtualTime } from './virtual-time.js';

/** What stands in a story: who serves, what the clients do and when, and what must come of it. */
export interface Story extends Pick<RunHelpers, 'cold' | 'hot' | 'expectObservable' | 'expectSubscriptions'> {
  /** Serves every client of the story: a handler, or a `protocol`. Once a story. */
  readonly serve: (handler: Handler | Handled, options?: ServeOptions) => void;
  /** The same with an operator from connections to outcomes, such as `drain(...)`. */
  readonly serveWith: (serving: OperatorFunction<Connection, Outcome>) => void;
  /** A client, and what it does and when. A letter that `values` does not name is sent as itself. */
  readonly client: (name: string, diagram: string, values?: Values, network?: NetworkOptions) => void;
  /**
   * What a client must receive, and when: bytes (or their text), all that comes in one millisecond as one value; with
   * a `rule`, the frames that it cuts, each a value. `|` is the server's end, `#` a reset.
   */
  readonly expectReceived: (name: string, diagram: string, values?: Values, rule?: Rule) => void;
  /** How and when a client's connection must end: the `_tag` or name of the error, or `finished`. */
  readonly expectClosed: (name: string, diagram: string, values?: Values) => void;
  /** All endings in their order: `ann PeerIdle`, `bob finished`. */
  readonly expectOutcomes: (diagram: string, values?: Values) => void;
  /** When connections are opened, by the names of the clients. */
  readonly expectOpened: (diagram: string, values?: Values) => void;
  /** A client whose connection is meant to be open when the story ends. */
  readonly expectOpen: (name: string) => void;
  /** How long a diagram is, in milliseconds. */
  readonly time: (diagram: string) => number;
  /** Lets so much of the story happen now: `await pass('10s')`. */
  readonly pass: (diagram: string) => Promise<void>;
}

/** How stories are told: what the network does, and what can be set for the server's connections. */
export interface MarblesOptions extends NetworkOptions {
  /** Options of every connection on the server's side. */
  readonly connection?: Omit<ConnectionOptions, 'scheduler'>;
}

/** Thrown for a story that did not come out: all that is wrong with it, one below the other. */
export class StoryFailed extends Error {
  override readonly name = 'StoryFailed';
}

/**
 * Tells a story in virtual time: servers and their clients over a network in memory, in a test that takes milliseconds.
 *
 *     test('says goodbye', marbles(({ serve, client, expectReceived, expectClosed }) => {
 *       serve(echo);
 *       client('ann', '        --a--b--|', { a: 'hi', b: 'ho' });
 *       expectReceived('ann', '--a--b--|', { a: 'hi', b: 'ho' });
 *       expectClosed('ann', '  --------x', { x: 'finished' });
 *     }));
 *
 * Gives a function for any test runner. Handlers may await: microtasks run dry before time moves. The story fails when a
 * row differs, when something a client received or a connection's end was never asserted, when a connection, a timer or
 * a subscription is left open, and at once when it waits for something real. `diagram.ts` has the signs in a table.
 */
export const marbles =
  (story: (story: Story) => void | Promise<void>, options: MarblesOptions = {}) =>
  async (): Promise<void> => {
    await tell(story, options);
  };

/** How `everySplit` goes about it. */
export interface EverySplitOptions extends MarblesOptions {
  /** How many runs are split by chance, each by a seed of its own (default 8). */
  readonly random?: number;
}

/**
 * Tells a story once for each way in which the network may split the bytes: whole, byte by byte, by two, three and five,
 * joined, and by chance. The rows must be the same every time. A failure names the split.
 */
export const everySplit =
  (story: (story: Story) => void | Promise<void>, { random = 8, ...options }: EverySplitOptions = {}) =>
  async (): Promise<void> => {
    const first = options.seed ?? 1;
    const ways: NetworkOptions[] = [
      {},
      ...[1, 2, 3, 5].map((split) => ({ split })),
      { coalesce: true },
      ...Array.from({ length: random }, (_, index) => ({ split: 'random' as const, seed: first + index })),
    ];
    for (const way of ways) {
      try {
        // One after another: each has the whole of time to itself.
        // oxlint-disable-next-line no-await-in-loop
        await tell(story, { ...options, ...way });
      } catch (error) {
        if (error instanceof StoryFailed) throw new StoryFailed(`split ${JSON.stringify(way)}: ${error.message}`);
        throw error;
      }
    }
  };

const tell = async (story: (story: Story) => void | Promise<void>, options: MarblesOptions): Promise<void> => {
  const time = new VirtualTime((actual, expected) => {
    if (!sameValue(actual, expected)) {
      throw new StoryFailed(
        `an observable differs\n  was       ${shownValue(actual)}\n  expected  ${shownValue(expected)}`,
      );
    }
  });
  await time.inside(async () => {
    const telling = new Telling(time, options);
    await story(telling.helpers());
    await telling.end();
  });
};

/** What is expected of a row, and what to compare it with. */
interface Expectation {
  readonly name: string;
  readonly row: Row;
  readonly actual: () => readonly Mark[];
}

class Telling {
  readonly #time: VirtualTime;
  readonly #network: Network;
  readonly #connection: ConnectionOptions;
  readonly #options: MarblesOptions;
  readonly #accepted = new Subject<Connection>();
  readonly #clients = new Map<string, ScriptedClient>();
  readonly #names = new Map<Connection, string>();
  readonly #expectations: Expectation[] = [];
  readonly #asserted = new Set<string>();
  readonly #outcomes: Mark[] = [];
  readonly #opened: Mark[] = [];
  readonly #meantOpen = new Set<string>();
  #serving: Subscription | null = null;
  #length = 0;

  constructor(time: VirtualTime, { connection, ...options }: MarblesOptions) {
    this.#time = time;
    this.#options = options;
    this.#network = networkOf(options);
    this.#connection = { ...connection };
  }

  helpers(): Story {
    const time = this.#time;
    return {
      cold: time.createColdObservable.bind(time),
      hot: time.createHotObservable.bind(time),
      expectObservable: time.expectObservable.bind(time),
      expectSubscriptions: time.expectSubscriptions.bind(time),
      serve: (handler, options) => this.#serve(serveOperator(handler, options)),
      serveWith: (serving) => this.#serve(serving),
      client: (name, diagram, values, network) => this.#client(name, diagram, values, network),
      expectReceived: (name, diagram, values, rule) => {
        const client = this.#known(name);
        this.#expect(`received by ${name}`, diagram, values, () => inFrames(client.received, rule));
      },
      expectClosed: (name, diagram, values) => {
        this.#known(name);
        this.#asserted.add(`closed ${name}`);
        this.#expect(`end of ${name}`, diagram, values, () => this.#closings(name));
      },
      expectOutcomes: (diagram, values) => {
        this.#asserted.add('outcomes');
        this.#expect('outcomes', diagram, values, () => this.#outcomes);
      },
      expectOpened: (diagram, values) => this.#expect('opened', diagram, values, () => this.#opened),
      expectOpen: (name) => {
        this.#known(name);
        this.#meantOpen.add(name);
      },
      time: (diagram) => readDiagram(diagram).length,
      pass: (diagram) => time.playTo(time.now() + readDiagram(diagram).length),
    };
  }

  async end(): Promise<void> {
    // Until the last sign of the last row has been: what happens in that millisecond happens.
    await this.#time.playTo(Math.max(this.#length, this.#time.now()));
    const wrong = [...this.#differences(), ...this.#unasserted(), ...this.#leftOpen()];
    this.#serving?.unsubscribe();
    for (const client of this.#clients.values()) client.vanish();
    await this.#time.playTo(this.#time.now() + 1);
    wrong.push(...this.#leftBehind());
    if (wrong.length > 0) throw new StoryFailed(`${wrong.join('\n\n')}\n\n${this.#run()}`);
    this.#time.flush();
  }

  #serve(serving: OperatorFunction<Connection, Outcome>): void {
    if (this.#serving !== null) throw new Error('a story has one server: serve was called before');
    this.#serving = this.#accepted.pipe(serving).subscribe((outcome) => {
      const connection = E.isLeft(outcome) ? outcome.left.connection : outcome.right;
      const how = E.isLeft(outcome) ? nameOf(outcome.left.error) : 'finished';
      this.#note(this.#outcomes, `${this.#names.get(connection) ?? connection.peer} ${how}`);
    });
  }

  #client(name: string, diagram: string, values?: Values, own?: NetworkOptions): void {
    if (this.#clients.has(name)) throw new Error(`the story has a client ${name} already`);
    const row = readDiagram(diagram, values);
    const network = own === undefined ? this.#network : networkOf({ ...this.#options, ...own });
    const client = new ScriptedClient(name, row, this.#time, network, (wire) => {
      if (this.#serving === null) throw new Error(`${name} connects, and nobody serves: call serve first`);
      const connection = new WireConnection(wire, connectionLimits(this.#connection));
      this.#names.set(connection, name);
      this.#note(this.#opened, name);
      this.#accepted.next(connection);
    });
    this.#clients.set(name, client);
    this.#length = Math.max(this.#length, this.#time.now() + row.length);
  }

  #known(name: string): ScriptedClient {
    const client = this.#clients.get(name);
    if (client !== undefined) return client;
    throw new Error(`the story has no client ${name}; it has ${[...this.#clients.keys()].join(', ') || 'none'}`);
  }

  #expect(name: string, diagram: string, values: Values | undefined, actual: () => readonly Mark[]): void {
    const row = readDiagram(diagram, values);
    this.#asserted.add(name);
    this.#expectations.push({ name, row, actual });
    this.#length = Math.max(this.#length, row.length);
  }

  #note(row: Mark[], value: string): void {
    row.push({ at: this.#time.now(), sign: 'value', symbol: '?', value });
  }

  #closings(name: string): Mark[] {
    return this.#outcomes
      .filter(({ value }) => (value as string).startsWith(`${name} `))
      .map((mark) => ({ ...mark, value: (mark.value as string).slice(name.length + 1) }));
  }

  #differences(): string[] {
    return this.#expectations.flatMap(({ name, row, actual }) => difference(name, actual(), row.marks) ?? []);
  }

  /** Rows in which something happened that nobody asked about. */
  #unasserted(): string[] {
    const wrong: string[] = [];
    for (const { name, received } of this.#clients.values()) {
      const nothing = received.every(({ sign }) => sign !== 'value');
      if (!nothing && !this.#asserted.has(`received by ${name}`)) {
        wrong.push(
          `${name} received something that the story does not assert (expectReceived)\n  was  ${drawn(received)}`,
        );
      }
      const closings = this.#closings(name);
      if (closings.length > 0 && !this.#asserted.has(`closed ${name}`) && !this.#asserted.has('outcomes')) {
        wrong.push(
          `${name}'s connection ended, and the story does not assert it (expectClosed, expectOutcomes)\n  was  ${drawn(closings)}`,
        );
      }
    }
    return wrong;
  }

  #leftOpen(): string[] {
    return [...this.#clients.values()]
      .filter(({ name, open }) => open !== this.#meantOpen.has(name))
      .map(({ name, open }) =>
        open
          ? `${name} is still connected when the story ends: end it (|), or say expectOpen('${name}')`
          : `${name} is not connected when the story ends, and expectOpen('${name}') says it is`,
      );
  }

  /** What is still waiting although everybody has gone. */
  #leftBehind(): string[] {
    const { pending } = this.#time;
    if (pending === 0) return [];
    return [`${pending} timers are still waiting after everybody has gone: a subscription was left open`];
  }

  #run(): string {
    const { connection: _, ...network } = this.#options;
    return `network: ${JSON.stringify(network)}`;
  }
}

const nameOf = (error: unknown): string => {
  const { _tag, name } = (error ?? {}) as { readonly _tag?: unknown; readonly name?: unknown };
  if (typeof _tag === 'string') return _tag;
  return typeof name === 'string' ? name : String(error);
};

const drawn = (marks: readonly Mark[]): string => {
  const { lines } = drawRows([marks]);
  const values = marks.filter(({ sign }) => sign === 'value').map(({ value }) => shownValue(value));
  return `${lines[0]}${values.length > 0 ? `\n       ${values.join('\n       ')}` : ''}`;
};

/** What came, as bytes a millisecond, or as the frames that a rule cuts. */
const inFrames = (received: readonly Mark[], rule: Rule | undefined): Mark[] => {
  const marks: Mark[] = [];
  const frames = rule === undefined ? undefined : deframer(rule);
  for (const mark of received) {
    const last = marks.at(-1);
    if (mark.sign !== 'value') marks.push(mark);
    else if (frames !== undefined) {
      frames.push(mark.value as Uint8Array);
      for (let frame = frames.next(); frame !== undefined; frame = frames.next()) marks.push({ ...mark, value: frame });
    } else if (last?.sign === 'value' && last.at === mark.at) {
      marks[marks.length - 1] = { ...last, value: Buffer.concat([last.value as Uint8Array, mark.value as Uint8Array]) };
    } else marks.push(mark);
  }
  return marks;
};
