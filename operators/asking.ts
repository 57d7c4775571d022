import { Observable, type Subscriber } from 'rxjs';
import { Borrower, type Lender } from '../src/client/lender.js';
import type { Asker, Line } from '../src/client/line.js';
import { QueueOverflow, type SluiceError } from '../src/errors.js';
import { Consumer } from '../src/flow/consumer.js';
import type { Gate } from '../src/flow/gate.js';
import { Queue } from '../src/flow/queue.js';
import { Link } from './link.js';

/** Requests of a stream that wait in it before the sources above are told to rest. */
const HIGH_WATER = 16;

/** The most that wait in it, whatever the sources do. */
const LIMIT = 65_536;

/** How a stream of requests is asked. */
interface AskingOptions<Q, S, A> {
  readonly lender: Lender<S, A>;
  /** What is sent for a request. */
  readonly prepare: (request: Q) => S;
  /** The most requests that may be under way at once. */
  readonly concurrency: number;
}

/**
 * Requests in, their answers out, in the order of the requests: what `pool.ask()` is.
 *
 * However many requests it has, the stream waits in the pool's list as one, and takes turns with all others there.
 */
export const asking =
  <Q, S, A>(options: AskingOptions<Q, S, A>) =>
  (requests: Observable<Q>): Observable<A> =>
    new Observable((out) => new Asking(options, out).subscribe(requests));

class Asking<Q, S, A> {
  readonly #options: AskingOptions<Q, S, A>;
  readonly #out: Subscriber<A>;
  readonly #consumer = new Consumer('pool.ask', HIGH_WATER);
  readonly #gate: Gate = this.#consumer.gate;
  readonly #queue = new Queue<S>();
  /** What is under way, or over and waiting for what came before it. */
  readonly #jobs = new Queue<Job<A>>();
  readonly #place: Place<S, A>;
  #link: Link<Q> | null = null;
  #waiting = false;
  #ended = false;

  constructor(options: AskingOptions<Q, S, A>, out: Subscriber<A>) {
    this.#options = options;
    this.#out = out;
    this.#place = new Place({ served: (line) => this.#send(line), refused: (error) => this.#refuse(error) });
  }

  subscribe(requests: Observable<Q>): void {
    const link = new Link<Q>(this.#out, {
      next: (request) => this.#take(request),
      error: (error) => this.#gate.error(this.#out, error),
      complete: () => {
        this.#ended = true;
        this.#emit();
      },
    });
    this.#link = link;
    this.#out.add(() => {
      this.#queue.clear();
      this.#options.lender.withdraw(this.#place);
      this.#consumer.leave();
    });
    this.#consumer.subscribe(() => requests.subscribe(link));
  }

  #take(request: Q): void {
    if (this.#queue.length === LIMIT && !this.#consumer.subscribing) {
      return this.#gate.error(this.#out, new QueueOverflow('pool.ask', LIMIT));
    }
    this.#queue.push(this.#options.prepare(request));
    this.#wait();
    this.#consumer.filled(this.#queue.length);
  }

  /** Waits for a line if there is something to send, and may be: not while a consumer below is full. */
  readonly #wait = (): void => {
    const wants = Math.min(this.#queue.length, this.#options.concurrency - this.#jobs.length);
    if (this.#waiting || wants <= 0) return;
    if (this.#gate.closed) return this.#consumer.wait(this.#goOn);
    this.#waiting = true;
    this.#place.wants = wants;
    this.#options.lender.enlist(this.#place);
  };

  readonly #goOn = (): void => {
    this.#wait();
    this.#consumer.drained(this.#queue.length);
  };

  #send(line: Line<S, A>): void {
    this.#waiting = false;
    const job = new Job<A>(this.#emit, this.#out);
    this.#jobs.push(job);
    line.ask(this.#queue.shift() as S, job);
    this.#goOn();
  }

  /** The next request is not going to be answered, nor any that follows; those before it may be. */
  #refuse(error: SluiceError): void {
    this.#link?.unsubscribe();
    this.#queue.clear();
    const job = new Job<A>(this.#emit, this.#out);
    this.#jobs.push(job);
    job.lost(error);
  }

  /** Passes on what is next in order, and its end. */
  readonly #emit = (): void => {
    for (let first = this.#jobs.peek(); first?.over === true; first = this.#jobs.peek()) {
      this.#jobs.shift();
      if (first.error !== undefined) return this.#gate.error(this.#out, first.error);
      this.#gate.next(this.#out, first.answer as A);
    }
    this.#goOn();
    if (this.#ended && this.#jobs.length === 0 && this.#queue.length === 0) this.#gate.complete(this.#out);
  };
}

/** A request that was sent. */
class Job<A> implements Asker<A> {
  over = false;
  answer: A | undefined;
  error: SluiceError | undefined;
  readonly #emit: () => void;
  readonly #out: Subscriber<A>;

  constructor(emit: () => void, out: Subscriber<A>) {
    this.#emit = emit;
    this.#out = out;
  }

  get gone(): boolean {
    return this.#out.closed;
  }

  answered(answer: A): void {
    this.over = true;
    this.answer = answer;
    this.#emit();
  }

  lost(error: SluiceError): void {
    this.over = true;
    this.error = error;
    this.#emit();
  }
}

/** The place of a stream in the pool's list. It can be made to rest, so it is not refused because too many wait. */
class Place<S, A> extends Borrower<S, A> {
  readonly alone = false;
  readonly refusable = false;
  readonly served: (line: Line<S, A>) => void;
  readonly refused: (error: SluiceError) => void;

  constructor(told: Pick<Borrower<S, A>, 'refused'> & { readonly served: (line: Line<S, A>) => void }) {
    super();
    this.served = told.served;
    this.refused = told.refused;
  }
}
