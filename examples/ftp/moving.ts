// The commands that move data: a reply that announces it, a data connection, and a reply that tells how it went.
import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { posix } from 'node:path';
import {
  type Observable,
  catchError,
  concat,
  defer,
  finalize,
  from,
  ignoreElements,
  map,
  merge,
  mergeMap,
  of,
  takeWhile,
} from 'rxjs';
import { type Connection, fromAsyncIterable } from 'sluice';
import { type Reply, isPreliminary, reply } from './control.js';
import { failure } from './failure.js';
import { type Entry, inside } from './files.js';
import { held } from './held.js';
import { longLine } from './listings.js';
import type { Client } from './session.js';
import { fileBytes, fromNetwork, intoFile, lineBytes, receive, send, toNetwork } from './transfer.js';

/** What happens to data, over a connection of its own, until it completes. */
type Transfer = (connection: Connection) => Observable<never>;

const NO_WAY = reply(425, 'Say PASV, EPSV, PORT or EPRT first');
const NO_RESTART = reply(550, 'REST works with TYPE I');

/** Work of which ABOR is the end, from its first moment on. */
const abortable = (client: Client, work: () => Observable<Reply>): Observable<Reply> =>
  defer(() => {
    client.transfers(true);
    return merge(
      defer(work).pipe(catchError((error: unknown) => of(failure(error)))),
      client.aborts.pipe(map(() => reply(426, 'Transfer aborted'))),
    ).pipe(
      takeWhile(isPreliminary, true),
      finalize(() => client.transfers(false)),
    );
  });

/** A data connection is made, `transfer` uses it, and the client is told before and after. */
const transferred = ({ data }: Client, what: string, transfer: Transfer): Observable<Reply> =>
  concat(
    of(reply(150, `Data connection for ${what}`)),
    defer(() => data.use(transfer)),
    of(reply(226, 'Transfer complete')),
  );

/** The same with a file, which is closed at the end, whatever has happened. */
const withFile = (
  client: Client,
  path: string,
  opened: () => Promise<{ readonly file: FileHandle; readonly start: number }>,
  transfer: (file: FileHandle, start: number) => Transfer,
): Observable<Reply> =>
  abortable(client, () => {
    if (!client.data.ready) return of(NO_WAY);
    if (client.restart > 0 && client.type === 'A') return of(NO_RESTART);
    return held(
      opened,
      ({ file }) => void file.close(),
      ({ file, start }) => transferred(client, path, transfer(file, start)),
    );
  });

/** RETR: a file, from where REST has said. */
export const retrieve = (client: Client, argument: string): Observable<Reply> => {
  const { restart, type, cwd, files } = client;
  const path = inside(cwd, argument);
  return withFile(
    client,
    path,
    () => files.read(path, restart),
    (file, start) => send(type === 'A' ? fileBytes(file, start).pipe(toNetwork) : fileBytes(file, start)),
  );
};

/** STOR and APPE. What was there is cut off behind `begin`, and not before data can come. */
export const store = (client: Client, argument: string, begin: number | 'end'): Observable<Reply> => {
  const { type, cwd, files } = client;
  const path = inside(cwd, argument);
  return withFile(
    client,
    path,
    () => files.write(path, begin),
    (file, start) => (connection) => {
      const cut = defer(() => file.truncate(start)).pipe(ignoreElements());
      const sink = intoFile(file, start);
      return concat(cut, receive(type === 'A' ? (bytes) => bytes.pipe(fromNetwork, sink) : sink)(connection));
    },
  );
};

// ── lists ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** How an entry is shown that stands in `folder`, as the client has called it. */
type Show = (entry: Entry, folder: string) => string;

/** What a list is about: what a client has said, the path that it means, and what is there. */
interface Listed {
  readonly said: string;
  readonly path: string;
  readonly stats: Stats;
}

const look = async ({ cwd, files }: Client, said: string): Promise<Listed> => {
  const path = inside(cwd, said);
  return { said, path, stats: await files.stat(path) };
};

/** A line for each entry of a folder; of a file, the one for itself. */
async function* linesOf({ files }: Client, { said, path, stats }: Listed, show: Show): AsyncGenerator<string> {
  if (stats.isDirectory()) for await (const entry of files.list(path)) yield show(entry, said);
  else yield show({ name: posix.basename(path), stats }, posix.dirname(said));
}

/** LIST, NLST and MLSD: a list over a data connection. `folders`: of folders only. */
export const list = (client: Client, argument: string, show: Show, folders = false): Observable<Reply> =>
  abortable(client, () => {
    if (!client.data.ready) return of(NO_WAY);
    return from(look(client, argument)).pipe(
      mergeMap((listed) => {
        if (folders && !listed.stats.isDirectory()) return of(reply(501, 'That is no folder'));
        return transferred(client, `the list of ${listed.path}`, send(lineBytes(linesOf(client, listed, show))));
      }),
    );
  });

/** STAT: a list over the control connection. */
export const listHere = (client: Client, argument: string): Observable<Reply> =>
  defer(() => look(client, argument)).pipe(
    mergeMap((listed) => {
      const lines = fromAsyncIterable(linesOf(client, listed, (entry) => longLine(entry)));
      return concat(of([`213-Status of ${listed.path}:`]), lines.pipe(map((line) => [` ${line}`])), of(['213 End']));
    }),
  );
