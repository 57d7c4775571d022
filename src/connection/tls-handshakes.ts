import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { SchedulerLike, Subscription } from 'rxjs';
import { TlsFailed } from '../errors.js';
import { type Timetable, timetableOf } from '../time/timetable.js';
import type { TlsAcceptor } from './tls-acceptor.js';
import { handshake } from './tls-handshake.js';

/** Why nothing came of a handshake. */
export type NoHandshake = 'handshake-failed' | 'too-many-handshakes';

/** One that is under way. */
interface UnderWay {
  readonly shaking: Subscription;
  readonly failed: (reason: NoHandshake, error: TlsFailed) => void;
}

/**
 * The handshakes of an acceptor that are under way: each in its own time, so that nobody waits for another.
 *
 * There is a most that they may be. Then the oldest goes: it has had the longest, and those who only come to hold a
 * place cannot keep others out.
 */
export class Handshakes {
  readonly #acceptor: TlsAcceptor;
  readonly #scheduler: SchedulerLike;
  readonly #timetable: Timetable;
  readonly #underWay = new Set<UnderWay>();

  constructor(acceptor: TlsAcceptor, scheduler: SchedulerLike) {
    this.#acceptor = acceptor;
    this.#scheduler = scheduler;
    this.#timetable = timetableOf(scheduler);
  }

  begin(raw: Socket, secured: (socket: TLSSocket) => void, failed: UnderWay['failed']): void {
    const { handshakeTimeout, maxHandshakes } = this.#acceptor;
    if (this.#underWay.size >= maxHandshakes) this.#giveUpOldest();
    const shaking = handshake(
      (stream, done, fail) => this.#acceptor.shake(stream, this.#scheduler.now(), done, fail),
      raw,
      this.#timetable,
      handshakeTimeout,
      secured,
      (error) => failed('handshake-failed', error),
    );
    const entry = { shaking, failed };
    this.#underWay.add(entry);
    shaking.add(() => this.#underWay.delete(entry));
  }

  /** Gives up all of them. */
  leave(): void {
    for (const { shaking } of this.#underWay) shaking.unsubscribe();
  }

  #giveUpOldest(): void {
    for (const { shaking, failed } of this.#underWay) {
      shaking.unsubscribe();
      return failed('too-many-handshakes', new TlsFailed('ECANCELED'));
    }
  }
}
