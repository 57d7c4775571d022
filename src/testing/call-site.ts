import { fileURLToPath } from 'node:url';

/** So many lines of a stack are looked at: between a timer and who made it there may be many operators. */
const DEPTH = 40;

/** The folder of this package. Its nouns (`src`) are passed over, as are Node and RxJS; its operators say something. */
const HOME = fileURLToPath(import.meta.url.replace(/dist\/(src|lib)\/.*/, ''));

const PASSED_OVER = [
  'node:',
  '(<anonymous>)',
  '/node_modules/rxjs/',
  '/node_modules/ix/',
  `${HOME}src/`,
  `${HOME}dist/src/`,
  `${HOME}dist/lib/`,
];

/** Notes where the program is. Cheap: it is only spelled out by `callSite`. */
export const noteCallSite = (): Error => {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = DEPTH;
  const note = new Error('noted');
  Error.stackTraceLimit = stackTraceLimit;
  return note;
};

/** The line of the program that led to where the note was made: ` at speak (/app/chat.js:12:5)`; else nothing. */
export const callSite = (note: Error): string => {
  const lines = (note.stack ?? '').split('\n').filter((line) => line.startsWith('    at '));
  const line = lines.find((each) => !PASSED_OVER.some((part) => each.includes(part)));
  return line === undefined ? '' : line.slice(3).replace('file://', '');
};
