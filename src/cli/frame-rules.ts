import { fixed } from '../framing/fixed.js';
import { selfCounting, lengthPrefixed } from '../framing/length-prefixed.js';
import { line } from '../framing/line.js';
import { netstring } from '../framing/netstring.js';
import { raw } from '../framing/raw.js';
import type { InvertibleRule } from '../framing/rule.js';
import { varint } from '../framing/varint.js';

/** The rules that can be named on a command line. */
const RULES: Readonly<Record<string, () => InvertibleRule>> = {
  lines: () => line(),
  u8: () => lengthPrefixed(1),
  u16be: () => lengthPrefixed(2),
  u16le: () => lengthPrefixed({ width: 2, order: 'le' }),
  u32be: () => lengthPrefixed(4),
  u32le: () => lengthPrefixed({ width: 4, order: 'le' }),
  variable: () => selfCounting(),
  varint: () => varint(),
  netstring: () => netstring(),
  hex: () => raw(),
};

/** What `frameRule` takes. */
export const FRAME_RULES = `${Object.keys(RULES).join(', ')}, fixed:N`;

/** A rule by its name on a command line: `lines`, `u16be`, `fixed:12`. Undefined where there is none of that name. */
export const frameRule = (name: string): InvertibleRule | undefined => {
  const size = /^fixed:([1-9]\d{0,6})$/.exec(name)?.[1];
  if (size !== undefined) return fixed(Number(size));
  return Object.hasOwn(RULES, name) ? RULES[name]?.() : undefined;
};
