// What a broker knows of a client, also while it is away: what it has subscribed to, and which messages of QoS 1 and 2 are
// on their way to it or from it. No streams here: packets go to the link that the session has at the moment.
import { PeerTooSlow } from 'sluice';
import type { Limits, Slow } from './limits.js';
import type { Message, Packet, Qos, Subscription } from './packets.js';

/** The client does what the standard forbids, or more than the limits allow: its connection is closed. */
export class ProtocolViolation extends Error {
  readonly _tag = 'ProtocolViolation';

  override get name(): string {
    return this._tag;
  }
}

/** The connection of a session, while it has one. */
export interface Link {
  /** Sends what must arrive. */
  send(packet: Packet): void;
  /** Sends what may be dropped where the client does not read. */
  offer(packet: Packet): void;
  /** Ends the connection. */
  cut(why: Error): void;
}

/** What all sessions of a broker have in common. */
export interface SessionSettings {
  readonly limits: Limits;
  readonly slow: Slow;
  /** The retained message of a topic. */
  readonly retained: (topic: string) => Message | undefined;
  /** Told of each message that did not fit. */
  readonly onDropped: () => void;
}

/** Of two, the one that promises less. */
export const lower = (one: Qos, other: Qos): Qos => (one < other ? one : other);

export class Session {
  readonly clientId: string;
  /** It lasts as long as its connection. */
  readonly clean: boolean;
  readonly subscriptions = new Map<string, Qos>();
  link: Link | null = null;
  readonly #settings: SessionSettings;
  /** What was sent and is not acknowledged, by its number, in the order of sending; null where it was received (PUBREC). */
  readonly #inflight = new Map<number, Message | null>();
  /** What waits until there is room in flight. */
  readonly #queue: Message[] = [];
  #queuedBytes = 0;
  /** Topics of which the retained message is to be sent after that, and because of what. */
  readonly #wanted = new Map<string, Subscription>();
  #lastId = 0;
  /** What came with QoS 2 and was passed on, until the client knows that (PUBREL). */
  readonly #unreleased = new Set<number>();

  constructor(clientId: string, clean: boolean, settings: SessionSettings) {
    this.clientId = clientId;
    this.clean = clean;
    this.#settings = settings;
  }

  /** Messages that wait. */
  get queued(): number {
    return this.#queue.length;
  }

  // ── to the client ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** A message for the client. One of QoS 0 is for now or never. */
  deliver(message: Message): void {
    if (message.qos === 0) {
      this.link?.offer({ type: 'publish', ...message, id: 0, dup: false });
      return;
    }
    if (!this.#makeRoom(message.payload.length)) return this.#settings.onDropped();
    this.#queue.push(message);
    this.#queuedBytes += message.payload.length;
    this.#sendOn();
  }

  /** The client is to have the retained message of a topic: the one that is there when its turn has come. */
  want(topic: string, subscription: Subscription): void {
    if (this.#wanted.size >= this.#settings.limits.retained) return this.#settings.onDropped();
    this.#wanted.set(topic, subscription);
    this.#sendOn();
  }

  /** Ends a subscription, if it is there. What it has brought already stays. */
  unsubscribe(filter: string): boolean {
    for (const [topic, subscription] of this.#wanted) if (subscription.filter === filter) this.#wanted.delete(topic);
    return this.subscriptions.delete(filter);
  }

  /** The client is there (again): sends all that it has not acknowledged, in the old order, and then what waits. */
  resume(link: Link): void {
    this.link = link;
    for (const [id, message] of this.#inflight) {
      link.send(message === null ? { type: 'pubrel', id } : { type: 'publish', ...message, id, dup: true });
    }
    this.#sendOn();
  }

  /** PUBACK, PUBREC or PUBCOMP. One of a message that is not known is late, and nothing. */
  acknowledged(type: 'puback' | 'pubrec' | 'pubcomp', id: number): void {
    const message = this.#inflight.get(id);
    const received = message === null;
    if (type === 'pubrec') {
      if (message?.qos === 1) throw new ProtocolViolation('pubrec of a message of QoS 1');
      if (message !== undefined) this.#inflight.set(id, null);
      this.link?.send({ type: 'pubrel', id });
      return;
    }
    if (message === undefined) return;
    if (type === 'puback' ? received || message.qos === 2 : !received) {
      throw new ProtocolViolation(`${type} where another acknowledgement is due`);
    }
    this.#inflight.delete(id);
    this.#sendOn();
  }

  /** Sends what waits, as long as there is room in flight. */
  #sendOn(): void {
    while (this.link !== null && this.#inflight.size < this.#settings.limits.inflight) {
      const message = this.#next();
      if (message === undefined) return;
      const id = this.#nextId();
      this.#inflight.set(id, message);
      this.link.send({ type: 'publish', ...message, id, dup: false });
    }
  }

  /** What waits longest, and after that what is retained: so nothing comes that is older than what came before. */
  #next(): Message | undefined {
    const message = this.#queue.shift();
    if (message !== undefined) {
      this.#queuedBytes -= message.payload.length;
      return message;
    }
    for (const [topic, subscription] of this.#wanted) {
      this.#wanted.delete(topic);
      const retained = this.#settings.retained(topic);
      const qos = lower(subscription.qos, retained?.qos ?? 0);
      // One that was replaced by a message of QoS 0 came as that.
      if (retained !== undefined && qos > 0) return { ...retained, qos };
    }
    return undefined;
  }

  #nextId(): number {
    do this.#lastId = (this.#lastId % 65_535) + 1;
    while (this.#inflight.has(this.#lastId));
    return this.#lastId;
  }

  /** Whether there is room for one more: the policy may make some. */
  #makeRoom(bytes: number): boolean {
    const { limits, slow } = this.#settings;
    const isFull = (): boolean => this.#queue.length >= limits.queued || this.#queuedBytes + bytes > limits.queuedBytes;
    if (!isFull()) return true;
    if (slow === 'disconnect') this.link?.cut(new PeerTooSlow(this.#queue.length));
    if (slow !== 'drop-oldest' || bytes > limits.queuedBytes) return false;
    while (this.#queue.length > 0 && isFull()) {
      this.#queuedBytes -= this.#queue.shift()?.payload.length ?? 0;
      this.#settings.onDropped();
    }
    return !isFull();
  }

  // ── from the client ───────────────────────────────────────────────────────────────────────────────────────────────

  /** A message of QoS 2 came. False when it is one that came before. */
  received(id: number): boolean {
    if (this.#unreleased.has(id)) return false;
    if (this.#unreleased.size >= this.#settings.limits.unreleased) {
      throw new ProtocolViolation(`more than ${this.#unreleased.size} messages of QoS 2 are not released`);
    }
    this.#unreleased.add(id);
    return true;
  }

  /** The client knows that it has arrived, and may use its number again. */
  released(id: number): void {
    this.#unreleased.delete(id);
  }
}
