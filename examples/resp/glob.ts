/** One sign of a pattern that stands for one character: what it lets through. */
type Sign = (code: number) => boolean;

const signAt = (pattern: string, at: number): readonly [sign: Sign, next: number] => {
  const code = pattern.charCodeAt(at);
  if (code === 0x3f) return [() => true, at + 1];
  if (code === 0x5b) return classAt(pattern, at + 1);
  // A backslash takes the next one as it is. At the end it stands for itself.
  const taken = code === 0x5c && at + 1 < pattern.length ? at + 1 : at;
  const wanted = pattern.charCodeAt(taken);
  return [(given) => given === wanted, taken + 1];
};

/** `[abc]`, `[a-z]`, `[^a-z]`. One that is not closed goes to the end. */
const classAt = (pattern: string, from: number): readonly [sign: Sign, next: number] => {
  const not = pattern[from] === '^';
  const ranges: (readonly [number, number])[] = [];
  let at = not ? from + 1 : from;
  for (; at < pattern.length && pattern[at] !== ']'; at++) {
    if (pattern[at] === '\\' && at + 1 < pattern.length) at++;
    const low = pattern.charCodeAt(at);
    const isRange = pattern[at + 1] === '-' && at + 2 < pattern.length;
    const high = isRange ? pattern.charCodeAt(at + 2) : low;
    if (isRange) at += 2;
    ranges.push([Math.min(low, high), Math.max(low, high)]);
  }
  return [(given) => ranges.some(([low, high]) => given >= low && given <= high) !== not, at + 1];
};

/**
 * Whether a text matches a pattern: `*` any characters, `?` one, `[a-z]` one of these, `\` the next as it is.
 *
 * A star takes as little as it can, and of all stars only the last one is tried again when what follows does not match:
 * what an earlier one could take, the last one can. So the time is that of the pattern times the text, and not more
 * however many stars there are.
 */
export const globOf = (pattern: string): ((text: string) => boolean) => {
  const signs: (Sign | null)[] = [];
  for (let at = 0; at < pattern.length;) {
    if (pattern[at] === '*') {
      if (signs.at(-1) !== null) signs.push(null);
      at++;
    } else {
      const [sign, next] = signAt(pattern, at);
      signs.push(sign);
      at = next;
    }
  }
  return (text) => {
    let [at, sign, star, from] = [0, 0, -1, 0];
    while (at < text.length) {
      const wanted = signs[sign];
      if (wanted === null) {
        star = sign++;
        from = at;
      } else if (wanted?.(text.charCodeAt(at)) === true) {
        at++;
        sign++;
      } else if (star >= 0) {
        sign = star + 1;
        at = ++from;
      } else return false;
    }
    while (signs[sign] === null) sign++;
    return sign === signs.length;
  };
};
