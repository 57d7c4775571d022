/** The four bytes of an IPv4 address. Heading zeros are refused: some read them as octal. */
const parseIPv4 = (text: string): number[] | undefined => {
  const parts = text.split('.');
  const bytes = parts.map((part) => (/^(0|[1-9]\d{0,2})$/.test(part) ? Number(part) : 256));
  return bytes.length === 4 && bytes.every((byte) => byte < 256) ? bytes : undefined;
};

/** The bytes of groups of hex digits; the last may be an IPv4 address. Nothing for nothing. */
const parseGroups = (text: string): number[] | undefined => {
  if (text === '') return [];
  const groups = text.split(':');
  const bytes: number[] = [];
  for (const [index, group] of groups.entries()) {
    const last = index === groups.length - 1 && group.includes('.') ? parseIPv4(group) : undefined;
    if (last !== undefined) bytes.push(...last);
    else if (/^[\da-f]{1,4}$/i.test(group)) bytes.push(parseInt(group, 16) >> 8, parseInt(group, 16) & 0xff);
    else return undefined;
  }
  return bytes;
};

const parseIPv6 = (text: string): number[] | undefined => {
  const [before = '', after, ...more] = text.split('::');
  const front = parseGroups(before);
  const back = parseGroups(after ?? '');
  // An IPv4 address stands at the end, and nowhere else.
  if (front === undefined || back === undefined || more.length > 0) return undefined;
  if (after !== undefined && before.includes('.')) return undefined;
  const zeros = 16 - front.length - back.length;
  if (after === undefined ? zeros !== 0 : zeros < 2) return undefined;
  return [...front, ...Array.from({ length: zeros }, () => 0), ...back];
};

/** The 4 or 16 bytes of an IP address, or nothing where the text is none. Zones (`%eth0`) are no part of one. */
export const parseIp = (text: string): Uint8Array | undefined => {
  const bytes = text.includes(':') ? parseIPv6(text) : parseIPv4(text);
  return bytes && Uint8Array.from(bytes);
};

/** The longest run of zeros, of two groups or more: what `::` stands for. The first of several. */
const longestZeros = (groups: readonly number[]): { readonly from: number; readonly count: number } => {
  let longest = { from: -1, count: 1 };
  for (let from = 0; from < groups.length; from++) {
    let count = 0;
    while (groups[from + count] === 0) count++;
    if (count > longest.count) longest = { from, count };
  }
  return longest;
};

/** An IP address of 4 or 16 bytes as text, in the one form of RFC 5952; an IPv4 address in IPv6 ends in it. */
export const formatIp = (bytes: Uint8Array): string => {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, at) => ((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0));
  if (isMapped(bytes)) return `::ffff:${formatIp(bytes.subarray(12))}`;
  const { from, count } = longestZeros(groups);
  const hex = (some: readonly number[]): string => some.map((group) => group.toString(16)).join(':');
  return from < 0 ? hex(groups) : `${hex(groups.slice(0, from))}::${hex(groups.slice(from + count))}`;
};

/** Whether these 16 bytes are an IPv4 address as IPv6 writes it. */
export const isMapped = (bytes: Uint8Array): boolean =>
  bytes.length === 16 && bytes.every((byte, at) => at > 11 || byte === (at < 10 ? 0 : 0xff));
