const text = new TextEncoder();

/**
 * FNV-1a of a text's UTF-8, 32 bits (Fowler, Noll, Vo; IETF draft-eastlake-fnv): small, fast enough for one key a
 * connection, and the same in every process and on every machine.
 */
export const fnv1a = (key: string): number => {
  let hash = 0x811c9dc5;
  for (const byte of text.encode(key)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
};

/**
 * Spreads a hash over all 32 bits, so that one bit of difference in what goes in changes half of those that come out:
 * the finaliser of MurmurHash3 (Appleby). FNV alone leaves the keys `a#1` and `a#2` next to each other.
 */
export const spread = (hash: number): number => {
  let bits = hash;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
};
