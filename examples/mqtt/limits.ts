// How much a broker takes on. Everything that it stores, for however long, is under one of these.

/** Sizes in bytes, times in milliseconds. */
export interface Limits {
  /** The most bytes of a packet after its length: 268,435,455 is all that the protocol can say. */
  readonly packet: number;
  /** The same of the first packet, before anybody knows who it is. */
  readonly connect: number;
  /** How long a client may take for its first packet, and whoever judges its name and password for that. */
  readonly patience: number;
  readonly clientId: number;
  readonly topic: number;
  readonly topicLevels: number;
  /** Sessions, those whose client is away included. The one that has been away longest makes room. */
  readonly sessions: number;
  /** Subscriptions of a session. */
  readonly subscriptions: number;
  /** Messages of QoS 1 and 2 that were sent to a client and that it has not acknowledged. */
  readonly inflight: number;
  /** Messages of QoS 2 that came from a client and that it has not released. */
  readonly unreleased: number;
  /** Messages of QoS 1 and 2 that wait in a session, for a client that is away or has enough in flight. */
  readonly queued: number;
  readonly queuedBytes: number;
  /** Messages of QoS 0 that wait for a client that does not read. */
  readonly unread: number;
  /** Retained messages of all topics. */
  readonly retained: number;
  readonly retainedBytes: number;
}

export const defaultLimits: Limits = {
  packet: 262_144,
  connect: 16_384,
  patience: 10_000,
  clientId: 256,
  topic: 1_024,
  topicLevels: 64,
  sessions: 10_000,
  subscriptions: 100,
  inflight: 20,
  unreleased: 100,
  queued: 1_000,
  queuedBytes: 1_048_576,
  unread: 256,
  retained: 10_000,
  retainedBytes: 67_108_864,
};

/** What is done about a client that is too slow: what waits for it longest goes, or what comes, or it does. */
export type Slow = 'drop-oldest' | 'drop-newest' | 'disconnect';
