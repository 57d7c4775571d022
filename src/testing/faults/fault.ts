import { checkInteger, checkNumber, checkObject, checkOneOf, checkTime } from '../../check.js';

/** What can be said of every fault but `down`. */
interface OfSome {
  /** The part of the connections that has it, by chance: 0 to 1 (default 1, all). */
  readonly chance?: number;
}

/** A fault of what goes one way, or both. */
interface OneWay extends OfSome {
  /** Whose bytes have it: those that go to the server, or to the client (default: both). */
  readonly towards?: 'server' | 'client';
}

/** Everything is under way for `ms` milliseconds, give or take up to `jitter` (default 0). The order is kept. */
export interface Latency extends OneWay {
  readonly type: 'latency';
  readonly ms: number;
  readonly jitter?: number;
}

/** No more than so many bytes a second go through. Who sends more is slowed. */
export interface Bandwidth extends OneWay {
  readonly type: 'bandwidth';
  readonly bytesPerSecond: number;
}

/**
 * Bytes come in pieces of `size`, give or take up to `variation` (default 0), each in a turn of its own and `ms`
 * milliseconds after the one before (default 0).
 */
export interface Slicer extends OneWay {
  readonly type: 'slicer';
  readonly size: number;
  readonly variation?: number;
  readonly ms?: number;
}

/**
 * Once so many bytes of a connection have gone through in a direction, the network closes it: both sides see the end (FIN),
 * and soon a reset if they go on sending. Counts from when it is added.
 */
export interface ByteLimit extends OneWay {
  readonly type: 'byte-limit';
  readonly bytes: number;
}

/** The end (FIN) comes `ms` milliseconds later than it should. */
export interface SlowClose extends OneWay {
  readonly type: 'slow-close';
  readonly ms: number;
}

/**
 * Nothing goes through, no end and no reset either, as if the other side had vanished. What was sent waits, and comes
 * once this is taken away. With `ms`, the connection is reset after so many milliseconds.
 */
export interface BlackHole extends OneWay {
  readonly type: 'black-hole';
  readonly ms?: number;
}

/** Connections are reset, on both sides, `ms` milliseconds after this was added or they were made (default 0). */
export interface Reset extends OfSome {
  readonly type: 'reset';
  readonly ms?: number;
}

/** Connections are reset, and new ones are refused. */
export interface Down {
  readonly type: 'down';
}

/** Something that a network does to the connections that go over it. */
export type Fault = Latency | Bandwidth | Slicer | ByteLimit | SlowClose | BlackHole | Reset | Down;

/** A fault that was added, to be taken away again. */
export interface AddedFault {
  /** Takes it away. What it held back goes on at once. */
  readonly remove: () => void;
}

/** The faults of a network. They can be added and taken away at any time; all that are there work together. */
export interface Faults {
  /** Adds one. Throws a `TypeError` or `RangeError` that names what is wrong with it. */
  add(fault: Fault): AddedFault;
  /** Takes all away. */
  clear(): void;
}

const TYPES = [
  'latency',
  'bandwidth',
  'slicer',
  'byte-limit',
  'slow-close',
  'black-hole',
  'reset',
  'down',
] as const satisfies readonly Fault['type'][];

/** Checks a fault, and gives a copy of it. */
export const checkFault = (given: Fault): Fault => {
  const fault = { ...checkObject('fault', given) };
  checkOneOf('type', fault.type, TYPES);
  if (fault.type !== 'down') checkNumber('chance', fault.chance ?? 1, 0, 1);
  if (fault.type !== 'down' && fault.type !== 'reset' && fault.towards !== undefined) {
    checkOneOf('towards', fault.towards, ['server', 'client']);
  }
  switch (fault.type) {
    case 'latency':
      checkNumber('jitter', fault.jitter ?? 0, 0, checkTime('ms', fault.ms, 0));
      break;
    case 'bandwidth':
      checkInteger('bytesPerSecond', fault.bytesPerSecond, 1);
      break;
    case 'slicer':
      checkInteger('variation', fault.variation ?? 0, 0, checkInteger('size', fault.size, 1) - 1);
      checkTime('ms', fault.ms ?? 0, 0);
      break;
    case 'byte-limit':
      checkInteger('bytes', fault.bytes, 0);
      break;
    case 'slow-close':
      checkTime('ms', fault.ms);
      break;
    case 'black-hole':
      if (fault.ms !== undefined) checkTime('ms', fault.ms);
      break;
    case 'reset':
      checkTime('ms', fault.ms ?? 0, 0);
      break;
    case 'down':
  }
  return fault;
};
