import { type InvertibleRule, found, more } from './rule.js';

/**
 * No frames: whatever is there is passed on, as the network cut it, and nothing is held. For a protocol that turns to
 * raw bytes, and the one rule whose frames depend on how the bytes came.
 */
export const raw = (): InvertibleRule => ({
  name: 'raw',
  capacity: Number.MAX_SAFE_INTEGER,
  judge: (front) => (front.length === 0 ? more : found(0, front.length)),
  encode: (payload) => payload,
});
