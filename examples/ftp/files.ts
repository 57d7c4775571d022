// The files, and nothing outside their root. Paths that a client says are of a world of their own, which begins at `/`;
// how one becomes a path of the system is told here, and only here.
import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, opendir, realpath, rename, rmdir, stat, unlink } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import { join, posix, sep } from 'node:path';

/** What becomes of a path that is not to be reached. */
export class Outside extends Error {
  readonly code = 'OUTSIDE';
}

/** A name in a folder, and what it is. */
export interface Entry {
  readonly name: string;
  readonly stats: Stats;
}

/** A file that is open, and the place in it from where on it is read or written. */
export interface Opened {
  readonly file: FileHandle;
  readonly start: number;
}

/** The most bytes of a path, as the system has it. */
const LONGEST = 4_096;

/** What ends a name for the system, or a line of a listing; and what else is a path to a system with another separator. */
// oxlint-disable-next-line no-control-regex
const UNSPEAKABLE = sep === '/' ? /[\0\r\n]/ : /[\0\r\n\\:]/;

/**
 * What a client means by `argument` while it is in `cwd`: a path from `/` on, without `.` and `..`. A `..` at the top leads
 * nowhere, so whatever is said, it is a path inside.
 */
export const inside = (cwd: string, argument: string): string => {
  if (UNSPEAKABLE.test(argument) || Buffer.byteLength(argument) > LONGEST) throw new Outside('no such name');
  const path = posix.resolve('/', cwd, argument);
  // POSIX leaves it open what two slashes mean, and so does Node.
  return path.replace(/^\/+/, '/');
};

/**
 * Nothing that is opened is a symbolic link (O_NOFOLLOW): links are followed before, and it is looked where they lead. And
 * nobody waits for the other end of a pipe (O_NONBLOCK).
 */
const SAFELY = constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** A folder of the system, as the whole world of a client. All paths are as `inside` gives them. */
export class Files {
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
  }

  /** Fails where `root` is no folder. */
  static async at(root: string): Promise<Files> {
    const real = await realpath(root);
    if (!(await stat(real)).isDirectory()) throw new Error(`${root} is not a folder`);
    return new Files(real);
  }

  async stat(path: string): Promise<Stats> {
    return stat(await this.#existing(path));
  }

  /** The entries of a folder, one after another as the system has them: those that could not be reached are left out. */
  async *list(path: string): AsyncGenerator<Entry> {
    const real = await this.#existing(path);
    for await (const entry of await opendir(real)) {
      const { name } = entry;
      if (UNSPEAKABLE.test(name)) continue;
      const looked = entry.isSymbolicLink() ? this.stat(posix.join(path, name)) : lstat(join(real, name));
      const stats = await looked.catch(() => undefined);
      if (stats !== undefined) yield { name, stats };
    }
  }

  /** Opens a file to be read from `start` on. */
  async read(path: string, start: number): Promise<Opened> {
    const { file } = await this.#opened(await this.#existing(path), constants.O_RDONLY);
    return { file, start };
  }

  /** Opens a file to be written from `start` on, or from the end of what is there. */
  async write(path: string, start: number | 'end'): Promise<Opened> {
    const { file, stats } = await this.#opened(await this.#target(path), constants.O_WRONLY | constants.O_CREAT);
    const from = start === 'end' ? stats.size : start;
    if (from <= stats.size) return { file, start: from };
    await file.close();
    throw Object.assign(new Error('behind the end of the file'), { code: 'EINVAL' });
  }

  async makeFolder(path: string): Promise<void> {
    await mkdir(await this.#place(path));
  }

  async removeFolder(path: string): Promise<void> {
    await rmdir(await this.#place(path));
  }

  async remove(path: string): Promise<void> {
    await unlink(await this.#place(path));
  }

  async rename(from: string, to: string): Promise<void> {
    await rename(await this.#place(from), await this.#place(to));
  }

  /** Whether there is something, be it a link that leads nowhere. */
  async has(path: string): Promise<boolean> {
    return lstat(await this.#place(path)).then(
      () => true,
      () => false,
    );
  }

  async #opened(real: string, flags: number): Promise<{ readonly file: FileHandle; readonly stats: Stats }> {
    const file = await open(real, flags | SAFELY, 0o644);
    const stats = await file.stat();
    if (stats.isFile()) return { file, stats };
    await file.close();
    throw Object.assign(new Error('not a plain file'), { code: stats.isDirectory() ? 'EISDIR' : 'EACCES' });
  }

  /** Where something is that is there. All links have been followed, and what is left is inside. */
  async #existing(path: string): Promise<string> {
    const real = await realpath(join(this.#root, path));
    const top = this.#root.endsWith(sep) ? this.#root : this.#root + sep;
    if (real === this.#root || real.startsWith(top)) return real;
    throw new Outside('no such file');
  }

  /** Where something is, or is to be: its folder is there and inside, and its own name is not looked at, nor followed. */
  async #place(path: string): Promise<string> {
    if (path === '/') throw new Outside('that is the root');
    return join(await this.#existing(posix.dirname(path)), posix.basename(path));
  }

  /** What is to be written: what is there, if something is. A link that leads to nothing is left as it is. */
  async #target(path: string): Promise<string> {
    return (await this.has(path)) ? this.#existing(path) : this.#place(path);
  }
}
