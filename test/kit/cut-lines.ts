import { type OperatorFunction, map, pipe } from 'rxjs';
import { frameLines } from '../../operators/frame-lines.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Cuts text into lines, as `frameLines` cuts bytes: marbles are easier to read so. A last line without an end is lost. */
export const cutLines: OperatorFunction<string, string> = pipe(
  map((text: string) => encoder.encode(text)),
  frameLines({ onTruncated: 'drop' }),
  map((line) => decoder.decode(line)),
);
