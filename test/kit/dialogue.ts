import type { AuthGate } from '../../src/auth/gate.js';
import type { Connection } from '../../src/connection/connection.js';
import { NotAuthenticated } from '../../src/errors.js';

const connection = { id: 1, peer: '192.0.2.1:5' } as Connection;

/** What came of one side of a dialogue: what it gave, or the error that it failed with. */
export type Result = { readonly gave: unknown } | { readonly failed: unknown };

/** Frames on their way to one side. */
class Way {
  readonly #frames: Uint8Array[] = [];
  #waiting: { readonly heard: (frame: Uint8Array) => void; readonly failed: (error: unknown) => void } | null = null;
  #closed = false;
  readonly #change: ((frame: string) => string) | undefined;

  constructor(change: ((frame: string) => string) | undefined) {
    this.#change = change;
  }

  readonly say = (frame: Uint8Array | string): void => {
    const sent = this.#change === undefined ? frame : this.#change(Buffer.from(frame).toString());
    this.#frames.push(Buffer.from(sent));
    this.#look();
  };

  readonly hear = (): Promise<Uint8Array> =>
    new Promise((heard, failed) => {
      this.#waiting = { heard, failed };
      this.#look();
    });

  /** The other side is done, and says nothing more. */
  close(): void {
    this.#closed = true;
    this.#look();
  }

  #look(): void {
    const waiting = this.#waiting;
    if (waiting === null || (this.#frames.length === 0 && !this.#closed)) return;
    this.#waiting = null;
    const frame = this.#frames.shift();
    if (frame === undefined) waiting.failed(new NotAuthenticated('ended'));
    else waiting.heard(frame);
  }
}

const resultOf = async (
  gate: AuthGate<unknown>,
  heard: Way,
  said: Way,
  note: (text: string) => void,
): Promise<Result> => {
  const say = (frame: Uint8Array | string): void => {
    note(Buffer.from(frame).toString());
    said.say(frame);
  };
  try {
    return { gave: await gate({ connection, hear: heard.hear, say }) };
  } catch (error) {
    return { failed: error };
  } finally {
    said.close();
  }
};

/** Two sides that talk to each other, once; and all that was said. `change` is what stands in between. */
export const dialogue = async (
  server: AuthGate<unknown>,
  client: AuthGate<unknown>,
  change?: (frame: string) => string,
): Promise<{ readonly server: Result; readonly client: Result; readonly said: readonly string[] }> => {
  const [toServer, toClient] = [new Way(change), new Way(change)];
  const said: string[] = [];
  const both = await Promise.all([
    resultOf(server, toServer, toClient, (text) => said.push(`S: ${text}`)),
    resultOf(client, toClient, toServer, (text) => said.push(`C: ${text}`)),
  ]);
  return { server: both[0], client: both[1], said };
};

/** A side that says what it is told to, one thing after another, and hears as many frames as come between. */
export const scripted =
  (...lines: readonly (string | null)[]): AuthGate<readonly string[]> =>
  async ({ hear, say }) => {
    const heard: string[] = [];
    for (const line of lines) {
      if (line !== null) say(line);
      // One after the other is what a dialogue is.
      // oxlint-disable-next-line no-await-in-loop
      else heard.push(Buffer.from(await hear()).toString());
    }
    return heard;
  };
