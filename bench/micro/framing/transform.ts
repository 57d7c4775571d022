import { Transform } from 'node:stream';
import type { Parser } from './by-hand.js';
import { PAYLOAD } from './wires.js';

/** A parser written by hand, in the stream that Node has for it. */
export const transform = (parser: Parser): Transform => {
  const stream: Transform = new Transform({
    readableObjectMode: true,
    transform(chunk: Uint8Array, _encoding, done) {
      parse(chunk);
      done();
    },
  });
  const parse = parser((frame) => stream.push(frame));
  return stream;
};

/** A run: writes all chunks, waits where it is told to, and counts what comes out. */
export const streamed = (stream: Transform, chunks: readonly Uint8Array[], frames: number) => () =>
  new Promise<number>((done, fail) => {
    let count = 0;
    const took = (frame: Uint8Array): void => {
      if (frame.length !== PAYLOAD || ++count < frames) return;
      stream.off('data', took).off('error', fail);
      done(count);
    };
    stream.on('data', took).on('error', fail);
    let next = 0;
    const write = (): void => {
      while (next < chunks.length) {
        if (!stream.write(chunks[next++])) {
          stream.once('drain', write);
          return;
        }
      }
    };
    write();
  });
