// A session: what one client does who is logged in. Commands come in, replies go out, one command after another.
import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import {
  NEVER,
  type Observable,
  type ObservableInput,
  Subject,
  catchError,
  concat,
  defer,
  endWith,
  filter,
  finalize,
  from,
  ignoreElements,
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
import { type Connection, FrameTooLong, SluiceError, fromAsyncIterable } from 'sluice';
import { type Peer, concatMap } from 'sluice/operators';
import { type Command, FEATURES, type Reply, isFarewell, isPreliminary, quoted, reply, utf8Option } from './control.js';
import {
  type DataOptions,
  DataPort,
  type Place,
  extendedPortArgument,
  passiveAnswer,
  portArgument,
  sameHost,
} from './data.js';
import { type Files, Outside, inside } from './files.js';
import { FACTS, type Fact, chosenFacts, factsLine, longLine, nameLine, timeValue, withoutOptions } from './listings.js';
import { Interrupted, fileBytes, fromNetwork, intoFile, lineBytes, receive, send, toNetwork } from './transfer.js';

/** What a session may do, and how long it may wait. Times in milliseconds. */
export interface SessionOptions {
  readonly files: Files;
  readonly writable: boolean;
  /** How long a client may say nothing while nothing is transferred. */
  readonly idle: number;
  readonly data: DataOptions;
}

/** What a command is answered: replies, now or later. */
type Answer = ObservableInput<Reply>;

/** What happens to data: over a connection, until it completes. */
type Transfer = (connection: Connection) => Observable<never>;

/** What went wrong, as a reply. */
const failure = (error: unknown): Reply => {
  if (error instanceof Outside) return reply(550, 'No such file or folder');
  if (error instanceof Interrupted || error instanceof SluiceError) return reply(426, 'The transfer was cut short');
  switch ((error as NodeJS.ErrnoException | undefined)?.code) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ELOOP':
    case 'ENAMETOOLONG':
      return reply(550, 'No such file or folder');
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return reply(550, 'Permission denied');
    case 'EEXIST':
      return reply(550, 'It is there already');
    case 'ENOTEMPTY':
      return reply(550, 'The folder is not empty');
    case 'EISDIR':
      return reply(550, 'That is a folder');
    case 'EINVAL':
      return reply(550, 'That cannot be done with this file');
    case 'ENOSPC':
    case 'EDQUOT':
      return reply(452, 'There is no room');
    default:
      return reply(451, 'That has failed');
  }
};

