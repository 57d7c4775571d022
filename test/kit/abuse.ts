// What the abuse tests have in common: the servers in a process of their own, crowds of clients that mean no good, a few
// that mean well and must not notice, and what it all cost.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type Socket, connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import type { Drained, Held, Opened } from './abused.js';
import { suite } from './suite.js';
import { type Target, targets } from './targets.js';

export const MB = 1024 * 1024;

/** One port of the servers. */
export interface Port {
  /** `chat, TLS` */
  readonly name: string;
  readonly target: Target;
  readonly secure: boolean;
  readonly port: number;
}

/** What the servers grew by at the most, in bytes, how long others waited, and how connections ended meanwhile. */
export interface Seen {
  readonly rss: number;
  readonly used: number;
  readonly waited: number;
  /** How many connections of this port ended like this. */
  ended(port: Port, how: string): number;
  /** Fails unless so many connections of this port have ended like this. */
  expect(port: Port, how: string, count: number): void;
}

/** How long one who means well may have to wait, in milliseconds. */
const PATIENCE = 1_000;
/** How soon what was held has to be given back, in milliseconds. */
const SOON = 3_000;

/** How often we look at what the servers hold, how often each who is there asks something, and how often one comes anew. */
const LOOK = 400;
const ASK = 400;
const COME = 200;

/**
 * Milliseconds that count: not those in which this process was late, nor those in which the other was ready to run and
 * the machine had no processor for it. Where the system does not tell, all of those count.
 */
const fairClock = (pid: number): { readonly now: () => number; readonly stop: () => void } => {
  let late = 0;
  let last = performance.now();
  const tardy = (): number => Math.max(0, performance.now() - last - TICK);
  const ticking = setInterval(() => {
    late += tardy();
    last = performance.now();
  }, TICK);
  const queued = (): number => {
    try {
      return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6;
    } catch {
      return 0;
    }
  };
  return { now: () => performance.now() - late - tardy() - queued(), stop: () => clearInterval(ticking) };
};

const TICK = 20;

let words = 0;

/** A word that nobody has said before. */
export const word = (): string => `w${++words}`;

/** Says what somebody means whose bytes are a letter each. */
export const bytes = (said: string): Buffer => Buffer.from(said, 'latin1');

/** One who means well: asks something and waits for the answer. Of all else that it hears it keeps nothing. */
export class Guest {
  readonly socket: Socket;
  #tail = '';
  #waiting:
    | { readonly expected: string; readonly heard: () => void; readonly over: (error: Error) => void }
    | undefined;

  constructor(socket: Socket) {
    const over = (): void => this.#waiting?.over(new Error(`over before it heard ${this.#waiting.expected}`));
    this.socket = socket
      .on('data', (chunk: Buffer) => this.#hear(chunk))
      .on('end', over)
      .on('close', over);
    socket.resume();
  }

  say(said: string): void {
    this.socket.write(bytes(said));
  }

  /** Waits until it hears this, from now on. */
  async hears(expected: string): Promise<void> {
    await new Promise<void>((heard, over) => {
      this.#tail = '';
      this.#waiting = { expected, heard, over };
      if (this.socket.destroyed) over(new Error(`over before it could hear ${expected}`));
    });
    this.#waiting = undefined;
  }

  #hear(chunk: Buffer): void {
    if (this.#waiting === undefined) return;
    const { expected, heard } = this.#waiting;
    const text = this.#tail + chunk.toString('latin1');
    if (text.includes(expected)) heard();
    this.#tail = text.slice(-expected.length);
  }
}

/** The servers, from outside. */
export class Servers {
  readonly ports: readonly Port[];
  readonly #process: ChildProcess;
  readonly #ca: string;
  #asked = 0;
  /** How its process ended, once it has. */
  readonly exited: Promise<number | string | null>;

  constructor(process: ChildProcess, { ports, ca }: Opened) {
    this.#process = process;
    this.#ca = ca;
    this.exited = once(process, 'exit').then(([code, signal]) => (code ?? signal) as number | string | null);
    this.ports = Object.entries(ports).map(([name, port]) => {
      const [kind, carrier] = name.split(', ');
      const target = targets.find((one) => one.name === kind) as Target;
      return { name, target, secure: carrier === 'TLS', port };
    });
  }

  /** Those whose target has all of this. */
  those(...has: readonly (keyof Target)[]): readonly Port[] {
    return this.ports.filter(({ target }) => has.every((key) => target[key] !== undefined));
  }

