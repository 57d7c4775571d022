import { lstatSync, unlinkSync } from 'node:fs';
import { Observable, Subject, catchError, firstValueFrom, map, of } from 'rxjs';
import { type Protocol, protocol } from '../../operators/protocol.js';
import { drain } from '../../operators/drain.js';
import { serve } from '../../operators/serve.js';
import { dial } from '../connection/dial.js';
import { listen } from '../connection/listen.js';
import { ListenFailed } from '../errors.js';
import { Reply, Request, controlFraming, saying } from './control-messages.js';
import { Complaint, type Shell } from './shell.js';

/** Bytes that may wait for an attached terminal before live output leaves out what it does not take. */
const BEHIND = 256 * 1024;

/**
 * Bytes of answers that may wait for one who is attached: all clients of a large server as JSON come at once. More ends
 * that connection.
 */
const ANSWERS = 256 * 1024 * 1024;

/** How long those who are attached have to take the last words when the socket is closed, in milliseconds. */
const GOODBYE = 500;

/** What is spoken over the control socket: each who is attached has a shell of their own over the same servers. */
const control = (shellFor: () => Shell): Protocol<Request, Reply> =>
  protocol<Request, Reply>({
    name: 'control',
    framing: controlFraming,
    message: Request,
    answer: Reply,
    session: (requests, { connection }) =>
      new Observable((out) => {
        const shell = shellFor();
        const running = new Map<number, AbortController>();
        const stopAll = (): void => {
          for (const controller of running.values()) controller.abort();
        };
        const run = async (id: number, line: string): Promise<void> => {
          const controller = new AbortController();
          running.set(id, controller);
          const ended = await shell
            .run(line, {
              print: (text) => {
                for (const piece of saying(id, text)) out.next(piece);
              },
              full: () => connection.statistics.buffered > BEHIND,
              signal: controller.signal,
            })
            .then(
              (asked) => ({ asked, complaint: undefined }),
              (error: unknown) => ({ asked: undefined, complaint: complaintOf(error) }),
            );
          running.delete(id);
          out.next({ id, context: [...shell.context], ...ended });
        };
        out.add(stopAll);
        requests.subscribe({
          next: (request) => {
            if ('run' in request) void run(request.id, request.run);
            else if ('stop' in request) running.get(request.id)?.abort();
            else {
              void shell
                .names(request.names, request.begun, request.given)
                .then((found) => out.next({ id: request.id, found: [...found] }));
            }
          },
          error: (error: unknown) => out.error(error),
          complete: () => out.complete(),
        });
      }),
  });

const complaintOf = (error: unknown): { readonly reason: string; readonly at: number | undefined } => ({
  reason: error instanceof Error ? error.message : String(error),
  at: error instanceof Complaint ? error.at : undefined,
});

/** Whether somebody answers at a Unix socket. */
const answered = (path: string): Promise<boolean> =>
  firstValueFrom(
    dial({ path, connectTimeout: 1_000 }).pipe(
      map((connection) => {
        connection.abort();
        return true;
      }),
      catchError(() => of(false)),
    ),
  );

/** Takes away the socket file that a process left behind which is gone. Anything else at that path stays. */
const makeRoom = async (path: string): Promise<void> => {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there === undefined) return;
  if (!there.isSocket()) throw new Complaint(`${path} is there, and is no socket`);
  if (await answered(path)) throw new Complaint(`another shell listens at ${path}: npx sluice attach ${path}`);
  unlinkSync(path);
};

/** A control socket that is open. */
export interface ControlSocket {
  /** Closes it, once those who are attached have what was said to them. */
  readonly close: () => Promise<void>;
}

/**
 * Opens a control socket: a Unix socket that nobody but its owner may use (mode 0600), over which `npx sluice attach`
 * and others type lines, any number of them at once. Rejects when it cannot be opened.
 */
export const openControlSocket = async (path: string, shellFor: () => Shell): Promise<ControlSocket> => {
  await makeRoom(path);
  const stop = new Subject<void>();
  return new Promise((resolve, reject) => {
    let closed = (): void => {};
    const gone = new Promise<void>((done) => {
      closed = done;
    });
    const close = (): Promise<void> => {
      stop.next();
      return gone;
    };
    // The file is made with the mode that it keeps: at no moment could anybody else connect.
    const mask = process.umask(0o177);
    try {
      listen({ path, writeLimit: ANSWERS, onListening: () => resolve({ close }) })
        .pipe(drain(stop, GOODBYE, serve(control(shellFor))))
        .subscribe({
          error: (error: unknown) => reject(error instanceof ListenFailed ? new Complaint(error.message) : error),
          complete: closed,
        });
    } finally {
      process.umask(mask);
    }
  });
};
