import { Observable, type OperatorFunction } from 'rxjs';
import { inScope, openScope } from '../../src/flow/scope.js';
import { Valve } from '../../src/flow/valve.js';
import { pausable } from '../../src/source/pausable.js';

/** What a peer says, as a source that rests while a consumer below is full. */
export const peer = (messages: Observable<string>): Observable<string> =>
  pausable(messages, { pause: () => {}, resume: () => {} });

/** A peer above a consumer that `valve` says is full (`c`, closed) or not (`o`, open). */
export const heldBack = <A>(
  messages: Observable<string>,
  valve: Observable<string>,
  operator: OperatorFunction<string, A>,
): Observable<A> =>
  new Observable((out) => {
    const consumer = new Valve();
    out.add(valve.subscribe((deed) => (deed === 'c' ? consumer.close() : consumer.open())));
    inScope({ ...openScope, valve: consumer }, () => operator(peer(messages)).subscribe(out));
  });
