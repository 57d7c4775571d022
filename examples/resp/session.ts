// One client: what it has said of itself, and what is done with what it asks.
import { type Connection, FrameTooLong, MalformedFrame, type Watch } from 'sluice';
import type { Client } from 'sluice/server';
import { Observable, type Subscriber } from 'rxjs';
import { type Kind, roomOf } from './channels.js';
import { type Command, takes } from './command.js';
import type { Database } from './database.js';
import { type Allowed, RequestRule } from './request-rule.js';
import { CrossProtocolRequest, ProtocolError, RequestError } from './request-error.js';
import { type ProtocolVersion, Reply } from './reply.js';
import { type Request, requestOf } from './request.js';
import { strangerLimits } from './limits.js';
import type { Service } from './service.js';
import { Transaction } from './transaction.js';

export class Session {
  readonly service: Service;
  readonly rule: RequestRule;
  readonly reply: Reply;
  readonly transaction = new Transaction();
  /** What it listens to. */
  readonly heard: Readonly<Record<Kind, Set<string>>> = { channel: new Set(), pattern: new Set() };
  database: Database;
  name = '';
  /** What it asked last. */
  asked = '';
  readonly #connection: Connection;
  readonly #watch: Watch;
  /** Where answers go. */
  #out: Subscriber<Uint8Array> | null = null;
  /** What it is to hear after the answer. */
  #later: Uint8Array[] = [];
  #known: boolean;
  #ending = false;

  constructor(service: Service, connection: Connection, watch: Watch) {
    this.service = service;
    this.#connection = connection;
    this.#watch = watch;
    this.database = service.databases[0] as Database;
    this.#known = service.password === undefined;
    this.rule = new RequestRule(this.#allowed);
    this.reply = new Reply((bytes) => this.#out?.next(bytes));
  }

  /**
   * Requests in, answers out.
   *
   *     requests  --a---(bc)--|     a: SET k v   b: GET k   c: QUIT
   *     answers   --x---(yz|)       x: +OK   y: $1 v   z: +OK
   *
   * An answer may be several chunks: a large value is passed on as it is.
   */
  readonly answers = (requests: Observable<Uint8Array>): Observable<Uint8Array> =>
    new Observable((out) => {
      this.#out = out;
      this.service.sessions.set(this.id, this);
      out.add(() => this.#leave());
      out.add(
        requests.subscribe({
          next: (frame) => {
            try {
              this.#answer(frame);
            } catch (error) {
              this.#failed(out, error);
            }
          },
          error: (error: unknown) => this.#failed(out, error),
          complete: () => out.complete(),
        }),
      );
    });

  get id(): number {
    return this.#connection.id;
  }

  /** How the server knows it. */
  get client(): Client {
    return this.service.server.clients.get(this.id) as Client;
  }

  /** Whether it may do what it likes: it has said the password, or there is none. */
  get known(): boolean {
    return this.#known;
  }

  /** It has said the password. */
  letIn(): void {
    this.#known = true;
    this.rule.allowed = this.#allowed;
  }

  /** Says something when the request under way has been answered. */
  later(bytes: Uint8Array): void {
    this.#later.push(bytes);
  }

  /** Ends when the request under way has been answered. */
  end(): void {
    this.#ending = true;
  }

  /** Calls itself something. */
  rename(name: string): void {
    this.name = name;
    this.#watch.name = name === '' ? this.#connection.peer : name;
  }

  speak(protocol: ProtocolVersion): void {
    this.#inRooms((room) => this.#watch.exit(room));
    this.reply.protocol = protocol;
    this.#inRooms((room) => this.#watch.enter(room));
  }

  /** Begins to listen to a channel, or to all that match a pattern. */
  listen(kind: Kind, name: string): void {
    const names = this.heard[kind];
    if (names.has(name)) return;
    this.checkNames(this.listening + 1);
    names.add(name);
    if (kind === 'pattern') this.service.channels.count(name, 1);
    this.#watch.enter(roomOf(this.reply.protocol, kind, name));
  }

  /** Ceases to. */
  ignore(kind: Kind, name: string): void {
    if (!this.heard[kind].delete(name)) return;
    if (kind === 'pattern') this.service.channels.count(name, -1);
    this.#watch.exit(roomOf(this.reply.protocol, kind, name));
  }

  /** How many channels and patterns it listens to. */
  get listening(): number {
    return this.heard.channel.size + this.heard.pattern.size;
  }

  /** Refuses what would make it have more names kept for it than it may. */
  checkNames(count: number): void {
    const { names } = this.service.limits;
    if (count > names) throw new RequestError(`ERR a client may watch or listen to ${names} names at most`);
  }

  /** Runs a command. What it refuses is its answer. */
  run(command: Command, request: Request): void {
    this.asked = command.name;
    try {
      command.run(this, request);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      this.reply.error(error.message);
    }
  }

  #answer(frame: Uint8Array): void {
    const request = requestOf(frame, this.rule);
    if (request.length === 0) return;
    this.#obey(request);
    this.reply.flush();
    if (this.#later.length > 0) this.#sayLater();
    if (this.#ending) this.#out?.complete();
  }

  /** What is no request is answered, and then the end comes. All other errors are the connection's. */
  #failed(out: Subscriber<Uint8Array>, error: unknown): void {
    const reason = reasonOf(error);
    if (reason === undefined) return out.error(error);
    this.#watch.refused([reason]);
    this.reply.error(`ERR Protocol error: ${reason}`);
    this.reply.flush();
    out.complete();
  }

  #obey(request: Request): void {
    const { transaction, reply, service } = this;
    try {
      const command = this.#commandOf(request);
      this.#watch.received(command.name);
      if (!transaction.open || command.immediate === true) return this.run(command, request);
      transaction.keep(command, request, service.limits.transaction);
      reply.queued();
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      transaction.failed ||= transaction.open;
      reply.error(error.message);
    }
  }

  /** The command that is asked for, if this client may ask for it now. */
  #commandOf(request: Request): Command {
    const { commands } = this.service;
    const outer = commands.find(request);
    if (outer === undefined) throw isHttp(request) ? new CrossProtocolRequest() : unknownCommand(request);
    let command: Command = outer;
    if (outer.subcommands !== undefined && request.length > 1) {
      const inner = outer.subcommands.find(request, 1);
      if (inner === undefined) throw unknownSubcommand(outer, request);
      command = inner;
    }
    if (!takes(command, request.length)) throw wrongArity(command.name);
    if (!this.#known && command.forStrangers !== true) throw new RequestError('NOAUTH Authentication required.');
    if (this.reply.protocol === 2 && this.listening > 0 && command.forListeners !== true) {
      throw new RequestError(
        `ERR Can't execute '${command.name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context`,
      );
    }
    return command;
  }

  #sayLater(): void {
    const later = this.#later;
    this.#later = [];
    for (const bytes of later) this.#out?.next(bytes);
  }

  #leave(): void {
    this.#out = null;
    this.transaction.end();
    for (const kind of ['channel', 'pattern'] as const)
      for (const name of [...this.heard[kind]]) this.ignore(kind, name);
    this.service.sessions.delete(this.id);
  }

