import { Observable } from 'rxjs';
import { checkNumber, checkObject, checkOneOf } from '../check.js';
import type { ServerStatistics } from './statistics.js';

/** What an alarm can watch: a number as it is now. */
const LEVELS = ['clients', 'buffered'] as const;

/** What it can watch a second. */
const FLOWS = [
  'bytesIn',
  'bytesOut',
  'messagesIn',
  'messagesOut',
  'accepted',
  'refused',
  'framesRefused',
  'dropped',
  'handlerErrors',
] as const;

/** What an alarm can watch: `clients` and `buffered` (bytes) as they are now, all else as so many a second. */
export type AlarmKey = (typeof LEVELS)[number] | (typeof FLOWS)[number];

/** When an alarm is raised, and when it is cleared (default: at 80 % of that), so that it does not flutter. */
export type Threshold = number | { readonly raise: number; readonly clear: number };

/** What to watch. */
export type AlarmThresholds = { readonly [Key in AlarmKey]?: Threshold };

/** A number has reached its threshold, or has come down again. */
export interface Alarm {
  readonly type: 'raised' | 'cleared';
  readonly what: AlarmKey;
  readonly value: number;
  /** The threshold that it has reached. */
  readonly threshold: number;
}

/** One number that is watched. */
interface Watched {
  readonly what: AlarmKey;
  readonly raise: number;
  readonly clear: number;
}

const KEYS: readonly AlarmKey[] = [...LEVELS, ...FLOWS];

const watchedOf = ([key, threshold]: [string, Threshold]): Watched => {
  const what = checkOneOf('the name of a threshold', key, KEYS);
  const { raise, clear = raise * 0.8 } =
    typeof threshold === 'number' ? { raise: threshold } : checkObject(what, threshold);
  checkNumber(what, raise, Number.MIN_VALUE, Number.MAX_VALUE);
  return { what, raise, clear: checkNumber(`${what}.clear`, clear, 0, raise) };
};

/** A look at a server: its statistics, and how many seconds after the last look. */
export interface Look {
  readonly statistics: ServerStatistics;
  readonly seconds: number;
}

/** @internal The alarms of a server that is looked at now and then. */
export const alarmsOf = (looks: Observable<Look>, thresholds: AlarmThresholds): Observable<Alarm> => {
  const watched = Object.entries(checkObject('thresholds', thresholds)).map(watchedOf);
  return new Observable((out) => {
    const raised = new Set<AlarmKey>();
    let before: ServerStatistics | undefined;

    const judge = ({ what, raise, clear }: Watched, value: number): void => {
      if (!raised.has(what) && value >= raise) {
        raised.add(what);
        out.next({ type: 'raised', what, value, threshold: raise });
      } else if (raised.has(what) && value <= clear) {
        raised.delete(what);
        out.next({ type: 'cleared', what, value, threshold: clear });
      }
    };

    return looks.subscribe({
      next: ({ statistics, seconds }) => {
        for (const one of watched) {
          const now = statistics[one.what];
          const level = one.what === 'clients' || one.what === 'buffered';
          if (level) judge(one, now);
          else if (before !== undefined) judge(one, (now - before[one.what]) / seconds);
        }
        before = statistics;
      },
      error: (error: unknown) => out.error(error),
      complete: () => out.complete(),
    });
  });
};
