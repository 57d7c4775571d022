import { RequestError } from './request-error.js';
import type { Request } from './request.js';
import type { Session } from './session.js';

/** The units of time to live, by the words of SET: how many milliseconds, and whether they count from now. */
const UNITS = new Map<string, readonly [ms: number, fromNow: boolean]>([
  ['EX', [1_000, true]],
  ['PX', [1, true]],
  ['EXAT', [1_000, false]],
  ['PXAT', [1, false]],
]);

/** The moment that an argument says, in milliseconds since 1970. */
export const momentOf = ({ database, asked }: Session, request: Request, index: number, unit: string): number => {
  const [ms, fromNow] = UNITS.get(unit) as readonly [number, boolean];
  const at = request.integer(index) * ms + (fromNow ? database.now() : 0);
  if (Number.isSafeInteger(at)) return at;
  throw new RequestError(`ERR invalid expire time in '${asked}' command`);
};