  #inRooms(each: (room: string) => void): void {
    for (const kind of ['channel', 'pattern'] as const) {
      for (const name of this.heard[kind]) each(roomOf(this.reply.protocol, kind, name));
    }
  }

  get #allowed(): Allowed {
    const { limits } = this.service;
    return this.#known ? { ...limits, stranger: false } : { ...limits, ...strangerLimits, stranger: true };
  }
}

/** What is wrong with bytes that are no request, in Redis' words. */
const reasonOf = (error: unknown): string | undefined => {
  if (error instanceof ProtocolError) return error.message;
  if (error instanceof MalformedFrame) return error.reason;
  return error instanceof FrameTooLong ? 'too big request' : undefined;
};

/** A page in a browser may have it send a form to any port: `POST / HTTP/1.1`, and a header with the host. */
const isHttp = (request: Request): boolean => ['POST', 'HOST:'].includes(request.word(0));

export const wrongArity = (name: string): RequestError =>
  new RequestError(`ERR wrong number of arguments for '${name}' command`);

/** So many characters of the name, and of the arguments, are said again to who asked for a command that there is not. */
const ENOUGH = 128;

const unknownCommand = (request: Request): RequestError => {
  const said = (index: number, most: number): string => request.text(index).slice(0, Math.max(0, most));
  let args = '';
  for (let index = 1; index < request.length && args.length < ENOUGH; index++) {
    args += `'${said(index, ENOUGH - args.length)}' `;
  }
  return new RequestError(`ERR unknown command '${said(0, ENOUGH)}', with args beginning with: ${args}`);
};

const unknownSubcommand = ({ name }: Command, request: Request): RequestError =>
  new RequestError(`ERR unknown subcommand '${request.text(1).slice(0, ENOUGH)}'. Try ${name.toUpperCase()} HELP.`);
