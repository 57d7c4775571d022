// Decoders that are wrong in one way each, for the verifier to find. A pasted test calls them by their names.
import { Transform } from 'node:stream';
import {
  EMPTY,
  Observable,
  type OperatorFunction,
  catchError,
  concat,
  concatMap,
  defer,
  from,
  of,
  throwError,
} from 'rxjs';
import { FrameTooLong, MalformedFrame } from '../../src/errors.js';
import { type Rule, found, more } from '../../src/framing/rule.js';
import type { ChunkDecoder } from '../../src/testing/verifier/run-function.js';
import { text } from './bytes.js';

/** What is left of lines that end in CR LF. */
interface Held {
  readonly held: string;
}

/** Lines that end in CR LF: right, and what the others are made from. */
export const lines = (state?: Held): ChunkDecoder<string, Held> => {
  let held = state?.held ?? '';
  const decode = (chunk: Uint8Array): string[] => {
    const parts = (held + text(chunk)).split('\r\n');
    held = parts.pop() as string;
    return parts;
  };
  return Object.assign(decode, {
    end: (): string[] => {
      if (held !== '') throw new Error('cut short');
      return [];
    },
    state: () => ({ held }),
  });
};

/** Payloads behind their length in one byte: right, and what the others are made from. */
export const prefixed = (): ChunkDecoder<Uint8Array> => {
  let held: Uint8Array = new Uint8Array(0);
  return (chunk) => {
    held = Uint8Array.of(...held, ...chunk);
    const frames: Uint8Array[] = [];
    while (held.length > 0 && held.length > (held[0] as number)) {
      const end = 1 + (held[0] as number);
      frames.push(held.slice(1, end));
      held = held.slice(end);
    }
    return frames;
  };
};

// ── functions ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** Takes every chunk for a message. */
export const oneReadOneMessage = (): ChunkDecoder<string> => (chunk) => [text(chunk).replace(/\r\n$/, '')];

/** Needs both bytes of a length in one chunk. */
export const losesPartialHeader = (): ChunkDecoder<Uint8Array> => {
  let held = new Uint8Array(0);
  let missing = -1;
  return function* decode(chunk) {
    let rest = chunk;
    for (;;) {
      if (missing < 0) {
        if (rest.length < 2) return;
        missing = (rest[0] as number) * 256 + (rest[1] as number);
        rest = rest.subarray(2);
      }
      const part = rest.subarray(0, missing);
      held = Uint8Array.of(...held, ...part);
      missing -= part.length;
      rest = rest.subarray(part.length);
      if (missing > 0) return;
      yield held;
      held = new Uint8Array(0);
      missing = -1;
    }
  };
};

/** Takes an empty chunk for a new beginning. */
export const resetsOnEmptyChunk = (): ChunkDecoder<string> => {
  let decode = lines();
  return (chunk) => {
    if (chunk.length === 0) decode = lines();
    return decode(chunk);
  };
};

/** Looks for CR LF in each chunk alone. */
export const missesCutDelimiter = (): ChunkDecoder<string> => {
  let held = '';
  return (chunk) => {
    const parts = text(chunk).split('\r\n');
    parts[0] = held + (parts[0] as string);
    held = parts.pop() as string;
    return parts;
  };
};

/** Waits for one byte more than a frame has, where a frame ends with its chunk; gives the rest at the end. */
export const waitsForOneMore = (): ChunkDecoder<Uint8Array> => {
  let held: Uint8Array = new Uint8Array(0);
  const cut = (enough: number): Uint8Array[] => {
    const frames: Uint8Array[] = [];
    while (held.length > 0 && held.length - enough > (held[0] as number)) {
      const end = 1 + (held[0] as number);
      frames.push(held.slice(1, end));
      held = held.slice(end);
    }
    return frames;
  };
  const decode = (chunk: Uint8Array): Uint8Array[] => {
    held = Uint8Array.of(...held, ...chunk);
    return cut(1);
  };
  return Object.assign(decode, { end: () => cut(0) });
};

