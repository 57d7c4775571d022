/** What an alarm can watch: a number as it is now, or (all but the first two) so many in the last second. */
export type AlarmKey =
  | 'clients'
  | 'buffered'
  | 'bytesIn'
  | 'bytesOut'
  | 'messagesIn'
  | 'messagesOut'
  | 'accepted'
  | 'refused'
  | 'framesRefused'
  | 'dropped'
  | 'handlerErrors';

/** When an alarm is raised, and when it is cleared (default: at 80 % of that), so that it does not flutter. */
export type Threshold = number | { readonly raise: number; readonly clear: number };

/** What to watch. */
export type AlarmThresholds = { readonly [Key in AlarmKey]?: Threshold };

/** A number has reached its threshold, or has come down again. */
export interface Alarm {
  readonly type: 'raised' | 'cleared';
  readonly what: AlarmKey;
  readonly value: number;
  /** The threshold that it has passed. */
  readonly threshold: number;
}
