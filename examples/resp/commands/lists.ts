import type { Command } from '../command.js';
import { Deque } from '../deque.js';
import { integerOf } from '../integer.js';
import type { Request } from '../request.js';
import { RequestError } from '../request-error.js';
import { type Session, wrongArity } from '../session.js';

type End = 'left' | 'right';

const push =
  (end: End) =>
  ({ database, reply }: Session, request: Request): void => {
    const key = request.name(1);
    const known = database.list(key);
    const list = known ?? new Deque<Uint8Array>();
    for (let index = 2; index < request.length; index++) {
      if (end === 'left') list.unshift(request.bytes(index));
      else list.push(request.bytes(index));
    }
    if (known === undefined) database.set(key, list);
    else database.changed(key);
    reply.integer(list.length);
  };

const countOf = (request: Request): number => {
  if (request.length === 2) return 1;
  const count = integerOf(request.word(2)) ?? -1n;
  if (count < 0n) throw new RequestError('ERR value is out of range, must be positive');
  return Number(count);
};

const pop =
  (end: End) =>
  ({ database, reply, asked }: Session, request: Request): void => {
    if (request.length > 3) throw wrongArity(asked);
    const key = request.name(1);
    const many = request.length === 3;
    const wanted = countOf(request);
    const list = database.list(key);
    if (list === undefined) return many ? reply.nullArray() : reply.null();
    const count = Math.min(wanted, list.length);
    if (many) reply.array(count);
    for (let taken = 0; taken < count; taken++) {
      reply.bulk((end === 'left' ? list.shift() : list.pop()) as Uint8Array);
    }
    if (list.length === 0) database.delete(key);
    else if (count > 0) database.changed(key);
  };

/** From one place to another, both counted; below zero, from the end. */
const lRange = ({ database, reply }: Session, request: Request): void => {
  const [from, to] = [request.integer(2), request.integer(3)];
  const list = database.list(request.name(1));
  const length = list?.length ?? 0;
  const first = Math.max(0, from < 0 ? length + from : from);
  const last = Math.min(length - 1, to < 0 ? length + to : to);
  reply.array(Math.max(0, last - first + 1));
  for (let index = first; index <= last; index++) reply.bulk((list as Deque<Uint8Array>).at(index));
};

const keys = [1, 1, 1] as const;

export const lists: readonly Command[] = [
  { name: 'lpush', arity: -3, flags: ['write', 'denyoom', 'fast'], keys, run: push('left') },
  { name: 'rpush', arity: -3, flags: ['write', 'denyoom', 'fast'], keys, run: push('right') },
  { name: 'lpop', arity: -2, flags: ['write', 'fast'], keys, run: pop('left') },
  { name: 'rpop', arity: -2, flags: ['write', 'fast'], keys, run: pop('right') },
  { name: 'lrange', arity: 4, flags: ['readonly'], keys, run: lRange },
  {
    name: 'llen',
    arity: 2,
    flags: ['readonly', 'fast'],
    keys,
    run: ({ database, reply }, request) => reply.integer(database.list(request.name(1))?.length ?? 0),
  },
];
