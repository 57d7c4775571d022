/**
 * The ways in which a network may deliver `wire`: whole, byte by byte, with nothing in between, and cut in pieces at
 * every choice of up to `cuts` places (three for up to 20 bytes, two for up to 60, one for more).
 */
export function* deliveries(
  wire: Uint8Array,
  cuts = wire.length <= 20 ? 3 : wire.length <= 60 ? 2 : 1,
): Iterable<readonly Uint8Array[]> {
  const bytes = Array.from(wire, (_, index) => wire.subarray(index, index + 1));
  yield [wire];
  yield bytes;
  yield bytes.map(amidOthers);
  yield [nothing, ...bytes.flatMap((byte) => [byte, nothing])];
  for (let places = 1; places <= cuts; places++) yield* cutUp(wire, places);
}

const nothing = new Uint8Array(0);

/** The same bytes inside a larger buffer: what stands around them must not matter. */
const amidOthers = (bytes: Uint8Array): Uint8Array => {
  const around = Buffer.from([10, 0, ...bytes, 255, 10]);
  return around.subarray(2, 2 + bytes.length);
};

function* cutUp(wire: Uint8Array, places: number): Iterable<readonly Uint8Array[]> {
  if (places === 0) {
    yield [wire];
    return;
  }
  for (let at = 1; at < wire.length; at++) {
    for (const rest of cutUp(wire.subarray(at), places - 1)) yield [wire.subarray(0, at), ...rest];
  }
}
