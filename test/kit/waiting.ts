import { asyncScheduler } from 'rxjs';
import { type SharedTimetable, timetableOf } from '../../src/time/timetable.js';

/** How many wait for a moment on the machine's clock. */
export const waiting = (): number => (timetableOf(asyncScheduler) as SharedTimetable).size;
