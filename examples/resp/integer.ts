const INTEGER = /^(?:0|-?[1-9]\d{0,18})$/;

export const [LEAST, MOST] = [-(2n ** 63n), 2n ** 63n - 1n];

/** The number that a text is, if it is one of 64 bits and written as Redis writes it: no plus, no leading zeros. */
export const integerOf = (text: string): bigint | undefined => {
  if (!INTEGER.test(text)) return undefined;
  const value = BigInt(text);
  return value < LEAST || value > MOST ? undefined : value;
};
