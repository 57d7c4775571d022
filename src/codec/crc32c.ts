/** Castagnoli's polynomial, its bits in the order in which they are sent. */
const POLYNOMIAL = 0x82f63b78;

const remainders = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ POLYNOMIAL : rest >>> 1;
  return rest;
});

/** The CRC32c of bytes, an unsigned 32-bit number (RFC 4960, appendix B). */
export const crc32c = (bytes: Uint8Array): number => {
  let rest = 0xffffffff;
  for (const byte of bytes) rest = (rest >>> 8) ^ (remainders[(rest ^ byte) & 0xff] as number);
  return ~rest >>> 0;
};
