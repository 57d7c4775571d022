import type { Kind } from '../channels.js';
import type { Command } from '../command.js';
import type { Request } from '../request.js';
import type { Session } from '../session.js';

/** Each name is answered by itself, with how much the client listens to by then. */
const confirm = ({ reply, listening }: Session, what: string, name: string | undefined): void => {
  reply.push(3);
  reply.text(what);
  if (name === undefined) reply.null();
  else reply.text(name);
  reply.integer(listening);
};

const namesOf = (kind: Kind, request: Request): readonly string[] =>
  kind === 'channel'
    ? request.names(1)
    : Array.from({ length: request.length - 1 }, (_, at) => request.pattern(at + 1));

const subscribe =
  (kind: Kind) =>
  (session: Session, request: Request): void => {
    const names = namesOf(kind, request);
    session.checkNames(session.listening + names.filter((name) => !session.heard[kind].has(name)).length);
    for (const name of names) {
      session.listen(kind, name);
      confirm(session, session.asked, name);
    }
  };

const unsubscribe =
  (kind: Kind) =>
  (session: Session, request: Request): void => {
    const names = request.length > 1 ? request.names(1) : [...session.heard[kind]];
    for (const name of names) {
      session.ignore(kind, name);
      confirm(session, session.asked, name);
    }
    if (names.length === 0) confirm(session, session.asked, undefined);
  };

const flags = ['pubsub', 'noscript', 'loading', 'stale'] as const;

export const publishing: readonly Command[] = [
  { name: 'subscribe', arity: -2, flags, forListeners: true, run: subscribe('channel') },
  { name: 'psubscribe', arity: -2, flags, forListeners: true, run: subscribe('pattern') },
  { name: 'unsubscribe', arity: -1, flags, forListeners: true, run: unsubscribe('channel') },
  { name: 'punsubscribe', arity: -1, flags, forListeners: true, run: unsubscribe('pattern') },
  {
    name: 'publish',
    arity: 3,
    flags: ['pubsub', 'loading', 'stale', 'fast'],
    run: (session, request) =>
      session.reply.integer(session.service.channels.publish(session, request.name(1), request.bytes(2))),
  },
];
