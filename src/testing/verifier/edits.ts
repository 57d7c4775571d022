import type { Attempt } from './attempt.js';

/** What a smaller attempt has instead of what it was made from. */
export interface Edit {
  readonly wire: Uint8Array;
  readonly sizes: readonly number[];
  readonly upTo: number;
  readonly leave: number;
}

/** Smaller attempts of one kind. `ends` says where frames end, as far as that is known. */
export type Pass = (tried: Attempt, ends: readonly number[]) => Iterable<Edit>;

/** Up to so many bytes, any that stand together are left out together, and lengths are counted down. */
const SHORT = 24;

/** What other bytes are made into: the first letter, which reads well. */
const PLAIN = 97;

const editOf = ({ stream, sizes, upTo, leave }: Attempt): Edit => ({ wire: stream.wire, sizes, upTo, leave });

/** Leaves out the bytes from `from` up to, not including, `to`, and the chunks that have none any more. */
const without = (tried: Attempt, from: number, to: number): Edit => {
  const { wire } = tried.stream;
  const sizes: number[] = [];
  let { upTo } = tried;
  let start = 0;
  for (const [index, size] of tried.sizes.entries()) {
    const left = size - Math.max(0, Math.min(start + size, to) - Math.max(start, from));
    if (left > 0 || size === 0) sizes.push(left);
    else if (index < tried.upTo) upTo--;
    start += size;
  }
  const rest = wire.slice(0, wire.length - (to - from));
  rest.set(wire.subarray(to), from);
  return { ...editOf(tried), wire: rest, sizes, upTo };
};

/** Without some frames that follow one another: as many as can be. */
function* withoutFrames(tried: Attempt, ends: readonly number[]): Iterable<Edit> {
  const places = [...new Set([0, ...ends])];
  for (let count = places.length - 1; count > 0; count--) {
    for (let at = 0; at + count < places.length; at++)
      yield without(tried, places[at] as number, places[at + count] as number);
  }
}

/** Without some bytes that stand together: half of them, a quarter, ..., one; of few bytes, any. */
function* withoutBytes(tried: Attempt): Iterable<Edit> {
  const { length } = tried.stream.wire;
  const short = length <= SHORT;
  for (let count = length; count > 0; count = short ? count - 1 : count >> 1) {
    for (let at = 0; at + count <= length; at += short ? 1 : count) yield without(tried, at, at + count);
  }
}

/** Without one byte, and another before it one less: where a length counts it. */
function* withoutCounted(tried: Attempt): Iterable<Edit> {
  const { wire } = tried.stream;
  if (wire.length > SHORT) return;
  for (const [index, count] of wire.entries()) {
    if (count === 0) continue;
    for (let at = index + 1; at < wire.length; at++) {
      const edit = without(tried, at, at + 1);
      edit.wire[index] = count - 1;
      yield edit;
    }
  }
}

/** In fewer chunks: one in place of two that follow one another. */
function* merged(tried: Attempt): Iterable<Edit> {
  const { sizes, upTo } = tried;
  for (let index = 1; index < sizes.length; index++) {
    if (index === upTo) continue;
    const both = (sizes[index - 1] as number) + (sizes[index] as number);
    yield {
      ...editOf(tried),
      sizes: sizes.toSpliced(index - 1, 2, both),
      upTo: index < upTo ? upTo - 1 : upTo,
    };
  }
}

/** With a consumer that leaves earlier. */
function* leftEarlier(tried: Attempt): Iterable<Edit> {
  for (let leave = 1; leave < tried.leave; leave++) yield { ...editOf(tried), leave };
}

/** With a plainer byte. */
function* plainer(tried: Attempt): Iterable<Edit> {
  const { wire } = tried.stream;
  for (const [index, byte] of wire.entries())
    if (byte !== PLAIN) yield { ...editOf(tried), wire: wire.with(index, PLAIN) };
}

/** All of them, those first that leave out the most. */
export const PASSES: readonly Pass[] = [withoutFrames, withoutBytes, merged, withoutCounted, leftEarlier, plainer];
