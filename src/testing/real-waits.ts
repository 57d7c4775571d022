import { AsyncLocalStorage, createHook } from 'node:async_hooks';

/** What the system calls a thing that is waited for, and what a person calls it. */
const NAMES: Readonly<Record<string, string>> = {
  Timeout:
    "a timer of Node's (setTimeout, setInterval, timers/promises): RxJS's timer, delay and interval run in virtual time",
  Immediate: 'setImmediate: what is to come a moment later can be an RxJS observable with a scheduler',
  FSREQCALLBACK: 'a file',
  FSREQPROMISE: 'a file',
  FILEHANDLE: 'a file',
  TCPWRAP: 'a socket',
  TCPSERVERWRAP: 'a port',
  TCPCONNECTWRAP: 'a socket that connects',
  PIPEWRAP: 'a pipe or a Unix socket',
  PIPECONNECTWRAP: 'a pipe or a Unix socket',
  GETADDRINFOREQWRAP: 'a name to be looked up',
  UDPWRAP: 'a UDP socket',
  PROCESSWRAP: 'a child process',
  WORKER: 'a worker thread',
  ZLIB: 'compression',
  TLSWRAP: 'TLS',
  PBKDF2REQUEST: 'a key derivation',
  RANDOMBYTESREQUEST: 'random bytes',
};

/** The real things that a story is waiting for, by the numbers that the system gives them. */
export type RealWaits = Map<number, string>;

const story = new AsyncLocalStorage<RealWaits>();
let watching = 0;

const hook = createHook({
  init(id, type) {
    if (type in NAMES) story.getStore()?.set(id, type);
  },
  destroy(id) {
    story.getStore()?.delete(id);
    for (const waits of all) waits.delete(id);
  },
});
const all = new Set<RealWaits>();

/** Runs `work`, and notes in `waits` every real thing that it, or what follows from it, is waiting for. */
export const watchingRealWaits = async <A>(waits: RealWaits, work: () => Promise<A>): Promise<A> => {
  // Made on first use, and not to be taken for the story's.
  void process.stdout;
  void process.stderr;
  all.add(waits);
  if (watching++ === 0) hook.enable();
  try {
    return await story.run(waits, work);
  } finally {
    all.delete(waits);
    if (--watching === 0) hook.disable();
  }
};

/** Runs `work` as not of the story: what it waits for is not noted. */
export const besideStory = <A>(work: () => A): A => story.exit(work);

/** What to say of the real things that are waited for; nothing where there are none. */
export const namedWaits = (waits: RealWaits): string | undefined => {
  if (waits.size === 0) return undefined;
  return [...new Set(waits.values())].map((type) => NAMES[type] ?? type).join('; and ');
};
