// A command is a row in a table: its name, how many arguments it takes, and what it does.
import type { Request } from './request.js';
import type { Session } from './session.js';

/** What Redis says of a command in `COMMAND INFO`. */
export type Flag = 'write' | 'readonly' | 'denyoom' | 'admin' | 'pubsub' | 'fast' | 'noscript' | 'loading' | 'stale';

export interface Command {
  /** In small letters. That of a subcommand has its container in front: `client|id`. */
  readonly name: string;
  /** How many arguments, the name counted; below zero, at least so many. */
  readonly arity: number;
  readonly flags: readonly Flag[];
  /** Which arguments are keys: the first, the last (-1: of all) and the step from one to the next. */
  readonly keys?: readonly [first: number, last: number, step: number];
  /** It is obeyed at once also within a transaction. */
  readonly immediate?: boolean;
  /** It may be asked for by who has not said the password; by who listens to channels, in RESP2. */
  readonly forStrangers?: boolean;
  readonly forListeners?: boolean;
  /** Answers a request, or throws a `RequestError` before it has answered anything. */
  readonly run: (session: Session, request: Request) => void;
  /** The commands that its first argument names. */
  readonly subcommands?: Commands | undefined;
}

/** A letter in small letters, by its byte. */
const small = (byte: number): number => (byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte);

/**
 * Commands, by name. They are looked up by the bytes of the request, large letters or small, since a text of its own for
 * the name of each would cost more than most of them do.
 */
export class Commands {
  readonly all: readonly Command[];
  readonly #byHash = new Map<number, Command>();

  constructor(all: readonly Command[]) {
    this.all = all.map(likeAllOthers);
    for (const command of this.all) {
      const name = Buffer.from(lastName(command));
      const hash = hashOf(name, 0, name.length);
      if (this.#byHash.has(hash)) throw new Error(`${command.name} looks like ${this.#byHash.get(hash)?.name}`);
      this.#byHash.set(hash, command);
    }
  }

  /** The command that an argument names. */
  find(request: Request, index = 0): Command | undefined {
    const { frame } = request;
    const [start, end] = [request.start(index), request.end(index)];
    const command = this.#byHash.get(hashOf(frame, start, end));
    return command !== undefined && spells(command, frame, start, end) ? command : undefined;
  }

  named(name: string): Command | undefined {
    return this.all.find((command) => command.name === name);
  }
}

/** The same row with all that a row can have, in one order: then to look at one costs what it costs to look at another. */
const likeAllOthers = (command: Command): Command => ({
  name: command.name,
  arity: command.arity,
  flags: command.flags,
  keys: command.keys ?? [0, 0, 0],
  immediate: command.immediate ?? false,
  forStrangers: command.forStrangers ?? false,
  forListeners: command.forListeners ?? false,
  run: command.run,
  subcommands: command.subcommands,
});

const lastName = ({ name }: Command): string => name.slice(name.indexOf('|') + 1);

/** Longer than any name: no more of it is looked at. */
const LONGEST = 32;

const hashOf = (bytes: Uint8Array, start: number, end: number): number => {
  let hash = end - start;
  if (hash > LONGEST) return -1;
  for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + small(bytes[at] as number)) & 0x3fffffff;
  return hash;
};

/** Whether these bytes are the last word of its name. */
const spells = ({ name }: Command, bytes: Uint8Array, start: number, end: number): boolean => {
  const before = name.length - end;
  if (before + start < 0 || (before + start > 0 && name[before + start - 1] !== '|')) return false;
  for (let at = start; at < end; at++) if (name.charCodeAt(before + at) !== small(bytes[at] as number)) return false;
  return true;
};

/** Whether a command takes so many arguments. */
export const takes = ({ arity }: Command, count: number): boolean => (arity < 0 ? count >= -arity : count === arity);
