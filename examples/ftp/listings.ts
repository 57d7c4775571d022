// What a folder looks like: LIST as people and old programs read it, MLSD as programs should, NLST names and nothing else.
import type { Stats } from 'node:fs';
import { posix } from 'node:path';
import type { Entry } from './files.js';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** How long ago a time may be for the hour to be told, and not the year: half a year, as `ls` has it. */
const RECENT = 182 * 24 * 3_600_000;

const two = (number: number): string => String(number).padStart(2, '0');

const dateOf = (time: Date, now: number): string => {
  const age = now - time.getTime();
  const hour = `${two(time.getUTCHours())}:${two(time.getUTCMinutes())}`;
  const end = age >= 0 && age < RECENT ? hour : ` ${time.getUTCFullYear()}`;
  return `${MONTHS[time.getUTCMonth()]} ${String(time.getUTCDate()).padStart(2)} ${end}`;
};

const permissions = (stats: Stats): string => {
  const bits = ['r', 'w', 'x'].map((letter, index) => [letter, 0o400 >> index] as const);
  const shown = [0, 3, 6].map((who) =>
    bits.map(([letter, bit]) => (stats.mode & (bit >> who) ? letter : '-')).join(''),
  );
  return (stats.isDirectory() ? 'd' : '-') + shown.join('');
};

/** `-rw-r--r--   1 ftp      ftp          1024 Nov 20 16:36 name`; times are UTC. */
export const longLine = ({ name, stats }: Entry, now: number = Date.now()): string => {
  const size = String(stats.size).padStart(12);
  return `${permissions(stats)} ${String(stats.nlink).padStart(3)} ftp      ftp ${size} ${dateOf(stats.mtime, now)} ${name}`;
};

/** `20261120163633`: a time as MDTM and MLST say it (RFC 3659, section 2.3), in UTC. */
export const timeValue = (time: Date): string => time.toISOString().replaceAll(/\..*|\D/g, '');

// ── facts ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What a client may do with a file, or a folder: to read, and where it may write also to append, delete, rename, ... */
const perm = (stats: Stats, writable: boolean): string => {
  if (stats.isDirectory()) return writable ? 'cdeflmp' : 'el';
  return writable ? 'adfrw' : 'r';
};

/** What can be told of a file (RFC 3659, section 7.5). */
export const FACTS = ['type', 'size', 'modify', 'perm', 'unique'] as const;
export type Fact = (typeof FACTS)[number];

/** `size=1024;modify=20261120163633; name`. */
export const factsLine = ({ name, stats }: Entry, facts: readonly Fact[], writable: boolean): string => {
  const values: Record<Fact, string> = {
    type: stats.isDirectory() ? 'dir' : 'file',
    size: String(stats.size),
    modify: timeValue(stats.mtime),
    perm: perm(stats, writable),
    unique: `${stats.dev.toString(16)}g${stats.ino.toString(16)}`,
  };
  return `${facts.map((fact) => `${fact}=${values[fact]};`).join('')} ${name}`;
};

/** Facts that OPTS MLST has chosen, in our order. Others are not known, and left out. */
export const chosenFacts = (argument: string): Fact[] => {
  const chosen = new Set(argument.toLowerCase().split(';'));
  return FACTS.filter((fact) => chosen.has(fact));
};

// ── arguments ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** The path of `LIST -la path`: clients say options as if to `ls`, and none of them changes anything here. */
export const withoutOptions = (argument: string): string => argument.replace(/^(?:-[a-zA-Z1]+(?: +|$))+/, '');

/** A name as NLST gives it: with the folder before it that was asked for, so that it can be used as it is (RFC 1123). */
export const nameLine = (folder: string, { name }: Entry): string => (folder === '' ? name : posix.join(folder, name));
