import { type BigIntStats, chmodSync, linkSync, lstatSync, mkdtempSync, rmSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** The directory in which a socket is made ready, next to where it is to be, and its name in there. */
const HIDDEN = '.s';
const HIDDEN_NAME = 's';

/** The bytes that the path of a socket which is being made ready has behind that of its directory. */
export const HIDDEN_LENGTH = `/${HIDDEN}XXXXXX/${HIDDEN_NAME}`.length;

/** How often it is tried to take the place of a socket that is dead, when others try the same. */
const ATTEMPTS = 300;

/** A wait for others who try the same, in milliseconds. */
const MOMENT = 5;

/** How long others have for what takes them no time, if they are alive, in milliseconds. */
const PATIENCE = 1_000;

/** Whether a path is that of a file. An abstract name (Linux) is none, nor is a pipe of Windows. */
export const isFile = (path: string): boolean => process.platform !== 'win32' && !path.startsWith('\0');

const statOf = (path: string): BigIntStats | undefined => lstatSync(path, { bigint: true, throwIfNoEntry: false });

const isSame = (one: BigIntStats | undefined, other: BigIntStats | undefined): boolean =>
  one !== undefined && one.ino === other?.ino && one.dev === other.dev;

const refusal = (code: string): NodeJS.ErrnoException => Object.assign(new Error(code), { code });

/** Whether something is at a path is asked by trying, and the answer is a code. */
const codeOf = (work: () => void): string | undefined => {
  try {
    work();
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return code;
  }
};

/**
 * Whether nobody listens at the socket of this path any more. Where that cannot be found out, somebody may. One who does
 * sees a connection that ends at once, and no reset: there are servers that do not survive one.
 */
const isDead = (path: string): Promise<boolean> =>
  new Promise((done) => {
    const socket = connect(path);
    socket.on('error', ({ code }: NodeJS.ErrnoException) => done(code === 'ECONNREFUSED' || code === 'ENOENT'));
    socket.on('connect', () => {
      done(false);
      socket.setTimeout(PATIENCE, () => socket.destroy());
      socket.resume().end();
    });
  });

/**
 * The file of a Unix socket.
 *
 * The socket is bound where nobody else can get at it, in a directory of its own, is given its mode, and is put in its
 * place when it is ready: so at no moment can anybody connect who may not. What is in that place already is taken away
 * if it is a socket at which nobody listens; it is never written over, so two who start at once cannot both win.
 */
export class SocketFile {
  /** Where to bind. */
  readonly hidden: string;
  readonly #path: string;
  /** The same as it was given: it may be shorter, and a system has room for so much only where sockets are meant. */
  readonly #given: string;
  readonly #mode: number;
  readonly #directory: string;
  /** What tells our file from one that came after it. */
  #placed: BigIntStats | undefined;
  #placing = false;
  #removed = false;

  /** Throws where no file can be made. */
  constructor(path: string, mode: number) {
    const directory = mkdtempSync(join(dirname(path), HIDDEN));
    this.hidden = join(directory, HIDDEN_NAME);
    this.#directory = resolve(directory);
    this.#path = resolve(path);
    this.#given = path;
    this.#mode = mode;
  }

  /** Puts the socket, which is listening by now, where others find it. Fails with `EADDRINUSE` where one lives. */
  async place(): Promise<void> {
    this.#placing = true;
    try {
      chmodSync(this.hidden, this.#mode);
      // oxlint-disable-next-line no-await-in-loop
      for (let attempt = 0; attempt < ATTEMPTS && !this.#removed; attempt++) if (await this.#try()) return;
      if (!this.#removed) throw refusal('EADDRINUSE');
    } finally {
      this.#clear();
    }
  }

  /** Takes the file away, if it is still ours. */
  remove(): void {
    this.#removed = true;
    if (!this.#placing) this.#clear();
    codeOf(() => {
      if (isSame(this.#there(), this.#placed)) unlinkSync(this.#path);
    });
  }

  #clear(): void {
    codeOf(() => rmSync(this.#directory, { recursive: true, force: true }));
  }

  #there(): BigIntStats | undefined {
    return statOf(this.#path);
  }

  /** Whether it is in its place. If not, it may be tried again. */
  async #try(): Promise<boolean> {
    const code = codeOf(() => linkSync(this.hidden, this.#path));
    if (code === undefined) {
      this.#placed = this.#there();
      return true;
    }
    if (code !== 'EEXIST') throw refusal(code);
    const there = this.#there();
    if (there === undefined) return false;
    if (!there.isSocket()) throw refusal('EEXIST');
    if (!(await isDead(this.#given))) throw refusal('EADDRINUSE');
    if (!this.#removed) await this.#takeAway(there);
    return false;
  }

  /**
   * Takes away a dead socket. Only who has made a second name for it may, so of those who found it dead at the same time
   * none takes away what another has put there since.
   */
  async #takeAway(dead: BigIntStats): Promise<void> {
    const claim = join(dirname(this.#path), `${HIDDEN}-${dead.ino}`);
    const code = codeOf(() => linkSync(this.#path, claim));
    if (code === 'ENOENT') return;
    if (code === 'EEXIST') return giveWay(claim);
    if (code !== undefined) throw refusal(code);
    try {
      if (isSame(statOf(claim), dead) && isSame(this.#there(), dead)) unlinkSync(this.#path);
    } finally {
      unlinkSync(claim);
    }
  }
}

/** Somebody else is about to take it away, unless that has died over it. */
const giveWay = async (claim: string): Promise<void> => {
  const since = Number(statOf(claim)?.ctimeMs ?? NaN);
  if (Date.now() - since > PATIENCE) codeOf(() => unlinkSync(claim));
  else await wait(MOMENT);
};
