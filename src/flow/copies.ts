import { warnCopies } from './warning.js';

/** Where the copies of this package in one process know of each other, whatever their versions. */
const COPIES = Symbol.for('sluice.copies');

/** A copy was loaded. Says so once when it is not the only one: each has a `flow` of its own, and sees no other's valves. */
export const noteCopy = (version: string): void => {
  const place = globalThis as { [COPIES]?: string[] };
  const copies = (place[COPIES] ??= []);
  copies.push(version);
  if (copies.length === 2) warnCopies(copies);
};
