import { Duplex } from 'node:stream';

const WINDOW = 64 * 1024;

/**
 * One end of a pair of plain streams. As awkward as a stream may be: it calls a chunk written before anybody has read
 * it, passes it on as it is, delivers in the midst of a write, and ends itself when its peer does unless told otherwise.
 */
class End extends Duplex {
  other!: End;
  #blocked: ((error?: Error) => void) | null = null;

  constructor() {
    super({ highWaterMark: WINDOW, allowHalfOpen: false });
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, written: (error?: Error | null) => void): void {
    if (this.other.destroyed) written(Object.assign(new Error('nobody there'), { code: 'EPIPE' }));
    else if (this.other.push(chunk)) written();
    else this.#blocked = written;
  }

  override _read(): void {
    this.other.go();
  }

  go(error?: Error): void {
    const written = this.#blocked;
    this.#blocked = null;
    written?.(error);
  }

  override _final(done: (error?: Error | null) => void): void {
    if (!this.other.destroyed) this.other.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const { other } = this;
    if (!other.destroyed) {
      const reset = Object.assign(new Error('cut off'), { code: 'ECONNRESET' });
      if (error) other.destroy(reset);
      else if (!this.writableFinished) other.push(null);
      other.go(reset);
    }
    done(error);
  }
}

/** Two plain Node streams, each the other's peer. */
export const duplexPair = (): [Duplex, Duplex] => {
  const a = new End();
  const b = new End();
  a.other = b;
  b.other = a;
  return [a, b];
};
