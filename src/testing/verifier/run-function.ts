import { type Runner, Heard, overwrite } from './trial.js';

/**
 * A decoder that is a function: it takes a chunk and gives the frames that are whole with it. It throws where the
 * bytes cannot be a frame; nothing is asked of it after that.
 */
export interface ChunkDecoder<A, S = unknown> {
  (chunk: Uint8Array): Iterable<A>;
  /** What is to be given, or thrown, when no more chunks come. */
  readonly end?: () => Iterable<A>;
  /** Where it is, as a value that can be cloned: whoever makes a decoder is given it back, to go on from there. */
  readonly state?: () => S;
}

const NONE: readonly never[] = [];

/** Runs a function from a chunk to frames. */
export const functionRunner = (make: (state?: unknown) => ChunkDecoder<unknown>): Runner => {
  return ({ check, chunks }) => {
    const heard = new Heard();
    const other = check === 'shared' ? make() : undefined;
    if (other !== undefined) heard.beside = new Heard();
    let decode = make();

    for (const chunk of chunks) {
      heard.deliver(chunk);
      heard.take(() => decode(chunk));
      if (other !== undefined) heard.beside?.take(() => other(chunk));
      if (check === 'poison') overwrite(chunk);
      if (check === 'state' && heard.failed === undefined) decode = make(structuredClone(decode.state?.()));
    }

    heard.end();
    heard.take(() => decode.end?.() ?? NONE);
    heard.beside?.end();
    heard.beside?.take(() => other?.end?.() ?? NONE);
    return heard;
  };
};
