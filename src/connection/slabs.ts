/** The most that is gathered in a slab: one more chunk of up to half of it always has room before that. */
export const SLAB = 128 * 1024;

/** How many may be lent at once. Mostly it is one: a connection gives it back at the end of its turn. */
const MOST = 8;

const free: Buffer[] = [];
let lent = 0;

/** Memory to put small chunks together in until the end of a turn; nothing when too many have some, unless it must be. */
export function lendSlab(must: true): Buffer;
export function lendSlab(must?: boolean): Buffer | undefined;
export function lendSlab(must = false): Buffer | undefined {
  if (lent >= MOST && !must) return undefined;
  lent++;
  return free.pop() ?? Buffer.allocUnsafeSlow(SLAB);
}

/** Gives one back. `inUse`: the wire has not sent it yet, so that it is left to the wire. */
export const returnSlab = (slab: Buffer, inUse: boolean): void => {
  lent--;
  if (!inUse) free.push(slab);
};
