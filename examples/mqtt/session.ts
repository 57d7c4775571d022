// What a broker knows of a client, also while it is away: what it has subscribed to, and which messages of QoS 1 and 2 are
// on their way to it or from it. No streams here: packets go to the link that the session has at the moment.
import { PeerTooSlow } from 'sluice';
import type { Limits, Slow } from './limits.js';
import type { Message, Packet, Qos } from './packets.js';

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
  /** Told of each message that did not fit. */
  readonly onDropped: () => void;
}

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
      const message = this.#queue.shift();
      if (message === undefined) return;
      this.#queuedBytes -= message.payload.length;
      const id = this.#nextId();
      this.#inflight.set(id, message);
      this.link.send({ type: 'publish', ...message, id, dup: false });
    }
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
    while (isFull()) {
      this.#queuedBytes -= this.#queue.shift()?.payload.length ?? 0;
      this.#settings.onDropped();
    }
    return true;
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
