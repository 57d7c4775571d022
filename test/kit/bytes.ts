/** Bytes of a text, one for each letter up to U+00FF. */
export const bytes = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

/** The text that such bytes stand for. */
export const text = (some: Uint8Array): string => String.fromCharCode(...some);
