/**
 * Every way in which a peer, the network or the time can fail a program: one tagged class each.
 *
 * Match them by `_tag`. Misuse of an option is none of these: it is a plain `RangeError` or `TypeError` at the call.
 */

/** What all the errors of this file have in common. */
export abstract class SluiceError extends Error {
  /** The name to match on, for example with `switch` or fp-ts. */
  abstract readonly _tag: string;

  override get name(): string {
    return this._tag;
  }
}

// -- frames ----------------------------------------------------------------------------------------------------------

/** A frame that cannot be cut. `offset` counts the bytes of the stream before the frame. */
export abstract class FramingError extends SluiceError {
  readonly offset: number;

  constructor(message: string, offset: number, cause?: unknown) {
    super(`${message} (frame at byte ${offset} of the stream)`, cause === undefined ? undefined : { cause });
    this.offset = offset;
  }
}

/** A frame's payload is longer than its rule allows. `got` is what was announced, or what has come without an end. */
export class FrameTooLong extends FramingError {
  readonly _tag = 'FrameTooLong';
  /** The length in bytes that was announced, or the bytes that came so far where no length is announced. */
  readonly got: number;
  /** The most payload bytes that the rule allows. */
  readonly limit: number;
  /** What the bytes look like, where they look like something: another protocol, or the other byte order. */
  readonly guess: string | undefined;

  constructor(got: number, limit: number, offset = 0, guess?: string) {
    super(`a frame of ${got} bytes is longer than the limit of ${limit}${guess ? `: ${guess}` : ''}`, offset);
    this.got = got;
    this.limit = limit;
    this.guess = guess;
  }
}

/** A frame that says something impossible of itself: a negative length, one shorter than its own header, a bad digit. */
export class MalformedFrame extends FramingError {
  readonly _tag = 'MalformedFrame';
  /** What is wrong with it. */
  readonly reason: string;
  /** What the bytes look like, where they look like something. */
  readonly guess: string | undefined;

  constructor(reason: string, offset = 0, guess?: string, cause?: unknown) {
    super(`a malformed frame: ${reason}${guess ? `: ${guess}` : ''}`, offset, cause);
    this.reason = reason;
    this.guess = guess;
  }
}

/** The bytes ended inside a frame. */
export class TruncatedFrame extends FramingError {
  readonly _tag = 'TruncatedFrame';
  /** Bytes of the unfinished frame that had come, header included. */
  readonly held: number;

  constructor(held: number, offset = 0) {
    super(`the stream ended ${held} bytes into a frame`, offset);
    this.held = held;
  }
}

// -- messages --------------------------------------------------------------------------------------------------------

/** A frame that is no message of the protocol, where the policy is to end the connection over it. */
export class InvalidMessage extends SluiceError {
  readonly _tag = 'InvalidMessage';
  /** What the codec found wrong, a line each. */
  readonly reasons: readonly string[];

  constructor(reasons: readonly string[]) {
    super(`not a message of this protocol: ${reasons.join('; ')}`);
    this.reasons = reasons;
  }
}

// -- connections -----------------------------------------------------------------------------------------------------

/** The peer, or the network, cut the connection off instead of ending it. `cause` has what the system said. */
export class ConnectionReset extends SluiceError {
  readonly _tag = 'ConnectionReset';
  /** The system's word for it (`ECONNRESET`, `EPIPE`, ...), where there is one. */
  readonly code: string | undefined;

  constructor(code?: string, cause?: unknown) {
    super(`the connection was reset${code ? ` (${code})` : ''}`, { cause });
    this.code = code;
  }
}

/** This side gave the connection up: `abort()` was called. */
export class ConnectionAborted extends SluiceError {
  readonly _tag = 'ConnectionAborted';

  constructor() {
    super('the connection was aborted by this side');
  }
}

/** The peer did not take what was written within the write deadline. */
export class WriteStalled extends SluiceError {
  readonly _tag = 'WriteStalled';
  /** Milliseconds it was given. */
  readonly deadline: number;
  /** Bytes that were waiting for it. */
  readonly held: number;

  constructor(deadline: number, held: number) {
    super(`the peer left ${held} bytes unread for ${deadline} ms`);
    this.deadline = deadline;
    this.held = held;
  }
}