/** Gives one line a chunk, and what has piled up at the end. */
export const oneLineAChunk = (): ChunkDecoder<string> => {
  const decode = lines();
  const waiting: string[] = [];
  return Object.assign(
    (chunk: Uint8Array): string[] => {
      waiting.push(...decode(chunk));
      return waiting.splice(0, 1);
    },
    { end: () => waiting },
  );
};

/** Puts every frame together in the same buffer. */
export const reusesItsBuffer = (): ChunkDecoder<Uint8Array> => {
  const decode = prefixed();
  const buffer = new Uint8Array(255);
  return function* reuse(chunk) {
    for (const frame of decode(chunk)) {
      buffer.set(frame);
      yield buffer.subarray(0, frame.length);
    }
  };
};

/** Gives views of the chunk: three bytes are a frame. */
export const viewsOfChunks = (): ChunkDecoder<Uint8Array> => {
  let held: Uint8Array = new Uint8Array(0);
  return (chunk) => {
    const frames: Uint8Array[] = [];
    let at = 0;
    while (held.length + chunk.length - at >= 3) {
      const end = at + 3 - held.length;
      frames.push(held.length === 0 ? chunk.subarray(at, end) : Uint8Array.of(...held, ...chunk.subarray(at, end)));
      held = new Uint8Array(0);
      at = end;
    }
    held = Uint8Array.of(...held, ...chunk.subarray(at));
    return frames;
  };
};

/** Keeps what is left of a chunk, and no copy of it. Gives copies. */
export const keepsViews = (): ChunkDecoder<string> => {
  let waiting: Uint8Array[] = [];
  return (chunk) => {
    waiting.push(chunk);
    const parts = text(Buffer.concat(waiting)).split('\r\n');
    if (parts.length > 1) waiting = [Buffer.from(parts.at(-1) as string, 'latin1')];
    parts.pop();
    return parts;
  };
};

/** Goes on after what it said was wrong. */
export const goesOnAfterError = (): ChunkDecoder<string> => {
  const decode = lines();
  return function* check(chunk) {
    for (const line of decode(chunk)) {
      if (line === '!') throw new MalformedFrame('a shout');
      yield line;
    }
  };
};

/** Says nothing of what is wrong. */
export const swallowsError = (): ChunkDecoder<string> => {
  const decode = goesOnAfterError();
  let over = false;
  return function* swallow(chunk) {
    try {
      if (!over) yield* decode(chunk);
    } catch {
      over = true;
    }
  };
};

/** Tells of the chunk in its error. */
export const errorOfTheChunk = (): ChunkDecoder<string> => {
  const decode = lines();
  return function* check(chunk) {
    for (const line of decode(chunk)) {
      if (line === '!') throw new Error(`a shout in ${chunk.length} bytes`);
      yield line;
    }
  };
};

/** Collects the frames of a chunk, and loses them to an error. */
export const losesFramesToError = (): ChunkDecoder<string> => {
  const decode = goesOnAfterError();
  let over = false;
  return (chunk) => {
    if (over) return [];
    try {
      return [...decode(chunk)];
    } catch (error) {
      over = true;
      throw error;
    }
  };
};

/** Gives what the end cut short as if it were a line. */
export const emitsTail = (): ChunkDecoder<string> => {
  const decode = lines();
  return Object.assign((chunk: Uint8Array) => decode(chunk), {
    end: () => [decode.state?.().held ?? ''].filter((held) => held !== ''),
  });
};

/** Forgets the last line, which needs no ending. */
export const dropsLastLine = (): ChunkDecoder<string> => {
  const decode = lines();
  return (chunk) => decode(chunk);
};

/** Measures the chunk instead of the line. */
export const limitsChunks = (): ChunkDecoder<string> => {
  const decode = lines();
  return (chunk) => {
    if (chunk.length > 8) throw new FrameTooLong(chunk.length, 8);
    return decode(chunk);
  };
};

