import { Buffer } from 'node:buffer';

/** Large enough for glibc, which takes 32 MiB at most for a sign; its pages are never touched. In bytes. */
const SIGN = 16 * 1024 * 1024;

let told = false;

/**
 * Tells the C library's allocator that large pieces of memory come and go here, so that it keeps what is freed.
 *
 * Node reads into new memory each time and frees it when the garbage collector finds it; by default glibc gives the top
 * of its heap back to the system each time that happens, only to fault it in again, page by page: at some hundred
 * megabytes a second that is half of all the work. It learns from a large piece that is freed (mallopt(3), "dynamic
 * mmap threshold"), and keeps up to twice as much from then on. Elsewhere this does nothing.
 */
export const expectLargeBuffers = (): void => {
  if (told) return;
  told = true;
  Buffer.allocUnsafeSlow(SIGN);
};
