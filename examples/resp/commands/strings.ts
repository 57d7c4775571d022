import type { Command } from '../command.js';
import type { Database } from '../database.js';
import { LEAST, MOST, integerOf } from '../integer.js';
import { type Request, textOf } from '../request.js';
import { RequestError, syntaxError } from '../request-error.js';
import { type Session, wrongArity } from '../session.js';
import { momentOf } from '../moment.js';

const replyString = ({ reply }: Session, value: Uint8Array | undefined): void => {
  if (value === undefined) reply.null();
  else reply.bulk(value);
};

/** What stands behind the value of SET, or the key of GETEX. */
interface Options {
  onlyNew: boolean;
  onlyOld: boolean;
  get: boolean;
  keepTime: boolean;
  persist: boolean;
  /** When the key is to be over. */
  at: number | undefined;
}

const TIMES = new Set(['EX', 'PX', 'EXAT', 'PXAT']);

const optionsOf = (session: Session, request: Request, from: number, allowed: readonly string[]): Options => {
  const options: Options = {
    onlyNew: false,
    onlyOld: false,
    get: false,
    keepTime: false,
    persist: false,
    at: undefined,
  };
  let time: readonly [word: string, index: number] | undefined;
  for (let index = from; index < request.length; index++) {
    const word = request.word(index);
    const isTime = TIMES.has(word);
    if (!isTime && !allowed.includes(word)) throw syntaxError();
    const timed = time !== undefined || options.keepTime || options.persist;
    if ((isTime || word === 'KEEPTTL' || word === 'PERSIST') && timed) throw syntaxError();
    if (word === 'NX') options.onlyNew = true;
    else if (word === 'XX') options.onlyOld = true;
    else if (word === 'GET') options.get = true;
    else if (word === 'KEEPTTL') options.keepTime = true;
    else if (word === 'PERSIST') options.persist = true;
    else time = [word, ++index];
    if (options.onlyNew && options.onlyOld) throw syntaxError();
  }
  if (time === undefined) return options;
  const [word, index] = time;
  if (index >= request.length) throw syntaxError();
  const at = momentOf(session, request, index, word);
  // Zero and less is no time to live; a moment has to be one.
  if (request.bigint(index) <= 0n) throw invalidTime(session);
  return { ...options, at };
};

const invalidTime = ({ asked }: Session): RequestError =>
  new RequestError(`ERR invalid expire time in '${asked}' command`);

const set = (session: Session, request: Request): void => {
  const { database, reply } = session;
  const key = request.name(1);
  if (request.length === 3) {
    database.set(key, request.bytes(2));
    return reply.ok();
  }
  const { onlyNew, onlyOld, get, keepTime, at } = optionsOf(session, request, 3, ['NX', 'XX', 'GET', 'KEEPTTL']);
  const before = get ? database.string(key) : database.get(key);
  const allowed = before === undefined ? !onlyOld : !onlyNew;
  if (allowed) {
    database.set(key, request.bytes(2), keepTime);
    if (at !== undefined) database.expireAt(key, at);
  }
  if (get) replyString(session, before as Uint8Array | undefined);
  else if (allowed) reply.ok();
  else reply.null();
};

const getEx = (session: Session, request: Request): void => {
  const { database } = session;
  const key = request.name(1);
  const { at, persist } = optionsOf(session, request, 2, ['PERSIST']);
  const value = database.string(key);
  replyString(session, value);
  if (value === undefined) return;
  if (persist) database.persist(key);
  else if (at !== undefined) database.expireAt(key, at);
};

const numberIn = (database: Database, key: string): bigint => {
  const value = database.string(key);
  if (value === undefined) return 0n;
  const number = value.length > 20 ? undefined : integerOf(textOf(value));
  if (number === undefined) throw new RequestError('ERR value is not an integer or out of range');
  return number;
};

