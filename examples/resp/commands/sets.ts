import type { Command } from '../command.js';
import type { Request } from '../request.js';
import type { Session } from '../session.js';

const add = ({ database, reply }: Session, request: Request): void => {
  const key = request.name(1);
  const known = database.members(key);
  const members = known ?? new Set<string>();
  const before = members.size;
  for (let index = 2; index < request.length; index++) members.add(request.text(index));
  const added = members.size - before;
  if (known === undefined) database.set(key, members);
  else if (added > 0) database.changed(key);
  reply.integer(added);
};

const remove = ({ database, reply }: Session, request: Request): void => {
  const key = request.name(1);
  const members = database.members(key);
  let gone = 0;
  for (let index = 2; index < request.length; index++) if (members?.delete(request.text(index)) === true) gone++;
  if (members?.size === 0) database.delete(key);
  else if (gone > 0) database.changed(key);
  reply.integer(gone);
};

const all = ({ database, reply }: Session, request: Request): void => {
  const members = database.members(request.name(1)) ?? new Set<string>();
  reply.set(members.size);
  for (const member of members) reply.text(member);
};

const keys = [1, 1, 1] as const;

export const sets: readonly Command[] = [
  { name: 'sadd', arity: -3, flags: ['write', 'denyoom', 'fast'], keys, run: add },
  { name: 'srem', arity: -3, flags: ['write', 'fast'], keys, run: remove },
  { name: 'smembers', arity: 2, flags: ['readonly'], keys, run: all },
  {
    name: 'sismember',
    arity: 3,
    flags: ['readonly', 'fast'],
    keys,
    run: ({ database, reply }, request) =>
      reply.integer(database.members(request.name(1))?.has(request.text(2)) === true ? 1 : 0),
  },
  {
    name: 'scard',
    arity: 2,
    flags: ['readonly', 'fast'],
    keys,
    run: ({ database, reply }, request) => reply.integer(database.members(request.name(1))?.size ?? 0),
  },
];
