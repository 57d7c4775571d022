import { Observable, type Subscriber, type Subscription, defer, from } from 'rxjs';
import { checkFunction, checkInteger, checkObject } from '../src/check.js';
import type { AuthGate, Dialogue } from '../src/auth/gate.js';
import { letIn } from '../src/auth/let-in.js';
import { encodeUtf8 } from '../src/codec/utf8.js';
import type { Connection } from '../src/connection/connection.js';
import { FramingError, NotAuthenticated, QueueOverflow } from '../src/errors.js';
import { Consumer } from '../src/flow/consumer.js';
import { Gate } from '../src/flow/gate.js';
import { type CutSource, type Cutter, flow, inScope } from '../src/flow/scope.js';
import { beginTurn, endTurn } from '../src/flow/turn.js';
import { type Deframer, deframer } from '../src/framing/deframer.js';
import type { InvertibleRule } from '../src/framing/rule.js';
import type { Handled, Handler } from '../src/server/outcome.js';
import { Alarm, type Timetable } from '../src/time/timetable.js';
import { Link } from './link.js';

/** What is held at most of a source that cannot be paused, in bytes, while nobody hears it: before it is let in, and then. */
const HELD_BEFORE = 64 * 1024;
const HELD_BEHIND = 1024 * 1024;

/** How long who is sent away may take to take what was said to him, in milliseconds. */
const LAST_WORDS = 1_000;

/** What serves behind a gate: a handler, or something that has one. */
export const handlerOf = (served: Handler | Handled): Handler =>
  checkFunction('served', typeof served === 'object' ? served?.handler : served);

/** The rule for what is said at the gate: the one given, or the protocol's own; with frames of `limit` bytes at most. */
export const framingOf = (given: InvertibleRule | undefined, served: unknown, limit: unknown): InvertibleRule => {
  const { options } = served as { readonly options?: { readonly framing?: InvertibleRule } };
  const rule = checkObject('framing', (given ?? options?.framing) as InvertibleRule);
  checkFunction('framing.encode', rule.encode);
  const capacity = Math.min(rule.capacity, checkInteger('limit', limit, 16));
  return {
    name: rule.name,
    capacity,
    ...(rule.tail === undefined ? {} : { tail: rule.tail }),
    judge: (front, seen, ended) => rule.judge(front, seen, ended),
    encode: (payload) => rule.encode(payload),
  };
};

/** What somebody who stands at a gate needs, and tells. */
export interface Warden<Id> {
  readonly gate: AuthGate<Id>;
  readonly rule: InvertibleRule;
  /** Milliseconds for all of it. */
  readonly deadline: number;
  readonly attempts: number;
  /** One stands there from now on, whom `giveWay` sends away to make room; and not any more. */
  arrived(giveWay: () => void): void;
  left(giveWay: () => void): void;
  /** Whether the peer's address is kept out now. */
  keepsOut(): boolean;
  /** An attempt has failed: the first is number 1. */
  failed(attempt: number): void;
  /** It is who it says. What this throws is the connection's error. */
  admitted(identity: Id): void;
  refused(error: NotAuthenticated): void;
  /** What is said to who is sent away, as one frame. What this throws is the connection's error. */
  farewell(error: NotAuthenticated): Uint8Array | string | undefined;
}

/**
 * One connection in front of a gate, and behind it: the dialogue first, and when that has let it in, `serve` has the bytes.
 *
 * As long as the dialogue does not ask for a frame nothing is read. Bytes that follow the last frame of the dialogue go to
 * who serves, and then all that comes.
 */