/** The session of a client called `user`. */
export const session =
  ({ files, writable, idle, data: dataOptions }: SessionOptions, user: string) =>
  (commands: Observable<Command>, peer: Peer<string>): Observable<string> => {
    const data = new DataPort(peer.connection, dataOptions);
    const aborts = new Subject<void>();
    /** Whatever a client does, and the end of each transfer: the time in which it may be idle begins anew. */
    const doings = new Subject<void>();
    let cwd = '/';
    let type: 'A' | 'I' = 'A';
    let facts: readonly Fact[] = FACTS;
    /** Where the next transfer begins (REST), and what is to be renamed (RNFR). */
    let restart = 0;
    let renamed: string | undefined;
    let extendedOnly = false;
    let transferring = false;

    // ── transfers ───────────────────────────────────────────────────────────────────────────────────────────────────

    const noData = reply(425, 'Say PASV, EPSV, PORT or EPRT first');

    /** A data connection is made, `transfer` uses it, and the client is told how that went; or it is aborted. */
    const transferred = (what: string, transfer: Transfer): Observable<Reply> => {
      const begin = defer(() => {
        transferring = true;
        return of(reply(150, `Data connection for ${what}`));
      });
      const arrival = defer(() => data.connect()).pipe(
        catchError(() => throwError(() => new Unreached('the data connection did not come'))),
      );
      const work = concat(begin, arrival.pipe(mergeMap(transfer))).pipe(
        endWith(reply(226, 'Transfer complete')),
        catchError((error: unknown) =>
          of(error instanceof Unreached ? reply(425, 'The data connection did not come') : failure(error)),
        ),
      );
      const aborted = aborts.pipe(map(() => reply(426, 'Transfer aborted')));
      return merge(work, aborted).pipe(
        takeWhile(isPreliminary, true),
        finalize(() => {
          transferring = false;
          doings.next();
        }),
      );
    };

    /** The same with a file, which is closed at the end, whatever has happened. */
    const withFile = <A extends { readonly file: FileHandle }>(
      opened: () => Promise<A>,
      what: string,
      transfer: (opened: A) => Transfer,
    ): Observable<Reply> =>
      defer(() => {
        if (!data.ready) return of(noData);
        return from(opened()).pipe(
          mergeMap((file) => transferred(what, transfer(file)).pipe(finalize(() => void file.file.close()))),
        );
      });

    const retrieve = (path: string): Observable<Reply> => {
      const start = restart;
      if (start > 0 && type === 'A') return of(reply(550, 'REST works with TYPE I'));
      return withFile(
        () => files.read(path),
        path,
        ({ file }) => {
          const bytes = fileBytes(file, start);
          return send(type === 'A' ? bytes.pipe(toNetwork) : bytes);
        },
      );
    };

    const store = (path: string, start: number | 'append'): Observable<Reply> => {
      if (start !== 0 && start !== 'append' && type === 'A') return of(reply(550, 'REST works with TYPE I'));
      return withFile(
        () => files.write(path, start),
        path,
        ({ file, start: begin }) =>
          (connection) => {
            const sink = intoFile(file, begin);
            const cut = defer(() => file.truncate(begin)).pipe(ignoreElements());
            return concat(cut, receive(type === 'A' ? (bytes) => bytes.pipe(fromNetwork, sink) : sink)(connection));
          },
      );
    };

    /** Lines for the entries of a folder; of a file, the one for itself. */
    async function* linesOf(path: string, stats: Stats, show: (entry: Entry) => string): AsyncGenerator<string> {
      if (stats.isDirectory()) for await (const entry of files.list(path)) yield show(entry);
      else yield show({ name: nameOf(path), stats });
    }

    const listed = (argument: string, show: (entry: Entry) => string): Observable<Reply> =>
      defer(async () => {
        const path = inside(cwd, argument);
        return [path, await files.stat(path)] as const;
      }).pipe(
        mergeMap(([path, stats]) =>
          data.ready ? transferred(`the list of ${path}`, send(lineBytes(linesOf(path, stats, show)))) : of(noData),
        ),
      );

    // ── data connections ────────────────────────────────────────────────────────────────────────────────────────────

    const passive = async (answer: (port: number) => string | undefined, code: number): Promise<Reply> => {
      if (answer(0) === undefined) return reply(425, 'PASV is for IPv4: say EPSV');
      const port = await data.passive();
      return reply(code, answer(port) as string);
    };

    const active = (place: Place | undefined): Reply => {
      if (extendedOnly) return reply(501, 'You have said EPSV ALL');
      if (place === undefined) return reply(501, 'No such address');
      if (!sameHost(place.host, data.peer)) return reply(501, 'Data goes to your own address only');
      data.active(place);
      return reply(200, 'That is where data goes');
    };

    const extendedPassive = (argument: string): Answer => {
      if (/^all$/i.test(argument)) {
        extendedOnly = true;
        return of(reply(200, 'EPSV and nothing else'));
      }
      const family = data.here.includes(':') ? '2' : '1';
      if (argument !== '' && argument !== family) return of(reply(522, `Not that protocol, use (${family})`));
      return passive((port) => `Listening (|||${port}|)`, 229);
    };

    // ── commands ────────────────────────────────────────────────────────────────────────────────────────────────────

    /** A command that says nothing but that it was done. */
    const done = async (code: number, text: string, deed: Promise<unknown>): Promise<Reply> => {
      await deed;
      return reply(code, text);
    };

    const enter = async (argument: string): Promise<Reply> => {
      const path = inside(cwd, argument);
      if (!(await files.stat(path)).isDirectory()) return reply(550, 'That is no folder');
      cwd = path;
      return reply(250, `You are in ${quoted(cwd)}`);
    };

    /** What is known of a plain file. */
    const fact = async (argument: string, shown: (stats: Stats) => string): Promise<Reply> => {
      const stats = await files.stat(inside(cwd, argument));
      return stats.isFile() ? reply(213, shown(stats)) : reply(550, 'That is no plain file');
    };

    const status = (): Reply =>
      reply(
        211,
        'Status:',
        `${peer.address}, logged in as ${user}`,
        `TYPE ${type}, STRU F, MODE S`,
        transferring ? 'A transfer is under way' : 'No transfer is under way',
        'End',
      );

    /** The list of a folder, over the control connection. */
    const told = (argument: string): Observable<Reply> =>
      defer(async () => {
        const path = inside(cwd, withoutOptions(argument));
        return [path, await files.stat(path)] as const;
      }).pipe(
        mergeMap(([path, stats]) => {
          const lines = fromAsyncIterable(linesOf(path, stats, longLine)).pipe(map((line): Reply => [` ${line}`]));
          return concat(of<Reply>([`213-Status of ${path}:`]), lines, of<Reply>(['213 End']));
        }),
      );

    const options = (argument: string): Reply => {
      const mlst = /^MLST(?: (.*))?$/i.exec(argument);
      if (mlst === null) return utf8Option(argument) ?? reply(501, 'No such option');
      facts = chosenFacts(mlst[1] ?? '');
      return reply(200, `MLST OPTS ${facts.map((name) => `${name};`).join('')}`);
    };

    const oneOf = (allowed: RegExp, argument: string): Reply =>
      allowed.test(argument) ? reply(200, 'Very well') : reply(504, 'Not that one');

    const known: Record<string, (argument: string) => Answer> = {
      QUIT: () => of(reply(221, 'Goodbye')),
      NOOP: () => of(reply(200, 'Done')),
      SYST: () => of(reply(215, 'UNIX Type: L8')),
      FEAT: () => of(FEATURES),
      OPTS: (argument) => of(options(argument)),
      STAT: (argument) => (argument === '' ? of(status()) : told(argument)),
      HELP: (argument) => of(help(argument)),
      ALLO: () => of(reply(202, 'There is no need')),
      USER: () => of(reply(530, 'You are logged in')),
      PASS: () => of(reply(503, 'You are logged in')),

      TYPE: (argument) => {
        const [, ascii] = /^(?:(a)(?: n)?|i|l 8)$/i.exec(argument) ?? [];
        const answer = oneOf(/^(?:a(?: n)?|i|l 8)$/i, argument);
        if (answer[0]?.startsWith('200') === true) type = ascii === undefined ? 'I' : 'A';
        return of(answer);
      },
      MODE: (argument) => of(oneOf(/^s$/i, argument)),
      STRU: (argument) => of(oneOf(/^f$/i, argument)),

      PASV: () =>
        extendedOnly
          ? of(reply(501, 'You have said EPSV ALL'))
          : passive((port) => passiveAnswer(data.here, port)?.replace(/^/, 'Listening '), 227),
      EPSV: extendedPassive,
      PORT: (argument) => of(active(portArgument(argument))),
      EPRT: (argument) => of(active(extendedPortArgument(argument))),

      PWD: () => of(reply(257, quoted(cwd))),
      CWD: enter,
      CDUP: () => enter('..'),

      LIST: (argument) => listed(withoutOptions(argument), (entry) => longLine(entry)),
      NLST: (argument) => {
        const folder = withoutOptions(argument);
        return listed(folder, (entry) => nameLine(folder, entry));
      },
      MLSD: (argument) =>
        from(files.stat(inside(cwd, argument))).pipe(
          mergeMap((stats) =>
            stats.isDirectory()
              ? listed(argument, (entry) => factsLine(entry, facts, writable))
              : of(reply(501, 'That is no folder')),
          ),
        ),
      MLST: async (argument) => {
        const name = inside(cwd, argument);
        return reply(250, 'Facts:', factsLine({ name, stats: await files.stat(name) }, facts, writable), 'End');
      },
      SIZE: (argument) =>
        type === 'A' ? of(reply(550, 'SIZE works with TYPE I')) : fact(argument, ({ size }) => String(size)),
      MDTM: (argument) => fact(argument, ({ mtime }) => timeValue(mtime)),

      REST: (argument) => {
        if (!/^\d{1,15}$/.test(argument)) return of(reply(501, 'REST takes a number'));
        restart = Number(argument);
        return of(reply(350, `The next transfer begins at ${restart}`));
      },
      RETR: (argument) => retrieve(inside(cwd, argument)),
      ABOR: () => of(reply(226, 'Nothing is under way')),
    };

    const writing: Record<string, (argument: string) => Answer> = {
      STOR: (argument) => store(inside(cwd, argument), restart),
      APPE: (argument) => store(inside(cwd, argument), 'append'),
      DELE: (argument) => done(250, 'Deleted', files.remove(inside(cwd, argument))),
      MKD: (argument) => {
        const path = inside(cwd, argument);
        return done(257, `${quoted(path)} is made`, files.makeFolder(path));
      },
      RMD: (argument) => done(250, 'Removed', files.removeFolder(inside(cwd, argument))),
      RNFR: async (argument) => {
        const path = inside(cwd, argument);
        if (!(await files.has(path))) return reply(550, 'No such file or folder');
        renamed = path;
        return reply(350, 'And its new name?');
      },
      RNTO: (argument) => {
        if (renamed === undefined) return of(reply(503, 'RNFR comes first'));
        return done(250, 'Renamed', files.rename(renamed, inside(cwd, argument)));
      },
    };

    const verbs = [...Object.keys(known), ...Object.keys(writing)];

    const help = (argument: string): Reply => {
      const verb = argument.toUpperCase();
      if (argument === '') return reply(214, 'Commands:', verbs.join(' '), 'End');
      return verbs.includes(verb) ? reply(214, `${verb} is known`) : reply(502, 'No such command');
    };

    /** Commands that make no sense without an argument. */
    const demanding = new Set('CWD MKD RMD RETR STOR APPE DELE RNFR RNTO SIZE MDTM'.split(' '));

    const perform = ({ verb, argument }: Command): Answer => {
      if (verb === '') return of(reply(500, 'Not a command'));
      if (argument === '' && demanding.has(verb)) return of(reply(501, `${verb} takes a path`));
      if (Object.hasOwn(known, verb)) return (known[verb] as (argument: string) => Answer)(argument);
      if (!Object.hasOwn(writing, verb)) return of(reply(502, 'No such command'));
      return writable ? (writing[verb] as (argument: string) => Answer)(argument) : of(reply(550, 'Reading only'));
    };

    /** What a command was said for, and is over with the next one: REST lasts until a transfer, RNFR for one command. */
    const forget = (verb: string): void => {
      if (['RETR', 'STOR', 'APPE', 'LIST', 'NLST', 'MLSD'].includes(verb)) restart = 0;
      if (verb !== 'RNFR') renamed = undefined;
    };

    const answered = (command: Command): Observable<Reply> =>
      defer(() => perform(command)).pipe(
        catchError((error: unknown) => of(failure(error))),
        finalize(() => forget(command.verb)),
      );

    // ── the whole of it ─────────────────────────────────────────────────────────────────────────────────────────────

    /** ABOR ends the transfer at once, and is answered in its turn; STAT is answered at once while there is one. */
    const overtakes = ({ verb, argument }: Command): boolean => {
      if (verb === 'ABOR' && transferring) aborts.next();
      if (verb !== 'STAT' || argument !== '' || !transferring) return false;
      for (const line of status()) peer.send(line);
      return true;
    };

    const tooLong = (error: unknown): Observable<Reply> =>
      error instanceof FrameTooLong
        ? of(reply(500, 'The line is too long'), reply(421, 'Closing'))
        : throwError(() => error);

    const replies = commands.pipe(
      tap(() => doings.next()),
      filter((command) => !overtakes(command)),
      concatMap(answered),
      catchError(tooLong),
    );

    const idleness = doings.pipe(
      startWith(undefined),
      switchMap(() => (transferring ? NEVER : timer(idle))),
      take(1),
      map(() => reply(421, 'You were silent for too long')),
    );

    return merge(replies.pipe(endWith(null)), idleness).pipe(
      takeWhile((said): said is Reply => said !== null),
      mergeMap((lines) => lines),
      takeWhile((line) => !isFarewell(line), true),
      finalize(() => data.close()),
    );
  };

/** A data connection that did not come. */
class Unreached extends Error {}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1) || '/';

type Entry = { readonly name: string; readonly stats: Stats };