/** More was written to a peer than it may have waiting, by a source that cannot be paused. */
export class WriteOverflow extends SluiceError {
  readonly _tag = 'WriteOverflow';
  /** Bytes that were waiting. */
  readonly held: number;
  /** The most that may wait. */
  readonly limit: number;

  constructor(held: number, limit: number) {
    super(`${held} bytes wait for a slow peer, over the limit of ${limit}, and their source cannot be paused`);
    this.held = held;
    this.limit = limit;
  }
}

/** The connections of this process held more than they may together, and this one more than most. */
export class MemoryExceeded extends SluiceError {
  readonly _tag = 'MemoryExceeded';
  /** Bytes that this one held. */
  readonly held: number;
  /** Bytes that all held. */
  readonly total: number;
  /** The most that they may hold: the mark of `memoryBudget` that was passed. */
  readonly limit: number;

  constructor(held: number, total: number, limit: number) {
    super(`held ${held} of the ${total} bytes that all connections held together, over the limit of ${limit}`);
    this.held = held;
    this.total = total;
    this.limit = limit;
  }
}

/** There are as many of something as there may be: rooms of a client, clients with a tag, letters of a name. */
export class LimitReached extends SluiceError {
  readonly _tag = 'LimitReached';
  /** What there are too many of: `rooms of a client`. */
  readonly what: string;
  /** How many there may be. */
  readonly limit: number;

  constructor(what: string, limit: number) {
    super(`no more than ${limit} ${what}`);
    this.what = what;
    this.limit = limit;
  }
}

/** More bytes of an unfinished frame were held than the connection may hold at this time. */
export class ReadOverflow extends SluiceError {
  readonly _tag = 'ReadOverflow';
  /** Bytes that were held. */
  readonly held: number;
  /** The most that may be. */
  readonly limit: number;

  constructor(held: number, limit: number) {
    super(`held ${held} bytes of an unfinished frame, over the limit of ${limit}`);
    this.held = held;
    this.limit = limit;
  }
}

/** One side had ended, and for too long the other neither ended nor made progress. */
export class HalfCloseTimeout extends SluiceError {
  readonly _tag = 'HalfCloseTimeout';
  /** Milliseconds it was given. */
  readonly limit: number;

  constructor(limit: number) {
    super(`the connection stayed half closed for ${limit} ms without progress`);
    this.limit = limit;
  }
}

/** The connection was still open when the time for draining was over. */
export class DrainTimeout extends SluiceError {
  readonly _tag = 'DrainTimeout';
  /** Milliseconds that it was given to finish. */
  readonly limit: number;

  constructor(limit: number) {
    super(`cut off: still open ${limit} ms after the server was told to stop`);
    this.limit = limit;
  }
}

// -- TLS -------------------------------------------------------------------------------------------------------------

/**
 * The two sides did not come to terms: no TLS was spoken, there was no version, cipher or protocol in common, a
 * certificate does not hold, or it took too long. `cause` has what the system said.
 */
export class TlsFailed extends SluiceError {
  readonly _tag = 'TlsFailed';
  /**
   * The word of Node or OpenSSL for it: `ERR_SSL_WRONG_VERSION_NUMBER`, `CERT_HAS_EXPIRED`,
   * `ERR_TLS_HANDSHAKE_TIMEOUT`, ...
   */
  readonly code: string | undefined;

  constructor(code?: string, cause?: unknown) {
    super(`the TLS handshake failed${code ? ` (${code})` : ''}`, { cause });
    this.code = code;
  }
}

/**
 * The peer's bytes stopped without the word that they are over (`close_notify`): somebody may have cut them short, for
 * anybody on the way can end a TCP connection. After RFC 8446, section 6.1.
 */
export class TlsTruncated extends SluiceError {
  readonly _tag = 'TlsTruncated';

  constructor() {
    super('the peer, or somebody on the way, ended the connection without the end of TLS (close_notify)');
  }
}

/**
 * Bytes in the clear had come behind those with which the two sides agreed to turn to TLS: they might be taken for what
 * came after it. The class of CVE-2011-0411.
 */
export class PlaintextRefused extends SluiceError {
  readonly _tag = 'PlaintextRefused';
  /** How many bytes. */
  readonly held: number;

