import { NEVER, Subject, ignoreElements } from 'rxjs';
import type { Connection } from '../../src/index.js';

let made = 0;

/**
 * A connection on paper, for what only counts connections: it carries nothing, and is gone when it is given up, or when
 * `linger` lets it go.
 */
export const paperConnection = (peer: string, linger = (over: () => void): void => over()): Connection => {
  const closed = new Subject<never>();
  const over = (): void => linger(() => closed.complete());
  return {
    id: ++made,
    peer,
    local: 'paper',
    reads: NEVER,
    writes: ignoreElements(),
    closed,
    statistics: { openedAt: 0, bytesIn: 0, bytesOut: 0, chunksIn: 0, writes: 0, buffered: 0, pausedFor: 0 },
    state: 'open',
    resting: false,
    end: over,
    abort: over,
  };
};
