import { appendFileSync, closeSync, openSync } from 'node:fs';
import { type MonoTypeOperatorFunction, Observable, type SchedulerLike, asyncScheduler, finalize, map } from 'rxjs';
import { checkScheduler, checkText } from '../check.js';
import type { Connection } from '../connection/connection.js';
import { warnThrown } from '../hook.js';
import { type Clock, clockOf } from '../time/clock.js';
import { type ConnectionNotes, RecordedConnection } from './recorded-connection.js';
import { type Happening, happeningLine, headingLine } from './recording.js';

/** What can be set for `record`. */
export interface RecordOptions {
  /** What tells the time (default `asyncScheduler`: the monotonic clock of the machine). */
  readonly scheduler?: SchedulerLike;
}

/** Lines that are gathered are written at this size at the latest, in characters. */
const PAGE = 64 * 1024;

/**
 * Passes connections on, and writes down all that goes through them: chunks as they came and as they were answered,
 * ends and resets, each with its time.
 *
 *     listen({ port: 7000 }).pipe(record('chat.jsonl'), serve(chat)).subscribe();
 *
 * `to` is the path of a file, which is written anew, or a function that takes one or more whole lines at once. The
 * format is told in `recording.ts`; `replay` makes a story of it. What is written down as answered is what the handler
 * gave, in its chunks: if the connection breaks, not all of it may have reached the peer.
 *
 * **A recording holds everything that was sent, passwords included.** A new file can be read by its owner alone.
 *
 * It changes nothing in who waits for whom, and costs some 10 us a message; a bulk transfer goes at a third of its
 * speed. It holds what happens in one turn of the event loop, which is lost if the process dies in it: lines are
 * written at the end of the turn, without going on meanwhile, so a slow disk slows the program. A file
 * that cannot be opened fails the stream. If it later cannot be written (a full disk), or the function throws, that is
 * a warning through the process, and the end of the recording and of nothing else.
 */
export const record = (
  to: string | ((lines: string) => void),
  options: RecordOptions = {},
): MonoTypeOperatorFunction<Connection> => {
  if (typeof to !== 'function') checkText('to', to);
  const scheduler = checkScheduler('scheduler', options.scheduler ?? asyncScheduler);
  return (connections) =>
    new Observable((out) => {
      const recorder = new Recorder(typeof to === 'string' ? file(to) : { write: to, close: () => {} }, scheduler);
      connections
        .pipe(
          map((connection) => new RecordedConnection(connection, recorder.begin(connection))),
          finalize(() => recorder.finish()),
        )
        .subscribe(out);
    });
};

/** What lines are written to. */
interface Sink {
  readonly write: (lines: string) => void;
  readonly close: () => void;
}

const file = (path: string): Sink => {
  const descriptor = openSync(path, 'w', 0o600);
  return {
    write: (lines) => appendFileSync(descriptor, lines),
    close: () => closeSync(descriptor),
  };
};

/** Gathers the lines of a turn and writes them; closes once nothing more can happen. */
class Recorder {
  readonly #sink: Sink;
  readonly #clock: Clock;
  readonly #start: number;
  #lines: string;
  #scheduled = false;
  /** Connections that are open; whether more can come; whether it is over, or has failed. */
  #open = 0;
  #finishing = false;
  #closed = false;

  constructor(sink: Sink, scheduler: SchedulerLike) {
    this.#sink = sink;
    this.#clock = clockOf(scheduler);
    this.#start = this.#clock.now();
    this.#lines = headingLine(new Date(scheduler.now()));
    this.#write();
  }

  /** Notes that a connection was opened, and gives what takes notes of it. */
  begin({ id, peer, local }: Connection): ConnectionNotes {
    this.#open++;
    this.#note({ at: this.#now(), id, type: 'open', peer, local });
    return {
      chunk: (type, bytes) => this.#note({ at: this.#now(), id, type, bytes }),
      mark: (type) => this.#note({ at: this.#now(), id, type }),
      closed: (how) => {
        this.#note({ at: this.#now(), id, type: 'closed', ...(how !== undefined && { how }) });
        this.#open--;
        this.#closeIfDone();
      },
    };
  }

  /** No more connections will be opened. */
  finish(): void {
    this.#finishing = true;
    this.#closeIfDone();
  }

  #now(): number {
    return Math.round((this.#clock.now() - this.#start) * 1_000) / 1_000;
  }

  #note(happening: Happening): void {
    if (this.#closed) return;
    this.#lines += happeningLine(happening);
    if (this.#lines.length >= PAGE) this.#write();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      this.#clock.afterReads(() => {
        this.#scheduled = false;
        this.#write();
      });
    }
  }

  #write(): void {
    if (this.#closed || this.#lines === '') return;
    const lines = this.#lines;
    this.#lines = '';
    try {
      this.#sink.write(lines);
    } catch (error) {
      warnThrown('the recording', error);
      this.#close();
    }
  }

  #closeIfDone(): void {
    if (!this.#finishing || this.#open > 0 || this.#closed) return;
    this.#write();
    this.#close();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#sink.close();
  }
}
