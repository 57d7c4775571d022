import { Observable, type Subscriber } from 'rxjs';
import type { PoolSession } from '../../operators/index.js';
import type { Connection } from '../../src/index.js';
import { paperConnection } from './paper-connection.js';

/** A connection of a pool to a server on paper: what was asked on it, to be answered by hand, in capitals. */
export class PaperLine {
  readonly connection: Connection;
  /** What was asked and not answered yet; and all that was. */
  readonly open: string[] = [];
  readonly asked: string[] = [];
  closed = false;
  #answers: Subscriber<string> | null = null;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  talk(requests: Observable<string>, out: Subscriber<string>, asked: (request: string) => void): void {
    this.#answers = out;
    out.add(() => {
      this.closed = true;
      this.connection.end();
    });
    out.add(
      requests.subscribe((request) => {
        this.open.push(request);
        this.asked.push(request);
        asked(request);
      }),
    );
  }

  /** Answers the oldest. */
  answer(): void {
    const request = this.open.shift();
    if (request !== undefined) this.#answers?.next(request.toUpperCase());
  }

  /** Says what nobody has asked. */
  blurt(): void {
    this.#answers?.next('by the way');
  }

  /** The server ends it, or it breaks. */
  lose(error?: Error): void {
    if (error === undefined) this.#answers?.complete();
    else this.#answers?.error(error);
  }
}

/** A server on paper: who dials waits until a test accepts or refuses. */
export class PaperServer {
  /** Those that dial, the first one first. */
  readonly dials: Subscriber<Connection>[] = [];
  /** All that were accepted, in order. */
  readonly lines: PaperLine[] = [];
  /** Called when something is asked. */
  onAsked: (line: PaperLine, request: string) => void = () => {};
  /** Called when a line has been made. */
  onAccepted: (line: PaperLine) => void = () => {};
  /** What a connection does before it is gone, once it was closed. */
  linger = (over: () => void): void => over();
  /** Accepts whoever dials, at once. */
  open = false;

  readonly dial = new Observable<Connection>((out) => {
    this.dials.push(out);
    out.add(() => {
      const at = this.dials.indexOf(out);
      if (at >= 0) this.dials.splice(at, 1);
    });
    if (this.open) this.accept();
  });

  readonly session: PoolSession<string, string> = (connection) => (requests) =>
    new Observable((out) => {
      const line = this.lines.find((each) => each.connection.id === connection.id) as PaperLine;
      line.talk(requests, out, (request) => this.onAsked(line, request));
    });

  /** Lines that nobody has closed. */
  get alive(): readonly PaperLine[] {
    return this.lines.filter(({ closed }) => !closed);
  }

  accept(at = 0): void {
    const out = this.dials[at];
    if (out === undefined) return;
    const connection = paperConnection('paper', this.linger);
    const line = new PaperLine(connection);
    this.lines.push(line);
    this.onAccepted(line);
    out.next(connection);
    out.complete();
  }

  refuse(at = 0): void {
    this.dials[at]?.error(new Error('refused'));
  }

  /** Answers everything, on every line. */
  answerAll(): void {
    for (const line of this.alive) while (line.open.length > 0 && !line.closed) line.answer();
  }
}
