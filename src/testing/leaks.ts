import { createHook } from 'node:async_hooks';
import { checkFunction } from '../check.js';
import { callSite, noteCallSite } from './call-site.js';

/** What can be left open, as Node calls it and as a person does. */
const KINDS: Readonly<Record<string, string>> = {
  TCPWRAP: 'a socket',
  TCPSERVERWRAP: 'a server',
  PIPEWRAP: 'a pipe or Unix socket',
  PIPESERVERWRAP: 'a server',
  UDPWRAP: 'a UDP socket',
  Timeout: 'a timer',
  FILEHANDLE: 'a file',
  FSEVENTWRAP: 'a watched file',
  PROCESSWRAP: 'a child process',
  WORKER: 'a worker thread',
};

/** A thing that was opened, and where in the program. */
interface Opened {
  readonly kind: string;
  readonly thing: object;
  readonly made: Error;
}

/** How long what is being closed may take for it, in milliseconds, and how often we look. */
const PATIENCE = 200;
const EVERY = 2;

/**
 * Fails a test that leaves something open: a socket, a server, a timer, a listener of `process`, a file, a child.
 *
 *     test('serves', assertNoLeaks(async () => { ... }));
 *
 *     left open:
 *       a server 127.0.0.1:35081
 *       a socket 127.0.0.1:43840 → 127.0.0.1:35081, made at /project/test/serve.test.ts:12:24
 *       a timer of 10000 ms, made at poll (/project/src/poll.ts:7:9)
 *       a listener of process for SIGINT: onStop
 *
 * With a `body`, gives a test that runs it and fails unless all that was opened meanwhile is closed at its end, or a
 * moment later. Without, begins to watch at once, and gives the function that looks. Timers that are `unref`ed are left
 * out: they keep nothing alive. What other code opens meanwhile counts too, so tests that run at the same time must not
 * share a process.
 */
export const assertNoLeaks = <Given extends readonly unknown[] = []>(
  body?: (...given: Given) => unknown,
): ((...given: Given) => Promise<void>) => {
  if (body === undefined) return watch().look;
  checkFunction('body', body);
  return async (...given) => {
    const { look, stop } = watch();
    try {
      await body(...given);
      await look();
    } finally {
      stop();
    }
  };
};

/** Watches from now on, until told to look or to stop. To look is to wait for what is being closed, and to fail. */
const watch = (): { readonly look: () => Promise<void>; readonly stop: () => void } => {
  // Made on first use, and nobody's leak.
  void [process.stdout, process.stderr];
  const opened = new Map<number, Opened>();
  const listening = listeners();
  let ours = false;
  const hook = createHook({
    init: (id, type, _, thing) => {
      if (type in KINDS && !ours) opened.set(id, { kind: type, thing, made: noteCallSite() });
    },
    destroy: (id) => {
      opened.delete(id);
    },
  }).enable();

  const left = (): string[] => [
    ...[...opened.values()].filter(counts).map(shown),
    ...listeners()
      .filter(([event, listener]) => !listening.some(([name, known]) => name === event && known === listener))
      .map(
        ([event, { name, listener }]) =>
          `a listener of process for ${String(event)}: ${(listener?.name ?? name) || 'no name'}`,
      ),
  ];

  const aMoment = (): Promise<void> =>
    new Promise((resolve) => {
      ours = true;
      setTimeout(resolve, EVERY);
      ours = false;
    });

  const stop = (): void => {
    hook.disable();
  };

  const look = async (): Promise<void> => {
    // One look after the other, until nothing is left.
    // oxlint-disable-next-line no-await-in-loop
    for (let waited = 0; waited < PATIENCE && left().length > 0; waited += EVERY) await aMoment();
    stop();
    const names = left();
    if (names.length > 0) throw new Error(`left open:\n  ${names.join('\n  ')}`);
  };

  return { look, stop };
};

/** Whom the process tells of what. Around a listener that is told once, Node has a function of its own. */
type Listener = readonly [
  event: string | symbol,
  told: { readonly name: string; readonly listener?: { readonly name: string } },
];

const listeners = (): readonly Listener[] =>
  process
    .eventNames()
    .flatMap((event) => process.rawListeners(event as 'exit').map((listener): Listener => [event, listener]));

/** A timer that is `unref`ed is nobody's leak, nor is one that is over: newer Nodes tell late of those. */
const counts = ({ kind, thing }: Opened): boolean =>
  kind !== 'Timeout' || ((thing as NodeJS.Timeout).hasRef() && Reflect.get(thing, '_idleTimeout') !== -1);

const shown = ({ kind, thing, made }: Opened): string => {
  return `${KINDS[kind]}${detail(kind, thing)}${callSite(made).replace(/^ at /, ', made at ')}`;
};

/** What a thing tells of itself: how long a timer is, from where to where a socket goes. */
const detail = (kind: string, thing: object): string => {
  if (kind === 'Timeout') return ` of ${String(Reflect.get(thing, '_idleTimeout'))} ms`;
  const ends = ['getsockname', 'getpeername'].flatMap((method) => endOf(thing, method) ?? []);
  return ends.length === 0 ? '' : ` ${ends.join(' → ')}`;
};

const endOf = (thing: object, method: string): string | undefined => {
  const tell: unknown = Reflect.get(thing, method);
  if (typeof tell !== 'function') return undefined;
  const end: { readonly address?: string; readonly port?: number } = {};
  Reflect.apply(tell, thing, [end]);
  return end.port === undefined ? undefined : `${end.address}:${end.port}`;
};
