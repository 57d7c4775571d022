import { checkInteger } from '../check.js';
import { type InvertibleRule, HIGHEST_LIMIT, found } from './rule.js';

/**
 * Frames of `size` bytes each, from 1 to 1 GiB.
 *
 * Encodes a payload as it is; a `RangeError` where it is not of that size.
 */
export const fixed = (size: number): InvertibleRule => {
  checkInteger('size', size, 1, HIGHEST_LIMIT);
  return {
    name: `fixed(${size})`,
    capacity: size,
    judge: () => found(0, size),
    encode: (payload) => {
      checkInteger('payload.length', payload.length, size, size);
      return payload;
    },
  };
};