  constructor(held: number) {
    super(`${held} bytes in the clear came before the turn to TLS and were not read`);
    this.held = held;
  }
}

// -- ports -----------------------------------------------------------------------------------------------------------

const whyNotListening = (code: string | undefined): string => {
  if (code === 'EADDRINUSE') return 'it is in use';
  if (code === 'ECANCELED') return 'it was stopped before it did';
  if (code === 'EADDRNOTAVAIL') return 'it is no address of this machine';
  if (code === 'ENOENT') return 'there is no such directory';
  if (code === 'EEXIST') return 'what is there is no socket';
  return code === 'EACCES' ? 'that is not permitted' : String(code);
};

/** The port, or the socket file, could not be opened. */
export class ListenFailed extends SluiceError {
  readonly _tag = 'ListenFailed';
  /** What was to be opened, as `host:port` or a path. */
  readonly address: string;
  /** The system's word for it: `EADDRINUSE`, `EACCES`, ... */
  readonly code: string | undefined;

  constructor(address: string, code: string | undefined, cause?: unknown) {
    super(`cannot listen on ${address}: ${whyNotListening(code)}`, { cause });
    this.address = address;
    this.code = code;
  }
}

/** A dial that did not connect: refused, unreachable, no such host. */
export class DialFailed extends SluiceError {
  readonly _tag = 'DialFailed';
  /** What was dialled, as `host:port` or a path. */
  readonly address: string;
  /** The system's word for it: `ECONNREFUSED`, `ENOTFOUND`, ... */
  readonly code: string | undefined;

  constructor(address: string, code: string | undefined, cause?: unknown) {
    super(`cannot connect to ${address}: ${code ?? String(cause)}`, { cause });
    this.address = address;
    this.code = code;
  }
}

/** A dial that was not answered in time. */
export class DialTimeout extends SluiceError {
  readonly _tag = 'DialTimeout';
  /** What was dialled. */
  readonly address: string;
  /** Milliseconds it was given. */
  readonly limit: number;

  constructor(address: string, limit: number) {
    super(`${address} did not answer within ${limit} ms`);
    this.address = address;
    this.limit = limit;
  }
}

/** All attempts to dial again are used up. `cause` is the last one's error. */
export class DialGivenUp extends SluiceError {
  readonly _tag = 'DialGivenUp';
  /** What was dialled. */
  readonly address: string;
  /** Attempts since the last success. */
  readonly attempts: number;

  constructor(address: string, attempts: number, cause: unknown) {
    super(`gave up on ${address} after ${attempts} attempts`, { cause });
    this.address = address;
    this.attempts = attempts;
  }
}

// -- clients ---------------------------------------------------------------------------------------------------------

/** A request was given to a connection, and the connection was lost before the answer came. `cause` has why. */
export class RequestLost extends SluiceError {
  readonly _tag = 'RequestLost';
  /** Whom it was sent to. */
  readonly peer: string;
  /** Whether it may have been sent: then nobody knows whether it was executed, and to repeat it is the program's decision. */
  readonly sent: boolean;

  constructor(peer: string, sent: boolean, cause?: unknown) {
    const what = sent ? 'before it answered: the request may have been executed' : 'before the request was sent';
    super(`the connection to ${peer} was lost ${what}`, { cause });
    this.peer = peer;
    this.sent = sent;
  }
}

/** A pool had no connection in time. `cause` is what the last dial, or the last connection that was lost, met. */
export class AcquireTimeout extends SluiceError {
  readonly _tag = 'AcquireTimeout';
  /** Milliseconds that it was waited for. */
  readonly limit: number;

  constructor(limit: number, pool: string, cause?: unknown) {
    super(`no connection within ${limit} ms from ${pool}`, { cause });
    this.limit = limit;
  }
}

/** As many wait for a connection of a pool as may. */
export class PoolFull extends SluiceError {
  readonly _tag = 'PoolFull';
  /** The most that may wait. */
  readonly limit: number;

  constructor(limit: number, pool: string) {
    super(`${limit} may wait, and no more do: ${pool}`);
    this.limit = limit;
  }
}

/** A pool was asked after it was told to drain or to close. */
export class PoolClosed extends SluiceError {
  readonly _tag = 'PoolClosed';

