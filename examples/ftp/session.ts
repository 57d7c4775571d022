// A session: what one client does who is logged in. Commands come in, lines of replies go out, one command after another.
import {
  NEVER,
  type Observable,
  type ObservableInput,
  Subject,
  catchError,
  defer,
  endWith,
  filter,
  finalize,
  map,
  merge,
  mergeMap,
  of,
  startWith,
  switchMap,
  take,
  takeWhile,
  tap,
  throwError,
  timer,
} from 'rxjs';
import { FrameTooLong } from 'sluice';
import { type Peer, concatMap } from 'sluice/operators';
import { forget, perform, status } from './commands.js';
import { type Command, type Reply, isFarewell, reply } from './control.js';
import { type DataOptions, DataPort } from './data.js';
import { failure } from './failure.js';
import type { Files } from './files.js';
import { FACTS, type Fact } from './listings.js';

/** What a session may do, and how long it may wait. Times in milliseconds. */
export interface SessionOptions {
  readonly files: Files;
  readonly writable: boolean;
  /** How long a client may say nothing while nothing is transferred. */
  readonly idle: number;
  readonly data: DataOptions;
}

/** What a command is answered: replies, now or later. */
export type Answer = ObservableInput<Reply>;

/** One client who is logged in. */
export class Client {
  readonly user: string;
  readonly address: string;
  readonly files: Files;
  readonly writable: boolean;
  readonly data: DataPort;
  /** Where it is. */
  cwd = '/';
  /** Lines of text, with the endings of the network (A), or bytes as they are (I). */
  type: 'A' | 'I' = 'A';
  /** What MLSD and MLST tell. */
  facts: readonly Fact[] = FACTS;
  /** Where the next transfer begins (REST). */
  restart = 0;
  /** What is to be renamed (RNFR). */
  renamed: string | undefined;
  /** It has said EPSV ALL. */
  extendedOnly = false;
  transferring = false;
  /** Tells the transfer that is under way to end. */
  readonly aborts = new Subject<void>();
  /** It says something, or a transfer begins or ends: the time in which it may be idle is measured anew. */
  readonly doings = new Subject<void>();

  constructor(user: string, { connection, address }: Peer<string>, { files, writable, data }: SessionOptions) {
    this.user = user;
    this.address = address;
    this.files = files;
    this.writable = writable;
    this.data = new DataPort(connection, data);
  }

  /** A transfer begins, or ends. */
  transfers(transferring: boolean): void {
    this.transferring = transferring;
    this.doings.next();
  }
}

/** ABOR ends a transfer at once, and is answered in its turn; STAT is answered at once while there is a transfer. */
const overtakes = (client: Client, { verb, argument }: Command, peer: Peer<string>): boolean => {
  if (!client.transferring) return false;
  if (verb === 'ABOR') client.aborts.next();
  if (verb !== 'STAT' || argument !== '') return false;
  for (const line of status(client)) peer.send(line);
  return true;
};

const answered =
  (client: Client) =>
  (command: Command): Observable<Reply> =>
    defer(() => perform(client, command)).pipe(
      catchError((error: unknown) => of(failure(error))),
      finalize(() => forget(client, command)),
    );

const lineTooLong = (error: unknown): Observable<Reply> =>
  error instanceof FrameTooLong
    ? of(reply(500, 'The line is too long'), reply(421, 'Closing'))
    : throwError(() => error);

/** Says goodbye after `ms` milliseconds in which the client has done nothing, and no transfer was under way. */
const idleness = (client: Client, ms: number): Observable<Reply> =>
  client.doings.pipe(
    startWith(undefined),
    switchMap(() => (client.transferring ? NEVER : timer(ms))),
    take(1),
    map(() => reply(421, 'You were silent for too long')),
  );

/** The session of a client who is logged in as `user`. */
export const session =
  (options: SessionOptions, user: string) =>
  (commands: Observable<Command>, peer: Peer<string>): Observable<string> => {
    const client = new Client(user, peer, options);
    const replies = commands.pipe(
      filter(({ verb }) => verb !== ''),
      tap(() => client.doings.next()),
      filter((command) => !overtakes(client, command, peer)),
      concatMap(answered(client)),
      catchError(lineTooLong),
    );
    return merge(replies.pipe(endWith(null)), idleness(client, options.idle)).pipe(
      takeWhile((said): said is Reply => said !== null), // with the last reply, not only with the last timer
      mergeMap((lines) => lines),
      takeWhile((line) => !isFarewell(line), true),
      finalize(() => client.data.close()),
    );
  };
