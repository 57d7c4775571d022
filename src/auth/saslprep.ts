/** What is written as a space (RFC 3454, table C.1.2), and what as nothing (B.1). */
const SPACES = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/gu;
const NOTHING = /\u00ad|\u034f|\u1806|[\u180b-\u180d]|[\u200b-\u200d\u2060]|[\ufe00-\ufe0f]|\ufeff/gu;

/** What may not be in a text at all: tables C.2 to C.9 but for spaces, which are none any more. */
const PROHIBITED =
  /[\p{Cc}\u06dd\u070f\u180e\u200c-\u200f\u2028-\u202e\u2060-\u2063\u206a-\u206f\u2ff0-\u2ffb\ufeff\ufff9-\uffff\p{Co}\p{Cs}\p{Noncharacter_Code_Point}\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}]/u;

/** What is written from right to left (table D.1), and, nearly, what from left to right (D.2). */
const RIGHT_TO_LEFT =
  /[\u05be\u05c0\u05c3\u05d0-\u05ea\u05f0-\u05f4\u061b\u061f\u0621-\u063a\u0640-\u064a\u066d-\u066f\u0671-\u06d5\u06dd\u06e5\u06e6\u06fa-\u06fe\u0700-\u070d\u0710\u0712-\u072c\u0780-\u07a5\u07b1\u200f\ufb1d\ufb1f-\ufb28\ufb2a-\ufb36\ufb38-\ufb3c\ufb3e\ufb40\ufb41\ufb43\ufb44\ufb46-\ufbb1\ufbd3-\ufd3d\ufd50-\ufd8f\ufd92-\ufdc7\ufdf0-\ufdfc\ufe70-\ufe74\ufe76-\ufefc]/u;
const LETTER = /\p{L}/u;

const mixesDirections = (text: string): boolean => {
  const letters = Array.from(text);
  if (!letters.some((letter) => RIGHT_TO_LEFT.test(letter))) return false;
  const others = letters.some((letter) => LETTER.test(letter) && !RIGHT_TO_LEFT.test(letter));
  return others || [letters.at(0), letters.at(-1)].some((letter) => !RIGHT_TO_LEFT.test(letter ?? ''));
};

/**
 * A name or a password in the one form in which they are compared, or nothing where it has what is in neither: SASLprep
 * (RFC 4013). That a letter is newer than Unicode 3.2 is no reason to refuse it here.
 */
export const saslprep = (text: string): string | undefined => {
  const mapped = text.replaceAll(SPACES, ' ').replaceAll(NOTHING, '').normalize('NFKC');
  return PROHIBITED.test(mapped) || mixesDirections(mapped) ? undefined : mapped;
};
