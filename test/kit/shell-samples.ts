import { type KindName, isKind } from '../../src/cli/kinds.js';
import type { Row } from '../../src/cli/row.js';

/** One of each kind of what a command can be given. */
export const samples: Readonly<Record<KindName, string>> = {
  NAME: 'lobby',
  IP: '127.0.0.1',
  HOST: 'localhost',
  PORT: '7000',
  SECONDS: '0.5',
  COUNT: '12',
  SIZE: '4',
  CLIENT: '127.0.0.1:5000',
  CIDR: '10.0.0.0/8',
  MODULE: './mine.js',
  TEXT: 'hello there',
};

/** A line that is this command. */
export const sampleLine = ({ words }: Row): string =>
  words.map((word) => (isKind(word) ? samples[word] : word)).join(' ');
