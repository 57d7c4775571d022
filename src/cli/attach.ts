import { Subject, firstValueFrom } from 'rxjs';
import { decodeOr } from '../../operators/decode-or.js';
import { encodeFrames } from '../../operators/encode-frames.js';
import { encodeWith } from '../../operators/encode-with.js';
import { frame } from '../../operators/frame.js';
import type { Connection } from '../connection/connection.js';
import { dial } from '../connection/dial.js';
import type { KindName } from './kinds.js';
import { Reply, Request, controlFraming } from './control-messages.js';
import type { Asked } from './row.js';
import { Complaint, type Io, type Shell } from './shell.js';

/** Dials the control socket at `path`. What is typed then happens there; leaving it ends nothing but this connection. */
export const attach = async (path: string): Promise<Shell> =>
  new RemoteShell(path, await firstValueFrom(dial({ path })));

/** What is under way: who is told of its replies, and of the end of all. */
interface Waiting {
  readonly told: (reply: Reply) => void;
  readonly lost: () => void;
}

class RemoteShell implements Shell {
  context: readonly string[] = [];
  readonly over: AbortSignal;
  readonly #connection: Connection;
  readonly #path: string;
  readonly #requests = new Subject<Request>();
  readonly #waiting = new Map<number, Waiting>();
  #numbered = 0;

  constructor(path: string, connection: Connection) {
    this.#path = path;
    this.#connection = connection;
    const over = new AbortController();
    this.over = over.signal;
    const gone = (): void => {
      over.abort();
      for (const { lost } of this.#waiting.values()) lost();
      this.#waiting.clear();
    };
    this.#requests
      .pipe(encodeWith(Request), encodeFrames(controlFraming), connection.writes)
      .subscribe({ error: gone });
    connection.reads
      .pipe(frame(controlFraming), decodeOr(Reply, 'end'))
      .subscribe({ next: (reply) => this.#waiting.get(reply.id)?.told(reply), error: gone, complete: gone });
  }

  run(line: string, { print, signal }: Io): Promise<Asked | undefined> {
    let text = '';
    return this.#ask(
      (id) => ({ id, run: line }),
      signal,
      (reply, done, failed) => {
        if ('say' in reply) {
          text += reply.say;
          if (reply.more) return;
          print(text);
          text = '';
        } else if ('context' in reply) {
          this.context = reply.context;
          if (reply.complaint === undefined) done(reply.asked);
          else failed(new Complaint(reply.complaint.reason, reply.complaint.at));
        }
      },
    );
  }

  readonly names = (
    names: KindName,
    begun: string,
    given: Readonly<Record<string, unknown>>,
  ): Promise<readonly string[]> =>
    this.#ask<readonly string[]>(
      (id) => ({ id, names, begun, given }),
      undefined,
      (reply, done) => {
        if ('found' in reply) done(reply.found);
      },
    );

  async leave(): Promise<void> {
    this.#requests.complete();
    await firstValueFrom(this.#connection.closed, { defaultValue: undefined });
  }

  /** Sends a request, and hands on what is said to it until that is done or fails, or all is over. */
  #ask<A>(
    request: (id: number) => Request,
    signal: AbortSignal | undefined,
    told: (reply: Reply, done: (value: A) => void, failed: (error: Complaint) => void) => void,
  ): Promise<A> {
    const id = ++this.#numbered;
    const stop = (): void => this.#requests.next({ id, stop: true });
    return new Promise<A>((resolve, reject) => {
      const lost = (): void => reject(new Complaint(`the shell at ${this.#path} has ended`));
      if (this.over.aborted) return lost();
      this.#waiting.set(id, { told: (reply) => told(reply, resolve, reject), lost });
      signal?.addEventListener('abort', stop);
      this.#requests.next(request(id));
      if (signal?.aborted === true) stop();
    }).finally(() => {
      signal?.removeEventListener('abort', stop);
      this.#waiting.delete(id);
    });
  }
}
