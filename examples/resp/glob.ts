const [STAR, QUESTION, BRACKET, BACKSLASH] = [0x2a, 0x3f, 0x5b, 0x5c];

/** Where a pattern goes on behind the sign that begins at `at`, if that stands for this character; otherwise -1. */
const after = (pattern: string, at: number, code: number): number => {
  const sign = pattern.charCodeAt(at);
  if (sign === QUESTION) return at + 1;
  if (sign === BRACKET) return afterClass(pattern, at + 1, code);
  // A backslash takes the next one as it is. At the end it stands for itself.
  const taken = sign === BACKSLASH && at + 1 < pattern.length ? at + 1 : at;
  return pattern.charCodeAt(taken) === code ? taken + 1 : -1;
};

/** The same of `abc]`, `a-z]` and `^a-z]`. One that is not closed goes to the end. */
const afterClass = (pattern: string, from: number, code: number): number => {
  const not = pattern[from] === '^';
  let isIn = false;
  let at = not ? from + 1 : from;
  for (; at < pattern.length && pattern[at] !== ']'; at++) {
    if (pattern.charCodeAt(at) === BACKSLASH && at + 1 < pattern.length) at++;
    const low = pattern.charCodeAt(at);
    const isRange = pattern[at + 1] === '-' && at + 2 < pattern.length;
    if (isRange) at += 2;
    const high = pattern.charCodeAt(at);
    isIn ||= code >= Math.min(low, high) && code <= Math.max(low, high);
  }
  return isIn === not ? -1 : at + 1;
};

/**
 * Whether a text matches a pattern: `*` any characters, `?` one, `[a-z]` one of these, `\` the next as it is.
 *
 * A star takes as little as it can, and of all stars only the last one is tried again when what follows does not match:
 * what an earlier one could take, the last one can. So the time is that of the pattern times the text, and not more
 * however many stars there are.
 */
export const matches = (pattern: string, text: string): boolean => {
  let [at, sign, star, from] = [0, 0, -1, 0];
  while (at < text.length) {
    if (pattern.charCodeAt(sign) === STAR) {
      star = ++sign;
      from = at;
      continue;
    }
    const next = after(pattern, sign, text.charCodeAt(at));
    if (next >= 0) {
      at++;
      sign = next;
    } else if (star >= 0) {
      sign = star;
      at = ++from;
    } else return false;
  }
  while (pattern.charCodeAt(sign) === STAR) sign++;
  return sign >= pattern.length;
};