export class Threshold<Id> implements Dialogue, Cutter {
  readonly connection: Connection;
  readonly #warden: Warden<Id>;
  readonly #serve: (bytes: Observable<Uint8Array>) => Observable<Uint8Array>;
  readonly #out: Subscriber<Uint8Array>;
  readonly #consumer = new Consumer('authenticate', 1);
  readonly #drain = flow.scope.drain;
  readonly #frames: Deframer;
  readonly #late: Alarm;
  #bytes!: Observable<Uint8Array>;
  #upstream!: Subscription;
  /** Who waits for a frame. */
  #hearing: { readonly heard: (frame: Uint8Array) => void; readonly failed: (error: unknown) => void } | null = null;
  /** What was said since a frame was heard: it may tell whether that was right, and goes when the next is asked for. */
  #unsaid: Uint8Array[] | null = null;
  readonly #timetable: Timetable;
  /** It is let in; nothing is left of it. */
  #open = false;
  #over = false;
  /** The peer has ended. */
  #ended = false;
  /** Whose bytes they are; and what cuts them behind the gate, which is told so. */
  source: CutSource | null = null;
  #cutter: Cutter | null = null;
  /** Who serves, reading. */
  #reader: Subscriber<Uint8Array> | null = null;
  #gate: Gate | null = null;
  /** What the dialogue has left over has been passed on, and all that came since. */
  #caughtUp = false;