  /** What they hold now. */
  async held(): Promise<Held> {
    const asked = ++this.#asked;
    for (let said = this.#said(asked); ; said = this.#said()) {
      const held = (await said) as Held;
      if (held.asked === asked) return held;
    }
  }

  /** Tells them to stop, and how it went. */
  async stop(): Promise<Drained> {
    return (await this.#said('stop')) as Drained;
  }

  /** What they say next, to this if it is given. */
  async #said(to?: number | 'stop'): Promise<unknown> {
    const over = this.exited.then((how) => {
      throw new Error(`the servers are gone: ${how}`);
    });
    if (to !== undefined && this.#process.connected) this.#process.send(to);
    const [said] = (await Promise.race([once(this.#process, 'message'), over])) as [unknown];
    return said;
  }

  /** Connects, with the handshake done. It says nothing yet, and reads nothing. */
  async dial({ port, secure }: Port, options: object = {}): Promise<Socket> {
    const where = { port, host: '127.0.0.1', allowHalfOpen: true };
    const socket = secure
      ? connectTls({ ...where, ca: this.#ca, servername: 'localhost', ...options })
      : connect(where);
    socket.on('error', () => {}).setNoDelay();
    // Who is reset before it is connected is so by the server, and is over.
    await new Promise((resolve) => {
      socket.once(secure ? 'secureConnect' : 'connect', resolve).once('close', resolve);
    });
    return socket.pause();
  }

  /** What a peer of `dialTls` has to trust. */
  get trusting(): { readonly ca: string; readonly servername: string } {
    return { ca: this.#ca, servername: 'localhost' };
  }

  /** Connects to where TLS is spoken, and speaks none. */
  async dialBare({ port }: Port): Promise<Socket> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {});
    await once(socket, 'connect');
    return socket;
  }

  /** `count` connections, of which each has done `what`. */
  async crowd(count: number, port: Port, what: (socket: Socket) => void): Promise<readonly Socket[]> {
    const sockets: Socket[] = [];
    // Not all at once: a handshake is work for this process, too.
    for (let made = 0; made < count; made += 50) {
      const some = Array.from({ length: Math.min(50, count - made) }, () => this.dial(port));
      for (const socket of await Promise.all(some)) {
        what(socket);
        sockets.push(socket);
      }
    }
    return sockets;
  }

  /** One who means well, and has logged in. */
  async guest(port: Port): Promise<Guest> {
    const guest = new Guest(await this.dial(port));
    if (port.target.login !== undefined) guest.say(port.target.login);
    return guest;
  }

  /** Asks something and hears the answer. */
  async #answered(port: Port, known?: Guest): Promise<void> {
    const guest = known ?? (await this.guest(port));
    const { ask, hears } = port.target;
    const asked = word();
    guest.say(ask(asked));
    await guest.hears(hears(asked));
    if (known === undefined) guest.socket.destroy();
  }

  /**
   * Does `abuse` to the servers, while at each port one is there who asks now and then, and others come: nobody of them
   * may wait for long. Afterwards nothing may be left open. `abuse` can look at how connections have ended so far.
   */
  async bear(abuse: (ended: Seen['ended']) => Promise<unknown>): Promise<Seen> {
    const clock = fairClock(this.#process.pid as number);
    const known = await Promise.all(this.ports.map((port) => this.guest(port)));
    await Promise.all(this.ports.map((port, index) => this.#answered(port, known[index])));
    const before = await this.held();
    let [now, rss, used, waited] = [before, before.rss, before.used, 0];
    const abused = { over: false };
    const ended: Seen['ended'] = ({ name }, how) =>
      (now.outcomes[name]?.[how] ?? 0) - (before.outcomes[name]?.[how] ?? 0);
    const answered = async (port: Port, guest?: Guest): Promise<void> => {
      const started = clock.now();
      await this.#answered(port, guest);
      waited = Math.max(waited, clock.now() - started);
    };
    const asking = this.ports.map(async (port, index) => {
      for (; !abused.over; await wait(ASK)) await answered(port, known[index]);
    });
    const coming = async (): Promise<void> => {
      for (let next = 0; !abused.over; next++, await wait(COME)) {
        await answered(this.ports[next % this.ports.length] as Port);
      }
    };
    const look = async (): Promise<void> => {
      now = await this.held();
      rss = Math.max(rss, now.rss);
      used = Math.max(used, now.used);
    };
    const looking = async (): Promise<void> => {
      for (; !abused.over; await wait(LOOK)) await look();
    };
    const abusing = async (): Promise<void> => {
      await abuse(ended);
      await look();
    };
    const all = [abusing(), looking(), coming(), ...asking];
    try {
      await Promise.race([all[0], Promise.all(all)]);
    } finally {
      abused.over = true;
      await Promise.allSettled(all.slice(1));
      dismiss(known.map(({ socket }) => socket));
      await this.#settled(before, clock.now).finally(clock.stop);
    }
    await Promise.all(all);
    now = await this.held();
    assert.ok(waited < PATIENCE, `one who meant well waited ${Math.round(waited)} ms`);
    assert.equal(now.warnings, []);
    const expect: Seen['expect'] = (port, how, count) => {
      const had = ended(port, how);
      // Those who mean well are finished, too.
      const right = how === 'finished' ? had >= count : had === count;
      assert.ok(right, `${port.name} had ${count} of ${how}: ${JSON.stringify(now.outcomes[port.name])}`);
    };
    return { rss: rss - before.rss, used: used - before.used, waited, ended, expect };
  }

  /** Waits until they hold no more than before, when those who mean well were there. */
  async #settled(before: Held, clock: () => number): Promise<void> {
    const open = before.open - this.ports.length;
    const descriptors = before.descriptors - this.ports.length;
    const latest = performance.now() + 10 * SOON;
    for (const started = clock(); ; await wait(20)) {
      const now = await this.held();
      if (now.open <= open && now.descriptors <= descriptors) return;
      if (clock() - started > SOON || performance.now() > latest) {
        const left = `${now.open - open} connections and ${now.descriptors - descriptors} descriptors`;
        throw new Error(`left open: ${left}; ${JSON.stringify(now.outcomes)}`);
      }
    }
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }

  /** Whether nothing has ended their process. */
  get alive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }
}

/** Starts the servers. */
export const startServers = async (): Promise<Servers> => {
  const file = fileURLToPath(new URL('./abused.js', import.meta.url));
  const child = fork(file, { execArgv: ['--conditions=sluice-unbundled', '--expose-gc', '--enable-source-maps'] });
  const [opened] = (await once(child, 'message')) as [Opened];
  return new Servers(child, opened);
};

/** Ends what is left of a crowd. */
export const dismiss = (sockets: readonly Socket[]): void => {
  for (const socket of sockets) socket.destroy();
};

/** Waits until the server has ended all of these. */
export const closed = async (sockets: readonly Socket[]): Promise<void> => {
  const over = (socket: Socket): Promise<void> =>
    new Promise((resolve) => {
      if (socket.readableEnded || socket.closed) return resolve();
      socket.once('end', resolve).once('close', resolve).resume();
    });
  await Promise.all(sockets.map(over));
  dismiss(sockets);
};

/** Waits until something is so. */
export const until = async (so: () => boolean): Promise<void> => {
  while (!so()) await wait(5);
};

/** Writes as much as is taken, without end. */
export const flood = (socket: Socket, block: Uint8Array): void => {
  const push = (): void => {
    while (socket.writable && socket.write(block));
  };
  socket.on('drain', push);
  push();
};

/** Many of the same in one block. */
export const manyOf = (said: string, size = 64 * 1024): Buffer => bytes(said.repeat(Math.ceil(size / said.length)));

/** Does the same to several ports at once; gives what came of each. */
export const each = <A>(ports: readonly Port[], what: (port: Port) => Promise<A>): Promise<readonly A[]> =>
  Promise.all(ports.map(what));

/** What a case cost, for who reads along. */
export const tell = (what: string, { rss, used, waited }: Seen): void => {
  const mb = (size: number): string => (size / MB).toFixed(1);
  console.log(
    `    ${what}: +${mb(used)} MB in use, +${mb(rss)} MB resident; others waited ${Math.round(waited)} ms at most`,
  );
};

/** A suite against the servers. */
export const abuse = (name: string) => {
  const test = suite(`abuse: ${name}`, undefined, { timeout: 60_000 });
  let servers: Servers | undefined;
  test.before(async () => {
    servers = await startServers();
  });
  test.after(() => {
    assert.ok(servers?.alive, 'the servers live');
    servers?.kill();
  });
  return {
    test,
    /** A case that is done to the servers. */
    done: (title: string, body: (to: Servers) => Promise<void>): void =>
      test(title, async () => {
        await body(servers as Servers);
      }),
  };
};
