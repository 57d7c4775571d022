// The protocol of the heartbeat: says `ping` after a time in which nothing else is said, takes a `ping` as a sign of life,
// and gives up a peer that was silent for the hold time. What is said otherwise comes back.
import { map } from 'rxjs';
import { line, text } from 'sluice';
import { type KeepAliveEvent, type Protocol, protocol } from 'sluice/operators';

/** Times in milliseconds. */
export interface HeartbeatOptions {
  readonly interval: number;
  readonly hold: number;
  readonly onEvent?: (event: KeepAliveEvent) => void;
}

export const heartbeat = (options: HeartbeatOptions): Protocol<string, string> =>
  protocol({
    name: 'heartbeat',
    framing: line(),
    message: text,
    keepAlive: { ...options, probe: 'ping', isKeepAlive: (said) => said === 'ping' },
    session: map((said) => `you said ${said}`),
  });