  constructor(
    connection: Connection,
    warden: Warden<Id>,
    serve: (bytes: Observable<Uint8Array>) => Observable<Uint8Array>,
    timetable: Timetable,
    out: Subscriber<Uint8Array>,
  ) {
    this.connection = connection;
    this.#warden = warden;
    this.#serve = serve;
    this.#out = out;
    this.#timetable = timetable;
    this.#frames = deframer(warden.rule);
    // What has arrived by then is read first.
    const due = (): void =>
      timetable.clock.afterReads(() => {
        if (!this.#open && !this.#over) this.#refuse(new NotAuthenticated('too-slow'));
      });
    this.#late = new Alarm(timetable, { due });
  }

  subscribe(bytes: Observable<Uint8Array>): void {
    if (this.#warden.keepsOut()) return this.#refuse(new NotAuthenticated('locked-out'));
    const link = new Link<Uint8Array>(this.#out, {
      next: (chunk) => this.#take(chunk),
      error: (error) => this.#fail(error),
      complete: () => this.#end(),
    });
    this.#bytes = bytes;
    this.#upstream = link;
    this.#out.add(() => this.#leave());
    this.#warden.arrived(this.#giveWay);
    this.#late.set(this.#warden.deadline);
    this.#consumer.valve.close();
    this.#consumer.subscribe(() => inScope({ ...flow.scope, cutter: this }, () => bytes.subscribe(link)));
    void this.#ask();
  }

  get held(): number {
    return this.#frames.held + (this.#cutter?.held ?? 0);
  }

  // -- in front of the gate ------------------------------------------------------------------------------------------

  readonly say = (frame: Uint8Array | string): void => {
    const bytes = this.#warden.rule.encode(typeof frame === 'string' ? encodeUtf8(frame) : frame);
    if (this.#over || this.#open) return;
    if (this.#unsaid === null) this.#consumer.gate.next(this.#out, bytes);
    else this.#unsaid.push(bytes);
  };

  readonly hear = (): Promise<Uint8Array> => {
    const hearing = new Promise<Uint8Array>((heard, failed) => {
      if (this.#over || this.#open) return failed(new NotAuthenticated('ended'));
      if (this.#hearing !== null) return failed(new Error('hear was called before the last frame had come'));
      this.#hearing = { heard, failed };
      this.#sayAll();
      this.#listen();
    });
    // Who does not wait for it is not to end the process.
    hearing.catch(ignore);
    return hearing;
  };

  /** Asks until it is answered, or the attempts are used up. */
  async #ask(): Promise<void> {
    try {
      for (let attempt = 1; !this.#over; attempt++) {
        // One after the other is what attempts are.
        // oxlint-disable-next-line no-await-in-loop
        const identity = await this.#attempt(attempt);
        if (this.#over) return;
        if (identity !== undefined) return this.#admit(identity);
        if (this.#warden.keepsOut()) return this.#refuse(new NotAuthenticated('locked-out'));
        if (attempt >= this.#warden.attempts) return this.#refuse(new NotAuthenticated('refused'));
      }
    } catch (error) {
      if (error instanceof NotAuthenticated) this.#refuse(error);
      else this.#fail(error);
    }
  }

  async #attempt(attempt: number): Promise<Id | undefined> {
    let identity: Id | undefined;
    try {
      identity = letIn(await this.#warden.gate(this));
    } catch (error) {
      const refused = error instanceof NotAuthenticated;
      const late = this.#judged(attempt, !refused || error.reason !== 'refused');
      throw late && refused ? new NotAuthenticated('locked-out') : error;
    }
    if (this.#judged(attempt, identity !== undefined)) throw new NotAuthenticated('locked-out');
    return identity;
  }

  /**
   * The gate has come to an end. True where others of the same address have failed meanwhile, so that it is kept out now:
   * then nobody is told whether this one was right. Else as many could be tried at once as a slow gate has in hand.
   */
  #judged(attempt: number, right: boolean): boolean {
    if (this.#over) return false;
    const late = this.#warden.keepsOut();
    if (!right) this.#warden.failed(attempt);
    if (!late) this.#sayAll();
    this.#unsaid = null;
    return late;
  }

  #sayAll(): void {
    const unsaid = this.#unsaid ?? [];
    if (unsaid.length > 0) this.#unsaid = [];
    for (const bytes of unsaid) if (!this.#over) this.#consumer.gate.next(this.#out, bytes);
  }

  /** Has the frame that is waited for, or more to be read. Who does not take what is said to him is not heard. */
  readonly #listen = (): void => {
    if (this.#hearing === null) return;
    if (this.#consumer.gate.closed) return this.#consumer.wait(this.#listen);
    let frame: Uint8Array | undefined;
    try {
      frame = this.#frames.next();
    } catch (error) {
      // An error of the framing may show what was sent.
      return this.#refuse(error instanceof FramingError ? new NotAuthenticated('malformed') : error);
    }
    if (frame !== undefined) this.#hear(frame.slice());
    else if (this.#ended) this.#refuse(new NotAuthenticated('ended'));
    else this.#consumer.valve.open();
  };

  #hear(frame: Uint8Array): void {
    // Others of the same address may have failed meanwhile, all at once.
    if (this.#warden.keepsOut()) return this.#refuse(new NotAuthenticated('locked-out'));
    const hearing = this.#hearing;
    this.#hearing = null;
    this.#unsaid ??= [];
    this.#consumer.valve.close();
    // A dialogue may hear as many as it likes: others have their turn all the same.
    this.source?.handled(this.#consumer.gate, 1);
    hearing?.heard(frame);
  }

  /** It has stood there longest, and others are to have its place. */
  readonly #giveWay = (): void => this.#refuse(new NotAuthenticated('crowded-out'));

  #admit(identity: Id): void {
    this.#late.clear();
    this.#warden.left(this.#giveWay);
    this.#warden.admitted(identity);
    if (this.#over) return;
    this.#open = true;
    beginTurn();
    try {
      const served = defer(() => from(this.#serve(new Observable((reader) => this.#read(reader)))));
      inScope(this.#consumer.gate.scope, () => served.subscribe(this.#out));
    } finally {
      endTurn();
    }
  }

  // -- behind it -----------------------------------------------------------------------------------------------------

  /** Who serves wants to read: first what the dialogue has left over. */
  #read(reader: Subscriber<Uint8Array>): void {
    if (this.#reader !== null) return reader.error(new Error('the bytes behind a gate have a subscriber already'));
    // As `reads` has it: who reads again goes on where the first has stopped.
    if (this.#upstream.closed && !this.#ended) {
      reader.add(this.#bytes.subscribe(reader));
      return;
    }
    const { cutter } = flow.scope;
    const gate = new Gate();
    this.#reader = reader;
    this.#gate = gate;
    if (cutter !== null) cutter.source = this.source;
    this.#cutter = cutter;
    reader.add(() => {
      gate.forget(this.#goOn);
      gate.leave();
      this.#reader = this.#gate = null;
      this.#upstream.unsubscribe();
      this.#cutter = null;
    });
    gate.wait(this.#goOn);
  }

  readonly #goOn = (): void => {
    const [reader, gate] = [this.#reader, this.#gate];
    if (reader === null || gate === null) return;
    if (this.#frames.held > 0) {
      gate.next(reader, this.#frames.rest());
      if (this.#reader === reader) gate.wait(this.#goOn);
      return;
    }
    this.#caughtUp = true;
    // Also after the end: the rest of a chunk may wait for it.
    this.#consumer.valve.open();
    if (this.#ended) gate.complete(reader);
  };

  // -- what comes ----------------------------------------------------------------------------------------------------

  #take(chunk: Uint8Array): void {
    const [reader, gate] = [this.#reader, this.#gate];
    if (!this.#caughtUp || reader === null || gate === null) return this.#hold(chunk);
    // As whoever emits it, as if nobody stood between.
    gate.next(reader, chunk, flow.emitting);
    if (!gate.closed || this.#gate !== gate) return;
    this.#caughtUp = false;
    this.#consumer.valve.close();
    gate.wait(this.#goOn);
  }

  #hold(chunk: Uint8Array): void {
    this.#frames.push(flow.lent ? chunk.slice() : chunk);
    if (this.#hearing !== null) return this.#listen();
    this.#consumer.filled(1);
    const most = this.#open ? HELD_BEHIND : HELD_BEFORE;
    if (this.#frames.held > most) this.#fail(new QueueOverflow('authenticate', most));
  }

  #end(): void {
    this.#ended = true;
    if (this.#open) {
      if (this.#caughtUp && this.#reader !== null) this.#gate?.complete(this.#reader);
    } else if (this.#drain?.stopping === true) {
      // The server is told to stop, and this one has not come in yet.
      this.#over = true;
      this.#out.complete();
    } else this.#listen();
  }

  // -- how it ends ---------------------------------------------------------------------------------------------------

  #refuse(error: unknown): void {
    if (this.#over) return;
    this.#fail(error instanceof NotAuthenticated ? this.#farewell(error) : error);
    if (this.connection.statistics.buffered > 0) this.#hurry();
  }

  /** Says goodbye. Gives what the connection fails with: that, or what the farewell has thrown. */
  #farewell(error: NotAuthenticated): unknown {
    this.#warden.refused(error);
    try {
      const goodbye = this.#warden.farewell(error);
      this.#unsaid = null;
      if (goodbye !== undefined) this.say(goodbye);
      return error;
    } catch (thrown) {
      return thrown;
    }
  }

  /** What was said last has not been taken yet. That may not take as long as with who has been let in. */
  #hurry(): void {
    const { connection } = this;
    const alarm = new Alarm(this.#timetable, {
      due: () => {
        if (connection.statistics.buffered > 0) connection.abort();
      },
    });
    alarm.set(LAST_WORDS);
    connection.closed.subscribe({ complete: () => alarm.clear() });
  }

  #fail(error: unknown): void {
    const [reader, gate] = [this.#reader, this.#gate];
    if (reader !== null) return gate?.error(reader, error);
    this.#over = true;
    this.#consumer.gate.error(this.#out, error);
  }

  #leave(): void {
    this.#over = true;
    this.#late.clear();
    this.#warden.left(this.#giveWay);
    this.#hearing?.failed(new NotAuthenticated('ended'));
    this.#hearing = null;
    this.#frames.close();
    this.#consumer.leave();
  }
}

const ignore = (): void => {};
