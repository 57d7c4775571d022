import { Observable, Subject } from 'rxjs';
import { type Protocol, protocol } from '../../operators/protocol.js';
import { drain } from '../../operators/drain.js';
import { serve } from '../../operators/serve.js';
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

/** Why there is no control socket, in words for who asked for it. */
const whyNot = (path: string, error: unknown): unknown => {
  if (!(error instanceof ListenFailed)) return error;
  if (error.code === 'EEXIST') return new Complaint(`${path} is there, and is no socket`);
  const inUse = error.code === 'EADDRINUSE';
  return new Complaint(inUse ? `another shell listens at ${path}: npx sluice attach ${path}` : error.message);
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
export const openControlSocket = (path: string, shellFor: () => Shell): Promise<ControlSocket> => {
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
    listen({ path, mode: 0o600, writeLimit: ANSWERS, onListening: () => resolve({ close }) })
      .pipe(drain(stop, GOODBYE, serve(control(shellFor))))
      .subscribe({ error: (error: unknown) => reject(whyNot(path, error)), complete: closed });
  });
};
