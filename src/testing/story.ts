import type { Observable, OperatorFunction } from 'rxjs';
import type { RunHelpers } from 'rxjs/testing';
import type { ServeOptions } from '../../operators/serve.js';
import type { Connection, ConnectionOptions } from '../connection/connection.js';
import type { ListenOptions } from '../connection/listen.js';
import type { Rule } from '../framing/rule.js';
import type { Handled, Handler, Outcome } from '../server/outcome.js';
import type { Server } from '../server/server.js';
import type { Values } from './diagram.js';
import type { Faults } from './faults/fault.js';
import type { NetworkOptions } from './network.js';

/** RxJS's own helpers, as in `TestScheduler.run`. */
type RxHelpers = Pick<RunHelpers, 'cold' | 'hot' | 'time' | 'expectObservable' | 'expectSubscriptions'>;

/**
 * What stands in a story: who serves, what the clients do and when, and what must come of it.
 *
 * Times of what is expected count from the start of the story, those of a client's row from the call of `client`.
 */
export interface Story extends RxHelpers {
  /** Serves every client of the story: a handler, or a `protocol`. Once a story. */
  readonly serve: (handler: Handler | Handled, options?: ServeOptions) => void;
  /** The same with any operator from connections to outcomes, such as `drain(...)`. */
  readonly serveWith: (serving: OperatorFunction<Connection, Outcome>) => void;
  /**
   * What a server of `createServer` is to listen with, for its clients to be those of the story: its option `listen`.
   * While it does not listen, who connects is reset.
   */
  readonly listen: (options: ListenOptions) => Observable<Connection>;
  /** Starts such a server, and aborts it at the end of the story. In the place of `serve`. */
  readonly start: (server: Pick<Server, 'start' | 'abort' | 'outcomes'>) => void;
  /** A client, and what it does and when. `network` is what the network does to it, beyond what it does to all. */
  readonly client: (name: string, diagram: string, values?: Values, network?: NetworkOptions) => void;
  /** What goes wrong on the network of a client, or of all: faults are added and taken away, from now on. */
  readonly faults: (name?: string) => Faults;
  /**
   * What a client must receive, and when: bytes (or their text), all that come in one millisecond as one value; with a
   * `rule`, the frames that it cuts, each a value. `|` is the server's end, `#` a reset.
   */
  readonly expectReceived: (name: string, diagram: string, values?: Values, rule?: Rule) => void;
  /** How and when the server's connection to a client must end: the `_tag` or name of the error, or `finished`. */
  readonly expectClosed: (name: string, diagram: string, values?: Values) => void;
  /** How all connections must end, in their order: `ann PeerIdle`, `bob finished`. */
  readonly expectOutcomes: (diagram: string, values?: Values) => void;
  /** When connections must be opened, in their order: the names of the clients. */
  readonly expectOpened: (diagram: string, values?: Values) => void;
  /** All that a client must have received when the story ends, as bytes or their text: however cut, and whenever. */
  readonly expectHeard: (name: string, content: Uint8Array | string) => void;
  /** How the server's connection to a client must have ended, whenever that was: one word, as in `expectClosed`. */
  readonly expectEnding: (name: string, how: string) => void;
  /** A client whose connection is meant to be open when the story ends. */
  readonly expectOpen: (name: string) => void;
  /** Lets so much of the story happen now: `await pass('10s')`. */
  readonly pass: (diagram: string) => Promise<void>;
}

/** How a story is told: what the network does, and what can be set for the server's connections. */
export interface MarblesOptions extends NetworkOptions {
  /** Options of every connection on the server's side. */
  readonly connection?: Omit<ConnectionOptions, 'scheduler'>;
}

/** Tells a story by the helpers that it is given. */
export type Teller = (story: Story) => void | Promise<void>;
