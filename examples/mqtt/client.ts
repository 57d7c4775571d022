// One who is connected: what it says, and what that does to its session and to others.
import {
  BehaviorSubject,
  EMPTY,
  type Observable,
  type ObservableInput,
  Subject,
  catchError,
  concat,
  concatMap,
  defer,
  finalize,
  from,
  map,
  of,
  timeout,
} from 'rxjs';
import { fromAsyncIterable } from 'sluice';
import type { Peer } from 'sluice/operators';
import type { Limits } from './limits.js';
import type {
  Connack,
  Connect,
  ConnectCode,
  Message,
  Packet,
  Publish,
  Subscribe,
  SubscribeCode,
  Subscription,
} from './packets.js';
import { type Link, ProtocolViolation, type Session, lower } from './session.js';

/** The same client is here again, over another connection. */
export class TakenOver extends Error {
  readonly _tag = 'TakenOver';

  override get name(): string {
    return this._tag;
  }
}

/** Who wants in. */
export interface Login {
  readonly clientId: string;
  readonly username: string | undefined;
  readonly password: Uint8Array | undefined;
  /** Where it is: `127.0.0.1:51512`. */
  readonly address: string;
}

/** What a client wants of its broker. */
export interface Post {
  readonly limits: Limits;
  authenticate(login: Login): boolean | Promise<boolean>;
  /** That has failed, or taken too long. */
  undecided(error: unknown): void;
  /** The session of who was let in, and whether it is an old one; nothing where there are too many. */
  enter(connect: Connect): { readonly session: Session; readonly present: boolean } | undefined;
  /** The client is gone from its session. */
  leave(session: Session): void;
  /** A client has published this. */
  accept(message: Message): void;
  subscribe(session: Session, subscription: Subscription): SubscribeCode;
  unsubscribe(session: Session, filter: string): void;
  /** The topics that a filter matches and that have a retained message; and that message, if it is still there. */
  retainedBy(filter: string): readonly string[];
  retained(topic: string): Message | undefined;
}

const connack = (code: ConnectCode, sessionPresent = false): Connack => ({ type: 'connack', sessionPresent, code });

export class Client implements Link {
  /** Fails when the connection is to end. */
  readonly cuts = new Subject<never>();
  /** Whether an answer takes its time: nothing more is read meanwhile. */
  readonly busy = new BehaviorSubject(false);
  readonly #post: Post;
  readonly #peer: Peer<Packet>;
  #session: Session | null = null;
  #will: Message | undefined;
  /** It has said that it leaves: then there is no will. */
  #leaves = false;

  constructor(post: Post, peer: Peer<Packet>) {
    this.#post = post;
    this.#peer = peer;
  }

  // ── what its session sends ────────────────────────────────────────────────────────────────────────────────────────

  send(packet: Packet): void {
    this.#peer.send(packet);
  }

  offer(packet: Packet): void {
    this.#peer.offer(packet);
  }

  cut(why: Error): void {
    this.cuts.error(why);
  }

  // ── what it says ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** A packet has come, and may have to wait for its answer. */
  heard(packet: Packet): void {
    if (packet.type === 'disconnect') this.#leaves = true;
  }

  /** What a packet is answered with. The first one is a CONNECT, and the others wait until that has been answered. */
  answer(packet: Packet): ObservableInput<Packet> {
    const session = this.#session;
    if (session === null) return this.#slowly(this.#connect(packet));
    switch (packet.type) {
      case 'publish':
        return this.#publish(session, packet);
      case 'puback':
      case 'pubrec':
      case 'pubcomp':
        session.acknowledged(packet.type, packet.id);
        return EMPTY;
      case 'pubrel':
        session.released(packet.id);
        return [{ type: 'pubcomp', id: packet.id }];
      case 'subscribe':
        return this.#slowly(this.#subscribe(session, packet));
      case 'unsubscribe':
        for (const filter of packet.filters) this.#post.unsubscribe(session, filter);
        return [{ type: 'unsuback', id: packet.id }];
      case 'pingreq':
        return [{ type: 'pingresp' }];
      case 'disconnect':
        return EMPTY;
      case 'connect':
      case 'foreign':
      case 'connack':
      case 'suback':
      case 'unsuback':
      case 'pingresp':
        break;
    }
    throw new ProtocolViolation(`${packet.type} from a client that is connected`);
  }

