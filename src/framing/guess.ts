import type { Front } from './rule.js';

const ascii = (text: string): readonly number[] => Array.from(text, (letter) => letter.charCodeAt(0));

/** How other protocols begin. */
const beginnings: readonly (readonly [looks: string, beginning: readonly number[]])[] = [
  ...['GET ', 'POST ', 'HEAD ', 'PUT ', 'DELETE ', 'OPTIONS ', 'PATCH ', 'CONNECT ', 'TRACE ', 'HTTP/'].map(
    (word) => ['HTTP', ascii(word)] as const,
  ),
  ['a TLS hello', [0x16, 0x03]],
  ['SSH', ascii('SSH-')],
  ['the PROXY protocol', ascii('PROXY ')],
  ['the PROXY protocol', [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51]],
];

/** One byte proves nothing. */
const ENOUGH = 2;

const beginsWith = (front: Front, beginning: readonly number[]): boolean => {
  const length = Math.min(front.length, beginning.length);
  for (let index = 0; index < length; index++) if (front.at(index) !== beginning[index]) return false;
  return length >= ENOUGH;
};

/**
 * What a frame that had to be refused looks like, where it begins like another protocol.
 *
 * Goes by the bytes at hand, two at the least, so it is the one part of an error that depends on how the bytes came.
 */
export const guessProtocol = (front: Front): string | undefined => {
  const match = beginnings.find(([, beginning]) => beginsWith(front, beginning));
  return match && `it looks like ${match[0]}`;
};
