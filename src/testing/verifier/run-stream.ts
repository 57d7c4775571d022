import type { Duplex } from 'node:stream';
import { type Runner, Heard, RESET, overwrite } from './trial.js';
import { turn, within } from './waiting.js';

/** A Node stream, and what comes out of it. */
class Pipe {
  readonly heard = new Heard();
  done = false;
  readonly #stream: Duplex;
  readonly #over: Promise<void>;
  readonly #patience: number;

  constructor(stream: Duplex, patience: number) {
    this.#stream = stream;
    this.#patience = patience;
    const { heard } = this;
    this.#over = new Promise((resolve) => {
      const finish = (): void => {
        this.done = true;
        resolve();
      };
      stream.on('data', (frame: unknown) => heard.frame(frame));
      stream.on('error', (error: unknown) => {
        if (heard.failed !== undefined) heard.fault('it emits more than one error');
        heard.fail(error);
        finish();
      });
      stream.on('end', finish);
      stream.on('close', finish);
    });
  }

  /** Writes a chunk, and waits until it is taken and what it gives has come out. */
  async deliver(chunk: Uint8Array): Promise<void> {
    let taken = false;
    this.heard.deliver(chunk);
    const written = new Promise<void>((resolve) => {
      this.#stream.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length), () => {
        taken = true;
        resolve();
      });
    });
    const ready = (): boolean => taken || this.done;
    this.heard.hung = !(await within(this.#patience, Promise.race([written, this.#over]), ready));
    await turn();
  }

  async finish(reset: boolean): Promise<void> {
    const { heard } = this;
    heard.end();
    if (!this.done && !heard.hung) {
      if (reset) this.#stream.destroy(RESET);
      else this.#stream.end();
      heard.hung = !(await within(this.#patience, this.#over, () => this.done));
    }
    await turn();
    this.#stream.destroy();
  }
}

/** Runs a Node stream. */
export const streamRunner = (make: () => Duplex, patience: number): Runner => {
  return async ({ check, chunks }) => {
    const pipe = new Pipe(make(), patience);
    for (const chunk of chunks) {
      if (pipe.done || pipe.heard.hung) break;
      await pipe.deliver(chunk);
      if (check === 'poison') overwrite(chunk);
    }
    await pipe.finish(check === 'reset');
    return pipe.heard;
  };
};
