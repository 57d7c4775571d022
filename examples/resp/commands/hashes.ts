import type { Command } from '../command.js';
import type { Hash } from '../database.js';
import type { Request } from '../request.js';
import { type Session, wrongArity } from '../session.js';

const hSet = ({ database, reply }: Session, request: Request): void => {
  if (request.length % 2 !== 0) throw wrongArity('hset');
  const key = request.name(1);
  const known = database.hash(key);
  const fields: Hash = known ?? new Map();
  const before = fields.size;
  for (let index = 2; index < request.length; index += 2) fields.set(request.text(index), request.bytes(index + 1));
  if (known === undefined) database.set(key, fields);
  else database.changed(key);
  reply.integer(fields.size - before);
};

const hDel = ({ database, reply }: Session, request: Request): void => {
  const key = request.name(1);
  const fields = database.hash(key);
  let gone = 0;
  for (let index = 2; index < request.length; index++) if (fields?.delete(request.text(index)) === true) gone++;
  if (fields?.size === 0) database.delete(key);
  else if (gone > 0) database.changed(key);
  reply.integer(gone);
};

const hGetAll = ({ database, reply }: Session, request: Request): void => {
  const fields: Hash = database.hash(request.name(1)) ?? new Map();
  reply.map(fields.size);
  for (const [field, value] of fields) {
    reply.text(field);
    reply.bulk(value);
  }
};

const keys = [1, 1, 1] as const;

export const hashes: readonly Command[] = [
  { name: 'hset', arity: -4, flags: ['write', 'denyoom', 'fast'], keys, run: hSet },
  {
    name: 'hget',
    arity: 3,
    flags: ['readonly', 'fast'],
    keys,
    run: ({ database, reply }, request) => {
      const value = database.hash(request.name(1))?.get(request.text(2));
      if (value === undefined) reply.null();
      else reply.bulk(value);
    },
  },
  { name: 'hdel', arity: -3, flags: ['write', 'fast'], keys, run: hDel },
  { name: 'hgetall', arity: 2, flags: ['readonly'], keys, run: hGetAll },
  {
    name: 'hlen',
    arity: 2,
    flags: ['readonly', 'fast'],
    keys,
    run: ({ database, reply }, request) => reply.integer(database.hash(request.name(1))?.size ?? 0),
  },
];
