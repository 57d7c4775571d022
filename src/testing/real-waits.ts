import { AsyncLocalStorage, createHook } from 'node:async_hooks';
import { callSite, noteCallSite } from './call-site.js';

const FILE = 'a file';
const PIPE = 'a pipe or a Unix socket';
const SOCKET = 'a socket';
const NAME = 'a name to be looked up (DNS)';
const CRYPTO = 'cryptography in another thread';

/** What the system calls a thing that is waited for, and what a person calls it. (Node's `async_hooks`, "type".) */
const NAMES: ReadonlyMap<string, string> = new Map([
  ['Timeout', "a timer of Node's (setTimeout, setInterval, timers/promises; RxJS's timer runs in virtual time)"],
  ['Immediate', 'setImmediate'],
  ['FSREQCALLBACK', FILE],
  ['FSREQPROMISE', FILE],
  ['FSEVENTWRAP', 'a file that is watched'],
  ['STATWATCHER', 'a file that is watched'],
  ['TCPWRAP', SOCKET],
  ['TCPCONNECTWRAP', SOCKET],
  ['TCPSERVERWRAP', 'a port that is listened on'],
  ['TLSWRAP', 'TLS'],
  ['UDPWRAP', 'a UDP socket'],
  ['PIPEWRAP', PIPE],
  ['PIPECONNECTWRAP', PIPE],
  ['PIPESERVERWRAP', PIPE],
  ['GETADDRINFOREQWRAP', NAME],
  ['GETNAMEINFOREQWRAP', NAME],
  ['QUERYWRAP', NAME],
  ['PROCESSWRAP', 'a child process'],
  ['WORKER', 'a worker thread'],
  ['MESSAGEPORT', 'a message port'],
  ['ZLIB', 'compression in another thread'],
  ...['CHECKPRIME', 'CIPHER', 'DERIVEBITS', 'HASH', 'KEYEXPORT', 'KEYGEN', 'KEYPAIRGEN', 'PBKDF2', 'RANDOMBYTES']
    .concat(['RANDOMPRIME', 'SCRYPT', 'SIGN'])
    .map((job): [string, string] => [`${job}REQUEST`, CRYPTO]),
]);

interface Wait {
  readonly type: string;
  readonly resource: WeakRef<object>;
  readonly note: Error;
}

/** What Node's own parts of a wait tell of it. */
interface Resource {
  /** Of a timer: whether it was cleared, or has gone off. */
  readonly _destroyed?: boolean;
  /** Of cryptography: what is called when another thread has done it. Nothing, where it was done on the spot. */
  readonly ondone?: unknown;
  /** Of compression: what another thread works on. */
  readonly buffer?: unknown;
}

/** Whether it is still waited for. */
const isWaiting = ({ type, resource }: Wait): boolean => {
  const { _destroyed: over, ondone, buffer = null } = (resource.deref() ?? { _destroyed: true }) as Resource;
  if (NAMES.get(type) === CRYPTO) return ondone !== undefined;
  return type === 'ZLIB' ? buffer !== null : over !== true;
};

/** The real things that a story waits for, or was waiting for until just now. */
export class RealWaits {
  readonly #waits = new Map<number, Wait>();
  readonly #came: Wait[] = [];

  /** Whether there may be any. */
  get some(): boolean {
    return this.#waits.size > 0;
  }

  /** What there is to say of them, a line for each kind; nothing where there are none. */
  described(): string | undefined {
    if (this.#waits.size === 0) return undefined;
    for (const [id, wait] of this.#waits) if (wait.type !== 'ZLIB' && !isWaiting(wait)) this.#waits.delete(id);
    const named = new Map<string, string>();
    for (const wait of [...this.#came, ...[...this.#waits.values()].filter(isWaiting)]) {
      const name = NAMES.get(wait.type) as string;
      named.set(name, named.get(name) || callSite(wait.note));
    }
    return named.size === 0 ? undefined : [...named].map(([name, where]) => `  ${name}${where}`).join('\n');
  }

  /** @internal */
  began(id: number, type: string, resource: object): void {
    this.#waits.set(id, { type, resource: new WeakRef(resource), note: noteCallSite() });
  }

  /** @internal It came, and was real. */
  came(id: number): void {
    const wait = this.#waits.get(id);
    if (wait !== undefined) this.#came.push(wait);
  }
}

/** Whose doing something is: a story's, or nobody's. */
const doer = new AsyncLocalStorage<RealWaits>();
let watched: RealWaits | null = null;
/** What is made now is none of the story's. */
let beside = false;

const hook = createHook({
  init: (id, type, _, resource: object) => {
    if (!beside && NAMES.has(type)) doer.getStore()?.began(id, type, resource);
  },
  before: (id) => watched?.came(id),
});

/** Runs `work`, and notes in `waits` every real thing that it, or what follows from it, is waiting for. One at a time. */
export const watchingRealWaits = async <A>(waits: RealWaits, work: () => Promise<A>): Promise<A> => {
  // Made on first use, and not to be taken for the story's.
  void [process.stdout, process.stderr];
  watched = waits;
  hook.enable();
  try {
    return await doer.run(waits, work);
  } finally {
    hook.disable();
    watched = null;
  }
};

/** Runs `work` as not of the story: what it waits for is not noted. */
export const besideStory = <A>(work: () => A): A => {
  beside = true;
  try {
    return work();
  } finally {
    beside = false;
  }
};
