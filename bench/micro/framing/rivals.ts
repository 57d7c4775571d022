// Packages of others, to compare with: they live in bench/rivals, with a package.json of their own.
import { createRequire } from 'node:module';
import type { Transform } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { NotInstalled } from '../contest.js';

const near = createRequire(new URL('../../../../bench/rivals/package.json', import.meta.url));

const load = async (name: string): Promise<unknown> => {
  let file: string;
  try {
    file = near.resolve(name);
  } catch {
    throw new NotInstalled(`${name} is not there: npm ci --prefix bench/rivals`);
  }
  return import(pathToFileURL(file).href);
};

/** Of `it-length-prefixed`: frames that begin with a varint, pulled. */
export interface ItLengthPrefixed {
  readonly decode: {
    (chunks: Iterable<Uint8Array>): Iterable<{ readonly length: number }>;
    (chunks: AsyncIterable<Uint8Array>): AsyncIterable<{ readonly length: number }>;
  };
}

export const itLengthPrefixed = async (): Promise<ItLengthPrefixed> =>
  (await load('it-length-prefixed')) as ItLengthPrefixed;

/** A stream of `length-prefixed-stream`: frames that begin with a varint. */
export const lengthPrefixedStream = async (): Promise<Transform> => {
  const { default: streams } = (await load('length-prefixed-stream')) as { default: { decode(): Transform } };
  return streams.decode();
};