  constructor(pool: string) {
    super(`the pool ${pool} takes no more requests: it was closed, or is being drained`);
  }
}

/** None of the targets of a balancer could be dialled. `cause` is what the last one met. */
export class NoTarget extends SluiceError {
  readonly _tag = 'NoTarget';
  /** Those that were tried, in order, and what each of them met. */
  readonly tried: readonly { readonly target: string; readonly error: unknown }[];

  constructor(tried: readonly { readonly target: string; readonly error: unknown }[], closed = false) {
    const each = tried.map(
      ({ target, error }) => `${target} (${error instanceof Error ? error.message : typeof error})`,
    );
    const why = closed ? 'the balancer is closed' : 'there is none';
    super(`no target could be dialled: ${each.join('; ') || why}`, { cause: tried.at(-1)?.error });
    this.tried = tried;
  }
}

// -- time ------------------------------------------------------------------------------------------------------------

/** Nothing came from the peer for the whole hold time. */
export class PeerIdle extends SluiceError {
  readonly _tag = 'PeerIdle';
  /** The hold time, in milliseconds. */
  readonly limit: number;

  constructor(limit: number) {
    super(`the peer was silent for ${limit} ms`);
    this.limit = limit;
  }
}

/** A frame was begun and not finished in time. */
export class FrameTooSlow extends SluiceError {
  readonly _tag = 'FrameTooSlow';
  /** Milliseconds that a frame may take from its first byte to its last. */
  readonly limit: number;

  constructor(limit: number) {
    super(`a frame took longer than ${limit} ms to arrive`);
    this.limit = limit;
  }
}

/** A peer connected and then said nothing in time. */
export class PeerSilent extends SluiceError {
  readonly _tag = 'PeerSilent';
  /** Milliseconds that it had. */
  readonly limit: number;

  constructor(limit: number) {
    super(`the peer said nothing within ${limit} ms of connecting`);
    this.limit = limit;
  }
}

// -- who it is -------------------------------------------------------------------------------------------------------

/**
 * Why a peer was not let in: its credentials are wrong; what it said is no part of the dialogue; it took too long; its
 * address has failed too often; it ended its side before; too many others stood in front of the gate; or it has not proved
 * to be who it should be, to a client.
 */
export type NotAuthenticatedReason =
  | 'refused'
  | 'malformed'
  | 'too-slow'
  | 'locked-out'
  | 'ended'
  | 'crowded-out'
  | 'unproven';

/** A peer was not let in. What it has said is in none of this: it may be a secret. */
export class NotAuthenticated extends SluiceError {
  readonly _tag = 'NotAuthenticated';
  readonly reason: NotAuthenticatedReason;

  constructor(reason: NotAuthenticatedReason) {
    super(`the peer was not authenticated (${reason})`);
    this.reason = reason;
  }
}

// -- limits ----------------------------------------------------------------------------------------------------------

/** More came than a rate limit allows, and its policy is to end the connection. */
export class RateExceeded extends SluiceError {
  readonly _tag = 'RateExceeded';
  /** What there was too much of. */
  readonly what: 'messages' | 'bytes';
  /** How many a second are allowed. */
  readonly limit: number;

  constructor(what: 'messages' | 'bytes', limit: number) {
    super(`more than ${limit} ${what} a second came`);
    this.what = what;
    this.limit = limit;
  }
}

// -- flow ------------------------------------------------------------------------------------------------------------

/** A queue whose source cannot be paused went over its limit, and its policy is to fail. */
export class QueueOverflow extends SluiceError {
  readonly _tag = 'QueueOverflow';
  /** The operator that holds the queue. */
  readonly operator: string;
  /** The most values that it may hold. */
  readonly limit: number;

  constructor(operator: string, limit: number) {
    super(`${operator} holds ${limit} values, its limit, and their source cannot be paused`);
    this.operator = operator;
    this.limit = limit;
  }
}

/** A subscriber of a topic fell too far behind, and its policy is `disconnect`. */
export class PeerTooSlow extends SluiceError {
  readonly _tag = 'PeerTooSlow';
  /** Values that were waiting for it. */
  readonly held: number;

  constructor(held: number) {
    super(`the peer fell ${held} messages behind`);
    this.held = held;
  }
}
