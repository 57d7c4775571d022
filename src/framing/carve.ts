/** Bytes that are allocated at once, for the small pieces that are made one after another. */
const BLOCK = 64 * 1024;

let block = new ArrayBuffer(0);

/** The piece that was cut last, and where in which block it lies: so that who gets it can tell whether it follows on. */
export const last = { piece: new Uint8Array(0), block: 0, start: 0, end: 0 };

/**
 * New memory of `size` bytes, all zero, to be filled by who asks for it.
 *
 * Small pieces are cut from one block after another, as `Buffer.allocUnsafe` does it: a tenth of the price of a buffer
 * each, and those that are made in a row lie in a row, so that they can be written in one go without being copied
 * together. A piece keeps its block, 64 KiB, in memory: copy (`slice`) what is kept for long.
 */
export const carve = (size: number): Uint8Array => {
  if (size > BLOCK / 2) return new Uint8Array(size);
  // Not `BLOCK`: one that somebody has transferred to another thread has no bytes left.
  if (size > block.byteLength - last.end) {
    block = new ArrayBuffer(BLOCK);
    last.block++;
    last.end = 0;
  }
  last.start = last.end;
  last.end += size;
  last.piece = new Uint8Array(block, last.start, size);
  return last.piece;
};
