import type { Command } from '../command.js';
import { RequestError } from '../request-error.js';
import type { Session } from '../session.js';

const multi = ({ transaction, reply }: Session): void => {
  if (transaction.open) throw new RequestError('ERR MULTI calls can not be nested');
  transaction.open = true;
  reply.ok();
};

const exec = (session: Session): void => {
  const { transaction, reply } = session;
  if (!transaction.open) throw new RequestError('ERR EXEC without MULTI');
  transaction.look();
  const { failed, stale } = transaction;
  const kept = transaction.end();
  if (failed) throw new RequestError('EXECABORT Transaction discarded because of previous errors.');
  if (stale) return reply.nullArray();
  reply.array(kept.length);
  for (const [command, request] of kept) session.run(command, request);
};

const discard = ({ transaction, reply }: Session): void => {
  if (!transaction.open) throw new RequestError('ERR DISCARD without MULTI');
  transaction.end();
  reply.ok();
};

export const transactions: readonly Command[] = [
  { name: 'multi', arity: 1, flags: ['noscript', 'loading', 'stale', 'fast'], immediate: true, run: multi },
  { name: 'exec', arity: 1, flags: ['noscript', 'loading', 'stale'], immediate: true, run: exec },
  { name: 'discard', arity: 1, flags: ['noscript', 'loading', 'stale', 'fast'], immediate: true, run: discard },
  {
    name: 'watch',
    arity: -2,
    flags: ['noscript', 'loading', 'stale', 'fast'],
    keys: [1, -1, 1],
    immediate: true,
    run: (session, request) => {
      const { transaction, database, reply } = session;
      if (transaction.open) throw new RequestError('ERR WATCH inside MULTI is not allowed');
      const names = request.names(1);
      session.checkNames(transaction.watched + names.length);
      for (const key of names) transaction.watch(database, key);
      reply.ok();
    },
  },
  {
    name: 'unwatch',
    arity: 1,
    flags: ['noscript', 'loading', 'stale', 'fast'],
    run: ({ transaction, reply }) => {
      transaction.unwatch();
      reply.ok();
    },
  },
];
