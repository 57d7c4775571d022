import { isIP } from 'node:net';

/** What a command can be given beside its keywords. */
export interface Kind<A> {
  /** What one is, for people: `NAME is ...`. */
  readonly is: string;
  /** Reads a word as one; undefined where it is none. */
  readonly read: (word: string) => A | undefined;
}

const numberFrom =
  (least: number, most: number, pattern = /^\d{1,15}$/) =>
  (word: string): number | undefined => {
    const value = Number(word);
    return pattern.test(word) && value >= least && value <= most ? value : undefined;
  };

const matching =
  (pattern: RegExp) =>
  (word: string): string | undefined =>
    pattern.test(word) ? word : undefined;

const cidr = (word: string): string | undefined => {
  const [address = '', bits, ...more] = word.split('/');
  const version = isIP(address);
  const good = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
  return version !== 0 && good && more.length === 0 ? word : undefined;
};

/** The longest wait that can be asked for, in seconds: a day. */
const DAY = 86_400;

/** What the words in capitals stand for in the patterns of the grammar. */
export const kinds = {
  NAME: {
    is: 'the name of a server: up to 64 letters, digits, - . or _, the first a letter',
    read: matching(/^\p{L}[\p{L}\p{N}._-]{0,63}$/u),
  },
  IP: { is: 'an IPv4 or IPv6 address', read: (word: string) => (isIP(word) === 0 ? undefined : word) },
  HOST: { is: 'an address, or the name of a host', read: matching(/^[\p{L}\p{N}._:-]{1,253}$/u) },
  PORT: { is: 'a port, 0 to 65535; to listen on, 0 takes a free one', read: numberFrom(0, 65_535) },
  SECONDS: {
    is: 'a time in seconds, from 0.001 to a day',
    read: numberFrom(0.001, DAY, /^\d{1,5}(\.\d{1,6})?$/),
  },
  COUNT: { is: 'a whole number from 0 to 1000000', read: numberFrom(0, 1_000_000) },
  SIZE: { is: 'a number of bytes from 1 to 1048576', read: numberFrom(1, 1_048_576) },
  CLIENT: { is: "a client's number, its address as IP:PORT, or its name", read: matching(/./) },
  CIDR: { is: 'an address, or a range of them such as 10.0.0.0/8', read: cidr },
  MODULE: {
    is: 'the path of a module whose default export is a protocol or a handler, with a / in it: ./mine.js',
    read: matching(/\//),
  },
  TEXT: { is: 'a text up to the end of the line; in double quotes, \\n and \\x00 are bytes', read: matching(/./s) },
} satisfies Readonly<Record<string, Kind<unknown>>>;

export type KindName = keyof typeof kinds;

export const isKind = (word: string): word is KindName => Object.hasOwn(kinds, word);

type ValueOf<K extends KindName> = NonNullable<ReturnType<(typeof kinds)[K]['read']>>;

/** What a pattern's capitals were read as: `Given<'connect IP PORT'>` is `{ IP: string; PORT: number }`. */
export type Given<Pattern extends string> = Pattern extends `${infer Word} ${infer Rest}`
  ? Given<Word> & Given<Rest>
  : Pattern extends KindName
    ? { readonly [K in Pattern]: ValueOf<K> }
    : unknown;
