// The broker: sessions by client, subscriptions and retained messages by topic, and the protocol in front of them.
import { randomUUID } from 'node:crypto';
import { defer, finalize, takeUntil, takeWhile, tap } from 'rxjs';
import { type Protocol, concatMap, failIfIdle, pauseWhile, protocol } from 'sluice/operators';
import { Client, type Login, type Post, TakenOver } from './client.js';
import { type Limits, type Slow, defaultLimits } from './limits.js';
import { firstPacket, packets } from './packet-rule.js';
import { type Connect, type Message, type Packet, type Qos, type Subscription, packet } from './packets.js';
import { Session, type SessionSettings, lower } from './session.js';
import { TopicTree } from './topics.js';

/** What can be set for a broker. */
export interface BrokerOptions {
  readonly limits?: Partial<Limits>;
  /** What is done about a client that is too slow (default `drop-oldest`). */
  readonly slow?: Slow;
  /** Who is let in (default: everybody). */
  readonly authenticate?: (login: Login) => boolean | Promise<boolean>;
  /** Told when `authenticate` fails. */
  readonly onError?: (error: unknown) => void;
}

/** How it stands. */
export interface BrokerStatistics {
  /** Clients that are connected. */
  readonly connected: number;
  /** Sessions, those whose client is away included. */
  readonly sessions: number;
  /** Sessions that were given up to make room for others. */
  readonly expired: number;
  readonly subscriptions: number;
  readonly retained: number;
  readonly retainedBytes: number;
  /** Messages that wait in sessions. */
  readonly queued: number;
  /** Messages that were published, and how often one was passed on. */
  readonly published: number;
  readonly delivered: number;
  /** Messages of QoS 1 and 2 that did not fit into a session, and those that were not retained for want of room. */
  readonly dropped: number;
  readonly notRetained: number;
}

/** What a server has counted: `server.statistics` has it. */
export interface Counted {
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly dropped: number;
}

export interface Broker {
  readonly protocol: Protocol<Packet, Packet>;
  readonly statistics: BrokerStatistics;
  /** Publishes something in its own name. */
  publish(message: Message): void;
  /** Publishes how it stands, under `$SYS/broker`: what has changed since it did so last. */
  report(counted: Counted): void;
}

/** The time of keep-alive and a half again is what a client may be silent. */
const holdTime = (first: Packet): number => (first.type === 'connect' ? first.keepAlive * 1_500 : 0);