  /** The connection is gone, however that came about. */
  gone(): void {
    const session = this.#session;
    if (session === null) return;
    this.#session = null;
    session.link = null;
    this.#post.leave(session);
    if (this.#will !== undefined && !this.#leaves) this.#post.accept(this.#will);
  }

  #slowly(answers: Observable<Packet>): Observable<Packet> {
    this.busy.next(true);
    return answers.pipe(finalize(() => this.busy.next(false)));
  }

  #connect(packet: Packet): Observable<Packet> {
    if (packet.type === 'foreign') return of(connack(1));
    if (packet.type !== 'connect') throw new ProtocolViolation(`${packet.type} before connect`);
    const { clientId, clean, will } = packet;
    const { limits } = this.#post;
    if (Buffer.byteLength(clientId) > limits.clientId || (clientId === '' && !clean)) return of(connack(2));
    if (will !== undefined) this.#checkTopic(will.topic);
    return this.#judge(packet).pipe(concatMap((code) => (code === 0 ? this.#enter(packet) : of(connack(code)))));
  }

  /** What the program says of its name and password: 0, or why it is not let in. */
  #judge({ clientId, username, password }: Connect): Observable<ConnectCode> {
    const { limits } = this.#post;
    const login = { clientId, username, password, address: this.#peer.address };
    return defer(() => {
      const verdict = this.#post.authenticate(login);
      return typeof verdict === 'boolean' ? of(verdict) : from(verdict).pipe(timeout(limits.patience));
    }).pipe(
      map((trusted): ConnectCode => (trusted ? 0 : 5)),
      catchError((error: unknown) => {
        this.#post.undecided(error);
        return of<ConnectCode>(3);
      }),
    );
  }

  /** The answer goes before all that the session has to send. */
  #enter(packet: Connect): Observable<Packet> {
    const entered = this.#post.enter(packet);
    if (entered === undefined) return of(connack(3));
    const { session, present } = entered;
    this.#session = session;
    this.#will = packet.will;
    this.#peer.name = session.clientId;
    const resume = defer(() => {
      session.resume(this);
      return EMPTY;
    });
    return concat(of(connack(0, present)), resume);
  }

  #publish(session: Session, { topic, payload, qos, retain, id }: Publish): ObservableInput<Packet> {
    this.#checkTopic(topic);
    if (qos < 2 || session.received(id)) this.#post.accept({ topic, payload, qos, retain });
    return qos === 0 ? EMPTY : [{ type: qos === 1 ? 'puback' : 'pubrec', id }];
  }

  #subscribe(session: Session, { id, subscriptions }: Subscribe): Observable<Packet> {
    const codes = subscriptions.map((subscription) => this.#post.subscribe(session, subscription));
    const granted = subscriptions.filter((_, index) => codes[index] !== 0x80);
    return concat(of<Packet>({ type: 'suback', id, codes }), fromAsyncIterable(this.#retained(session, granted)));
  }

  /** Retained messages of QoS 0, one after another as the client takes them; the session sends the others. */
  *#retained(session: Session, subscriptions: readonly Subscription[]): Iterable<Packet> {
    for (const subscription of subscriptions) {
      for (const topic of this.#post.retainedBy(subscription.filter)) {
        const message = this.#post.retained(topic);
        if (message === undefined) continue;
        if (lower(message.qos, subscription.qos) > 0) session.want(topic, subscription);
        else yield { type: 'publish', ...message, qos: 0, id: 0, dup: false };
      }
    }
  }

  #checkTopic(topic: string): void {
    const { limits } = this.#post;
    if (Buffer.byteLength(topic) > limits.topic || topic.split('/').length > limits.topicLevels) {
      throw new ProtocolViolation(`a topic of more than ${limits.topic} bytes or ${limits.topicLevels} levels`);
    }
  }
}