/** Counts a CR to the limit while its LF has not come. */
export const countsCr = (): ChunkDecoder<string> => {
  const decode = lines();
  return function* limited(chunk) {
    for (const line of decode(chunk)) {
      if (line.length > 4) throw new FrameTooLong(5, 4);
      yield line;
    }
    if ((decode.state?.().held ?? '').length > 4) throw new FrameTooLong(5, 4);
  };
};

const varintSize = (value: number): number => (value < 128 ? 1 : 2);

/** Works out the size of a varint from its value, which may have been written with bytes to spare. */
export const takesVarintForMinimal = (): ChunkDecoder<Uint8Array> => {
  let held: Uint8Array = new Uint8Array(0);
  return (chunk) => {
    held = Uint8Array.of(...held, ...chunk);
    const frames: Uint8Array[] = [];
    for (;;) {
      const [first = 128, second = 128] = held;
      if (first > 127 && second > 127) return frames;
      const length = first > 127 ? first - 128 + second * 128 : first;
      const end = varintSize(length) + length;
      if (held.length < end) return frames;
      frames.push(held.slice(end - length, end));
      held = held.slice(end);
    }
  };
};

/** Gives the frame that straddles two chunks after those that lie in the second. */
export const swapsOrder = (): ChunkDecoder<string> => {
  const decode = lines();
  let straddles = false;
  return (chunk) => {
    const [first, ...others] = decode(chunk);
    const given = first === undefined ? [] : straddles ? [...others, first] : [first, ...others];
    straddles = (decode.state?.().held ?? '') !== '';
    return given;
  };
};

/** Is moved without what it holds. */
export const movesWithoutHeld = (): ChunkDecoder<string> => Object.assign(lines(), { state: () => ({ held: '' }) });

let together = lines();
/** Holds what is left of all streams together. */
export const holdsForAll = (): ChunkDecoder<string> => {
  together = lines();
  return (chunk) => together(chunk);
};

/** Looks at the buffer of a chunk, wherever in it the chunk is. */
export const ignoresOffset = (): ChunkDecoder<Uint8Array> => {
  const decode = prefixed();
  return (chunk) => decode(new Uint8Array(chunk.buffer, 0, chunk.length));
};

// ── operators ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** A function as an operator. Right. */
const asOperator =
  <A>(make: () => ChunkDecoder<A>): OperatorFunction<Uint8Array, A> =>
  (source) =>
    defer(() => {
      const decode = make();
      return concat(
        source.pipe(concatMap((chunk) => from(decode(chunk)))),
        defer(() => from(decode.end?.() ?? [])),
      );
    });

/** An operator that is right. */
export const operatorOfLines = (): OperatorFunction<Uint8Array, string> => asOperator(lines);

/** Does not let go of its source when nobody listens. */
export const runsOn = (): OperatorFunction<Uint8Array, string> => (source) =>
  new Observable((out) => {
    source.pipe(operatorOfLines()).subscribe({
      next: (line) => out.next(line),
      error: (error: unknown) => out.error(error),
      complete: () => out.complete(),
    });
  });

/** Does not let go of its source when it has failed. */
export const failsAndListens = (): OperatorFunction<Uint8Array, string> => (source) =>
  new Observable((out) => {
    const decode = lines();
    source.subscribe({
      next: (chunk) => {
        for (const line of decode(chunk)) {
          if (line === '!') out.error(new Error('a shout'));
          out.next(line);
        }
      },
      error: (error: unknown) => out.error(error),
      complete: () => out.complete(),
    });
  });

/** Takes a reset for the end. */
export const swallowsReset = (): OperatorFunction<Uint8Array, string> => (source) =>
  source.pipe(
    operatorOfLines(),
    catchError(() => EMPTY),
  );

