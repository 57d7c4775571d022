import { Observable, type Subscriber, type Subscription, defer, from } from 'rxjs';
import { checkFunction, checkInteger, checkObject } from '../src/check.js';
import type { AuthGate, Dialogue } from '../src/auth/gate.js';
import { encodeUtf8 } from '../src/codec/utf8.js';
import type { Connection } from '../src/connection/connection.js';
import { FramingError, NotAuthenticated, QueueOverflow } from '../src/errors.js';
import { Consumer } from '../src/flow/consumer.js';
import { Gate } from '../src/flow/gate.js';
import { flow, inScope } from '../src/flow/scope.js';
import { beginTurn, endTurn } from '../src/flow/turn.js';
import { type Deframer, deframer } from '../src/framing/deframer.js';
import type { InvertibleRule } from '../src/framing/rule.js';
import type { Handled, Handler } from '../src/server/outcome.js';
import { Alarm, type Timetable } from '../src/time/timetable.js';
import { Link } from './link.js';

/** What is held at most of a source that cannot be paused, in bytes, while nobody hears it. */
const MOST_HELD = 1024 * 1024;

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
export class Threshold<Id> implements Dialogue {
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
  /** It is let in; nothing is left of it. */
  #open = false;
  #over = false;
  /** The peer has ended. */
  #ended = false;
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
    this.#late.set(this.#warden.deadline);
    this.#consumer.valve.close();
    this.#consumer.subscribe(() => bytes.subscribe(link));
    void this.#ask();
  }

  // ── in front of the gate ──────────────────────────────────────────────────────────────────────────────────────────

  readonly say = (frame: Uint8Array | string): void => {
    const bytes = this.#warden.rule.encode(typeof frame === 'string' ? encodeUtf8(frame) : frame);
    if (!this.#over && !this.#open) this.#consumer.gate.next(this.#out, bytes);
  };

  readonly hear = (): Promise<Uint8Array> => {
    const hearing = new Promise<Uint8Array>((heard, failed) => {
      if (this.#over || this.#open) return failed(new NotAuthenticated('ended'));
      if (this.#hearing !== null) return failed(new Error('hear was called before the last frame had come'));
      this.#hearing = { heard, failed };
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
      identity = await this.#warden.gate(this);
    } catch (error) {
      if (!this.#over && error instanceof NotAuthenticated && error.reason === 'refused') this.#warden.failed(attempt);
      throw error;
    }
    if (!this.#over && identity === undefined) this.#warden.failed(attempt);
    return identity;
  }

  /** Has the frame that is waited for, or more to be read. */
  #listen(): void {
    if (this.#hearing === null) return;
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
  }

  #hear(frame: Uint8Array): void {
    // Others of the same address may have failed meanwhile, all at once.
    if (this.#warden.keepsOut()) return this.#refuse(new NotAuthenticated('locked-out'));
    const hearing = this.#hearing;
    this.#hearing = null;
    this.#consumer.valve.close();
    hearing?.heard(frame);
  }

  #admit(identity: Id): void {
    this.#late.clear();
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

  // ── behind it ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Who serves wants to read: first what the dialogue has left over. */
  #read(reader: Subscriber<Uint8Array>): void {
    if (this.#reader !== null) return reader.error(new Error('the bytes behind a gate have a subscriber already'));
    // As `reads` has it: who reads again goes on where the first has stopped.
    if (this.#upstream.closed && !this.#ended) {
      reader.add(this.#bytes.subscribe(reader));
      return;
    }
    const gate = new Gate();
    this.#reader = reader;
    this.#gate = gate;
    reader.add(() => {
      gate.forget(this.#goOn);
      gate.leave();
      this.#reader = this.#gate = null;
      this.#upstream.unsubscribe();
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

  // ── what comes ────────────────────────────────────────────────────────────────────────────────────────────────────

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
    if (this.#frames.held > MOST_HELD) this.#fail(new QueueOverflow('authenticate', MOST_HELD));
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

  // ── how it ends ───────────────────────────────────────────────────────────────────────────────────────────────────

  #refuse(error: unknown): void {
    if (this.#over) return;
    if (!(error instanceof NotAuthenticated)) return this.#fail(error);
    this.#warden.refused(error);
    let thrown: { readonly error: unknown } | undefined;
    try {
      const goodbye = this.#warden.farewell(error);
      if (goodbye !== undefined) this.say(goodbye);
    } catch (failure) {
      thrown = { error: failure };
    }
    this.#fail(thrown === undefined ? error : thrown.error);
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
    this.#hearing?.failed(new NotAuthenticated('ended'));
    this.#hearing = null;
    this.#frames.close();
    this.#consumer.leave();
  }
}

const ignore = (): void => {};
