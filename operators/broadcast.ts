import { Observable, type OperatorFunction } from 'rxjs';
import { checkFunction, checkObject } from '../src/check.js';
import type { Topic } from '../src/source/topic.js';
import { Link } from './link.js';

/**
 * Publishes every value to a topic, and emits nothing.
 *
 *     messages    --a----b---|
 *                 broadcast(room)
 *     out         -----------|       everyone in the room has had a and b
 *
 * The end of the messages is not the end of the topic: one who leaves does not close the room. The sources above rest
 * while a subscriber whose policy is `pause` is full; see `Topic` for the policies.
 */
export const broadcast = <A>(room: Topic<A>): OperatorFunction<A, never> => {
  const { publish } = checkObject<{ readonly publish: (message: A) => void }>('room', room);
  checkFunction('room.publish', publish);
  return (messages) =>
    new Observable((out) => {
      messages.subscribe(new Link<A>(out, { next: (message) => room.publish(message) }));
    });
};