export const createBroker = (options: BrokerOptions = {}): Broker => {
  const { slow = 'drop-oldest', authenticate = () => true, onError = () => {} } = options;
  const limits: Limits = { ...defaultLimits, ...options.limits };
  const began = Date.now();
  const sessions = new Map<string, Session>();
  /** Those without a client, the one first that has been so longest. */
  const away = new Set<Session>();
  const subscriptions = new TopicTree<Map<Session, Qos>>();
  const retained = new TopicTree<Message>();
  const counts = {
    subscriptions: 0,
    retainedBytes: 0,
    expired: 0,
    published: 0,
    delivered: 0,
    dropped: 0,
    notRetained: 0,
  };

  // ── messages ──────────────────────────────────────────────────────────────────────────────────────────────────────

  const retain = (message: Message): void => {
    const { topic, payload } = message;
    const before = retained.get(topic);
    const bytes = counts.retainedBytes + payload.length - (before?.payload.length ?? 0);
    const fits = (before !== undefined || retained.size < limits.retained) && bytes <= limits.retainedBytes;
    if (payload.length > 0 && fits) {
      retained.set(topic, message);
      counts.retainedBytes = bytes;
      return;
    }
    // The old one is not the last one any more, whether the new one is kept or not.
    retained.delete(topic);
    counts.retainedBytes -= before?.payload.length ?? 0;
    if (payload.length > 0) counts.notRetained++;
  };

  /** Gives a message to each session that has asked for it: once, with the highest QoS that it has asked for. */
  const route = (message: Message): void => {
    if (message.retain) retain(message);
    const targets = new Map<Session, Qos>();
    for (const subscribers of subscriptions.forTopic(message.topic)) {
      for (const [session, qos] of subscribers) if (qos >= (targets.get(session) ?? 0)) targets.set(session, qos);
    }
    counts.published++;
    counts.delivered += targets.size;
    for (const [session, qos] of targets) session.deliver({ ...message, qos: lower(qos, message.qos), retain: false });
  };

  const waiting: Message[] = [];
  let routing = false;

  /** One after another: a message may be the end of a client, whose will is then next, and the end of another. */
  const publish = (message: Message): void => {
    waiting.push(message);
    if (routing) return;
    routing = true;
    try {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) route(next);
    } finally {
      routing = false;
    }
  };

  // ── sessions ──────────────────────────────────────────────────────────────────────────────────────────────────────

  const unsubscribe = (session: Session, filter: string): void => {
    if (!session.unsubscribe(filter)) return;
    counts.subscriptions--;
    const subscribers = subscriptions.get(filter);
    subscribers?.delete(session);
    if (subscribers?.size === 0) subscriptions.delete(filter);
  };

  const subscribe = (session: Session, { filter, qos }: Subscription): Qos | 0x80 => {
    const own = session.subscriptions;
    const known = own.has(filter);
    if (!known && own.size >= limits.subscriptions) return 0x80;
    if (Buffer.byteLength(filter) > limits.topic || filter.split('/').length > limits.topicLevels) return 0x80;
    const subscribers = subscriptions.get(filter) ?? new Map<Session, Qos>();
    subscriptions.set(filter, subscribers.set(session, qos));
    own.set(filter, qos);
    if (!known) counts.subscriptions++;
    return qos;
  };

  const forget = (session: Session): void => {
    for (const filter of session.subscriptions.keys()) unsubscribe(session, filter);
    sessions.delete(session.clientId);
    away.delete(session);
  };

  /** Whether there is room for one more session: whoever has been away longest may have to make it. */
  const makeRoom = (): boolean => {
    if (sessions.size < limits.sessions) return true;
    for (const session of away) {
      forget(session);
      counts.expired++;
      return true;
    }
    return false;
  };

  const settings: SessionSettings = {
    limits,
    slow,
    retained: (topic) => retained.get(topic),
    onDropped: () => void counts.dropped++,
  };

  const enter = ({ clientId, clean }: Connect): { session: Session; present: boolean } | undefined => {
    const id = clientId === '' ? `auto-${randomUUID()}` : clientId;
    sessions.get(id)?.link?.cut(new TakenOver(`${JSON.stringify(id)} is here again`));
    const old = sessions.get(id);
    if (old !== undefined && !clean) {
      away.delete(old);
      return { session: old, present: true };
    }
    if (old !== undefined) forget(old);
    if (!makeRoom()) return undefined;
    const session = new Session(id, clean, settings);
    sessions.set(id, session);
    return { session, present: false };
  };

  const post: Post = {
    limits,
    authenticate,
    undecided: onError,
    enter,
    leave: (session) => (session.clean ? forget(session) : void away.add(session)),
    // Topics of the broker itself are not for clients. They cannot be told so: what they publish is acknowledged.
    accept: (message) => (message.topic.startsWith('$') ? undefined : publish(message)),
    subscribe,
    unsubscribe,
    retainedBy: (filter) => retained.forFilter(filter).map(({ topic }) => topic),
    retained: (topic) => retained.get(topic),
  };

  // ── the protocol ──────────────────────────────────────────────────────────────────────────────────────────────────

  const anyPacket = packets(limits.packet);

  const mqtt = protocol<Packet>({
    name: 'mqtt',
    framing: firstPacket(limits.connect, anyPacket),
    frames: { next: () => anyPacket },
    message: packet,
    firstMessage: limits.patience,
    slow: { policy: slow, highWater: limits.unread },
    session: (said, peer) =>
      defer(() => {
        const client = new Client(post, peer);
        return said.pipe(
          failIfIdle(holdTime),
          tap((heard) => client.heard(heard)),
          takeWhile(({ type }) => type !== 'disconnect', true),
          pauseWhile(client.busy),
          concatMap((heard) => client.answer(heard)),
          takeWhile((answer) => answer.type !== 'connack' || answer.code === 0, true),
          takeUntil(client.cuts),
          finalize(() => client.gone()),
        );
      }),
  });

  const statistics = (): BrokerStatistics => ({
    ...counts,
    connected: sessions.size - away.size,
    sessions: sessions.size,
    retained: retained.size,
    queued: [...sessions.values()].reduce((sum, session) => sum + session.queued, 0),
  });

  const report = ({ bytesIn, bytesOut, messagesIn, messagesOut, dropped }: Counted): void => {
    const now = statistics();
    const values = {
      version: 'sluice',
      uptime: `${Math.floor((Date.now() - began) / 1_000)} seconds`,
      'clients/connected': now.connected,
      'clients/disconnected': now.sessions - now.connected,
      'clients/total': now.sessions,
      'clients/expired': now.expired,
      'subscriptions/count': now.subscriptions,
      'retained messages/count': now.retained,
      'store/messages/count': now.queued,
      'publish/messages/received': now.published,
      'publish/messages/sent': now.delivered,
      'publish/messages/dropped': now.dropped + dropped,
      'messages/received': messagesIn,
      'messages/sent': messagesOut,
      'bytes/received': bytesIn,
      'bytes/sent': bytesOut,
    };
    for (const [name, value] of Object.entries(values)) {
      const topic = `$SYS/broker/${name}`;
      const payload = Buffer.from(String(value));
      const before = retained.get(topic)?.payload;
      if (before === undefined || !payload.equals(before)) publish({ topic, payload, qos: 0, retain: true });
    }
  };

  return {
    protocol: mqtt,
    get statistics() {
      return statistics();
    },
    publish,
    report,
  };
};