/** Says goodbye when its source fails. */
export const flushesOnReset = (): OperatorFunction<Uint8Array, string> => (source) =>
  source.pipe(
    operatorOfLines(),
    catchError((error: unknown) =>
      concat(
        of('goodbye'),
        throwError(() => error),
      ),
    ),
  );

/** Says that something else went wrong when its source fails. */
export const renamesReset = (): OperatorFunction<Uint8Array, string> => (source) =>
  source.pipe(
    operatorOfLines(),
    catchError(() => {
      throw new Error('something went wrong');
    }),
  );

/** Holds what is left for all who subscribe. */
export const sharedOperator = (): OperatorFunction<Uint8Array, string> => {
  const decode = lines();
  return (source) => source.pipe(concatMap((chunk) => from(decode(chunk))));
};

/** Never ends. */
export const neverEnds = (): OperatorFunction<Uint8Array, string> => (source) =>
  new Observable((out) => source.pipe(operatorOfLines()).subscribe((line) => out.next(line)));

// ── Node streams ────────────────────────────────────────────────────────────────────────────────────────────────────

const asTransform = <A>(decode: ChunkDecoder<A>): Transform =>
  new Transform({
    readableObjectMode: true,
    transform(chunk: Buffer, _encoding, done) {
      try {
        for (const frame of decode(chunk)) this.push(frame);
        done();
      } catch (error) {
        done(error as Error);
      }
    },
    flush(done) {
      try {
        for (const frame of decode.end?.() ?? []) this.push(frame);
        done();
      } catch (error) {
        done(error as Error);
      }
    },
  });

/** A Transform that is right. */
export const transformOfLines = (): Transform => asTransform(lines());

/** Looks for CR LF in each chunk alone, as a Transform. */
export const transformMissesDelimiter = (): Transform => asTransform(missesCutDelimiter());

/** Gives views of its chunks, as a Transform. */
export const transformOfViews = (): Transform => asTransform(viewsOfChunks());

/** Never asks for the chunk after one with a shout in it. */
export const transformHangs = (): Transform => {
  const decode = lines();
  return new Transform({
    readableObjectMode: true,
    transform(chunk: Buffer, _encoding, done) {
      for (const frame of decode(chunk)) this.push(frame);
      if (!chunk.includes('!')) done();
    },
  });
};

// ── rules ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Lines that end in CR LF, which it does not find where it has looked at the CR before. */
export const forgetsCr: Rule = {
  capacity: 16,
  judge: (front, seen) => {
    for (let at = seen; at < front.length - 1; at++)
      if (front.at(at) === 13 && front.at(at + 1) === 10) return found(0, at, 2);
    return more;
  },
};

let length = 0;
/** Remembers a length that it has read, as if there were one stream. */
export const remembersLength: Rule = {
  capacity: 256,
  judge: (front, seen) => {
    if (seen === 0) length = front.at(0);
    return front.length > length ? found(1, length) : more;
  },
};

/** Has less room than its frames need. */
export const tooSmall: Rule = { capacity: 4, judge: (front) => found(1, front.at(0)) };

/** Encodes no length above 9. */
export const oneDigit: Rule = {
  capacity: 64,
  judge: (front) => found(1, front.at(0) - 48),
  encode: (payload) => Buffer.concat([Buffer.from(String(payload.length)), payload]),
};

const scratch = new Uint8Array(300);
/** Writes all that it encodes to the same place. */
export const encodesInPlace: Rule = {
  capacity: 256,
  judge: (front) => found(1, front.at(0)),
  encode: (payload) => {
    if (payload.length > 255) throw new RangeError('too long');
    scratch[0] = payload.length;
    scratch.set(payload, 1);
    return scratch.subarray(0, payload.length + 1);
  },
};

/** Fails over what it cannot encode, and not with a RangeError. */
export const encodeFails: Rule = {
  capacity: 256,
  judge: (front) => found(1, front.at(0)),
  encode: (payload) => {
    if (payload.length > 255) throw new Error('too long');
    return Uint8Array.of(payload.length, ...payload);
  },
};
