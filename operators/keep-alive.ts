import { Observable, type OperatorFunction, type SchedulerLike, asyncScheduler } from 'rxjs';
import { checkFunction, checkTime } from '../src/check.js';
import { PeerIdle } from '../src/errors.js';
import { flow, urgently } from '../src/flow/scope.js';
import { Patience } from '../src/time/patience.js';
import { Silence } from '../src/time/silence.js';
import { Link } from './link.js';

/** What happens to a keep-alive: a probe was sent, one was received, the hold time is over. */
export type KeepAliveEvent = 'sent' | 'received' | 'expired';

/** How a connection is kept alive. Times in milliseconds. */
export interface KeepAliveOptions<A, B> {
  /** A probe is sent when nothing else was for so long. */
  readonly interval: number;
  /** The peer is given up when nothing came from it for so long: the hold time (default 1.5 x `interval`). */
  readonly hold?: number;
  /** The message that says "I am here", or a function that makes one. */
  readonly probe: B | (() => B);
  /** Tells the peer's own probes from its messages: they count as a sign of life and are not passed on. */
  readonly isKeepAlive: (message: A) => boolean;
  /** Called with what happens: count it, log it. */
  readonly onEvent?: (event: KeepAliveEvent) => void;
  /** What the times are measured by (default `asyncScheduler`). */
  readonly scheduler?: SchedulerLike;
}

/**
 * Keeps a connection alive around a session: hears the peer's probes, sends ours, and gives up a peer that is silent.
 *
 *     messages  --a----k---------------     k: isKeepAlive
 *               keepAlive({ interval: 5, hold: 9, probe: p, isKeepAlive }, map(upper))
 *     out       --A----p----p---#           PeerIdle, 9 ms after k
 *
 * Probes go before data that is queued for the peer. Only whole messages of the peer keep it alive: not our own, and
 * not bytes that are no message. Hold time as in BGP (RFC 4271, section 4.4).
 */
export const keepAlive = <A, B>(
  options: KeepAliveOptions<A, B>,
  session: OperatorFunction<A, B>,
): OperatorFunction<A, B> => {
  const { probe, onEvent, scheduler = asyncScheduler } = options;
  const interval = checkTime('interval', options.interval);
  const hold = checkTime('hold', options.hold ?? interval * 1.5);
  const isKeepAlive = checkFunction('isKeepAlive', options.isKeepAlive);
  const nextProbe = typeof probe === 'function' ? (probe as () => B) : () => probe;

  return (messages) =>
    new Observable((out) => {
      const { valve } = flow.scope;
      /** At which opening of a closed valve a probe was put in front: a second one would only wait behind it. */
      let waitingSince = -1;

      const patience = new Patience(scheduler, hold, () => {
        onEvent?.('expired');
        out.error(new PeerIdle(hold));
      });
      const silence = new Silence(scheduler, interval, () => {
        if (valve !== null && valve.closed) {
          if (waitingSince === valve.openings) return;
          waitingSince = valve.openings;
        }
        urgently(() => out.next(nextProbe()));
        onEvent?.('sent');
      });
      out.add(() => {
        patience.stop();
        silence.stop();
      });
      patience.begin();

      const heard = new Observable<A>((inner) =>
        messages.subscribe(
          new Link<A>(inner, {
            next: (message) => {
              patience.begin();
              if (isKeepAlive(message)) onEvent?.('received');
              else inner.next(message);
            },
            complete: () => {
              // The peer has ended: nothing more is expected of it, and its answers may take their time.
              patience.stop();
              inner.complete();
            },
          }),
        ),
      );
      session(heard).subscribe(
        new Link<B>(out, {
          next: (answer) => {
            silence.broken();
            out.next(answer);
          },
        }),
      );
    });
};
