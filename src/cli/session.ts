import * as E from 'fp-ts/lib/Either.js';
import { explain, inText } from './complete.js';
import { grammar } from './grammar.js';
import type { KindName } from './kinds.js';
import { parse } from './parse.js';
import type { Asked } from './row.js';
import type { Servers } from './servers.js';
import { Complaint, type Io, type Shell } from './shell.js';

/** One who types lines to the servers of this process: any number may, each in a context of their own. */
export class Session implements Shell {
  /** The server whose context was entered, as words. */
  context: readonly string[] = [];
  readonly over: AbortSignal = new AbortController().signal;
  readonly #servers: Servers;

  constructor(servers: Servers) {
    this.#servers = servers;
  }

  async run(line: string, io: Io): Promise<Asked | undefined> {
    const typed = line.trim();
    if (typed === '' || typed.startsWith('#')) return undefined;
    const asking = /^(.*\s|)\?$/s.exec(line.trimEnd());
    if (asking !== null && !inText(grammar, this.context, asking[1] as string)) {
      io.print(explain(grammar, this.context, asking[1] as string).join('\n'));
      return undefined;
    }
    const understood = parse(grammar, this.context, line);
    if (E.isLeft(understood)) throw new Complaint(understood.left.reason, understood.left.at);
    const { row, given } = understood.right;
    const asked = await row.run(given, { ...io, servers: this.#servers, session: this });
    return asked === undefined ? undefined : asked;
  }

  readonly names = (
    kind: KindName,
    begun: string,
    given: Readonly<Record<string, unknown>>,
  ): Promise<readonly string[]> => Promise.resolve(this.#servers.names(kind, begun, given));

  /** All commands. */
  help({ print }: Io): void {
    const width = Math.max(...grammar.map(({ pattern }) => pattern.length));
    print(grammar.map(({ pattern, help }) => `${pattern.padEnd(width)}  ${help}`).join('\n'));
  }

  /** Out of the context; out of the shell, where there is none. */
  exit(): Asked | undefined {
    if (this.context.length === 0) return 'leave';
    this.end();
    return undefined;
  }

  end(): void {
    this.context = [];
  }

  async leave({ print, signal }: Io): Promise<void> {
    await this.#servers.drain(
      ({ name }, { ended, cut, took }) =>
        print(`${name} drained in ${Math.round(took)} ms: ${ended} ended, ${cut.length} cut`),
      signal,
    );
  }
}