const increment =
  (by: (request: Request) => bigint) =>
  ({ database, reply }: Session, request: Request): void => {
    const key = request.name(1);
    const more = by(request);
    const sum = numberIn(database, key) + more;
    if (sum < LEAST || sum > MOST) throw new RequestError('ERR increment or decrement would overflow');
    database.set(key, Uint8Array.from(Buffer.from(String(sum))), true);
    reply.integer(sum);
  };

/** By how much DECRBY changes a number. */
const less = (request: Request): bigint => {
  const value = request.bigint(2);
  if (value === LEAST) throw new RequestError('ERR decrement would overflow');
  return -value;
};

/** A value that is added to gets room for twice as much, so that adding a byte at a time copies each but twice. */
const joined = (value: Uint8Array, more: Uint8Array): Uint8Array => {
  const length = value.length + more.length;
  const fits = value.byteOffset === 0 && value.buffer.byteLength >= length;
  const all = new Uint8Array(fits ? value.buffer : new ArrayBuffer(length * 2), 0, length);
  if (!fits) all.set(value);
  all.set(more, value.length);
  return all;
};

const append = ({ database, reply, service }: Session, request: Request): void => {
  const key = request.name(1);
  const value = database.string(key);
  if ((value?.length ?? 0) + request.size(2) > service.limits.bulk) {
    throw new RequestError('ERR string exceeds maximum allowed size (proto-max-bulk-len)');
  }
  const all = value === undefined ? request.bytes(2) : joined(value, request.bytes(2));
  database.set(key, all, true);
  reply.integer(all.length);
};

const mGet = ({ database, reply }: Session, request: Request): void => {
  const names = request.names(1);
  reply.array(names.length);
  for (const key of names) {
    const value = database.get(key);
    if (value instanceof Uint8Array) reply.bulk(value);
    else reply.null();
  }
};

const keys = [1, 1, 1] as const;

export const strings: readonly Command[] = [
  { name: 'set', arity: -3, flags: ['write', 'denyoom'], keys, run: set },
  {
    name: 'get',
    arity: 2,
    flags: ['readonly', 'fast'],
    keys,
    run: (session, request) => replyString(session, session.database.string(request.name(1))),
  },
  {
    name: 'getdel',
    arity: 2,
    flags: ['write', 'fast'],
    keys,
    run: (session, request) => {
      const key = request.name(1);
      replyString(session, session.database.string(key));
      session.database.delete(key);
    },
  },
  { name: 'getex', arity: -2, flags: ['write', 'fast'], keys, run: getEx },
  { name: 'incr', arity: 2, flags: ['write', 'denyoom', 'fast'], keys, run: increment(() => 1n) },
  { name: 'decr', arity: 2, flags: ['write', 'denyoom', 'fast'], keys, run: increment(() => -1n) },
  {
    name: 'incrby',
    arity: 3,
    flags: ['write', 'denyoom', 'fast'],
    keys,
    run: increment((request) => request.bigint(2)),
  },
  { name: 'decrby', arity: 3, flags: ['write', 'denyoom', 'fast'], keys, run: increment(less) },
  { name: 'append', arity: 3, flags: ['write', 'denyoom', 'fast'], keys, run: append },
  {
    name: 'strlen',
    arity: 2,
    flags: ['readonly', 'fast'],
    keys,
    run: ({ database, reply }, request) => reply.integer(database.string(request.name(1))?.length ?? 0),
  },
  { name: 'mget', arity: -2, flags: ['readonly', 'fast'], keys: [1, -1, 1], run: mGet },
  {
    name: 'mset',
    arity: -3,
    flags: ['write', 'denyoom'],
    keys: [1, -1, 2],
    run: ({ database, reply }, request) => {
      if (request.length % 2 === 0) throw wrongArity('mset');
      const names = request.names(1, 2);
      for (const [pair, key] of names.entries()) database.set(key, request.bytes(2 + pair * 2));
      reply.ok();
    },
  },
];
