import type { Command } from '../command.js';
import type { Database, Value } from '../database.js';
import { matches } from '../glob.js';
import { momentOf } from '../moment.js';
import type { Request } from '../request.js';
import { RequestError, syntaxError } from '../request-error.js';
import type { Session } from '../session.js';

const typeOf = (value: Value | undefined): string => {
  if (value === undefined) return 'none';
  if (value instanceof Uint8Array) return 'string';
  if (value instanceof Map) return 'hash';
  return value instanceof Set ? 'set' : 'list';
};

const counting =
  (counts: (database: Database, key: string) => boolean) =>
  ({ database, reply }: Session, request: Request): void =>
    reply.integer(request.names(1).filter((key) => counts(database, key)).length);

const CONDITIONS = ['NX', 'XX', 'GT', 'LT'];

/** What has to be so for a key to get another time to live. */
const conditionsOf = (request: Request): ReadonlySet<string> => {
  const conditions = new Set<string>();
  for (let index = 3; index < request.length; index++) {
    const word = request.word(index);
    if (!CONDITIONS.includes(word)) throw new RequestError(`ERR Unsupported option ${request.text(index)}`);
    conditions.add(word);
  }
  if (conditions.has('NX') && conditions.size > 1) {
    throw new RequestError('ERR NX and XX, GT or LT options at the same time are not compatible');
  }
  if (conditions.has('GT') && conditions.has('LT')) {
    throw new RequestError('ERR GT and LT options at the same time are not compatible');
  }
  return conditions;
};

/** Without a time to live a key is over later than with any. */
const meets = (conditions: ReadonlySet<string>, at: number, before: number | undefined): boolean =>
  !(conditions.has('NX') && before !== undefined) &&
  !(conditions.has('XX') && before === undefined) &&
  !(conditions.has('GT') && at <= (before ?? Infinity)) &&
  !(conditions.has('LT') && at >= (before ?? Infinity));

const expire =
  (unit: string) =>
  (session: Session, request: Request): void => {
    const { database, reply } = session;
    const key = request.name(1);
    const conditions = conditionsOf(request);
    const at = momentOf(session, request, 2, unit);
    const allowed = database.get(key) !== undefined && meets(conditions, at, database.expiry(key));
    if (allowed) database.expireAt(key, at);
    reply.integer(allowed ? 1 : 0);
  };

const timeToLive =
  (shown: (ms: number) => number) =>
  ({ database, reply }: Session, request: Request): void => {
    const key = request.name(1);
    if (database.get(key) === undefined) return reply.integer(-2);
    const at = database.expiry(key);
    reply.integer(at === undefined ? -1 : shown(Math.max(0, at - database.now())));
  };

const replyNames = ({ reply }: Session, names: readonly string[]): void => {
  reply.array(names.length);
  for (const name of names) reply.text(name);
};

const scan = (session: Session, request: Request): void => {
  const { database, reply } = session;
  const cursor = /^\d{1,15}$/.test(request.word(1)) ? Number(request.word(1)) : -1;
  let [pattern, type, count] = ['*', '', 10];
  for (let index = 2; index < request.length; index += 2) {
    const word = request.word(index);
    if (index + 1 >= request.length) throw syntaxError();
    if (word === 'MATCH') pattern = request.pattern(index + 1);
    else if (word === 'TYPE') type = request.word(index + 1).toLowerCase();
    else if (word === 'COUNT') count = request.integer(index + 1);
    else throw syntaxError();
    if (count < 1) throw syntaxError();
  }
  const found = cursor < 0 ? undefined : database.scan(cursor, count);
  if (found === undefined) throw new RequestError('ERR invalid cursor');
  const isOfType = (key: string): boolean => type === '' || typeOf(database.get(key)) === type;
  reply.array(2);
  reply.text(String(found.cursor));
  replyNames(
    session,
    found.keys.filter((key) => matches(pattern, key) && isOfType(key)),
  );
};

const flush =
  (databases: (session: Session) => readonly Database[]) =>
  (session: Session, request: Request): void => {
    if (request.length > 2 || (request.length === 2 && !['ASYNC', 'SYNC'].includes(request.word(1))))
      throw syntaxError();
    for (const database of databases(session)) database.clear();
    session.reply.ok();
  };

const keys = [1, 1, 1] as const;
const all = [1, -1, 1] as const;

export const keyspace: readonly Command[] = [
  { name: 'del', arity: -2, flags: ['write'], keys: all, run: counting((database, key) => database.delete(key)) },
  {
    name: 'exists',
    arity: -2,
    flags: ['readonly', 'fast'],
    keys: all,
    run: counting((database, key) => database.get(key) !== undefined),
  },
  { name: 'expire', arity: -3, flags: ['write', 'fast'], keys, run: expire('EX') },
  { name: 'pexpire', arity: -3, flags: ['write', 'fast'], keys, run: expire('PX') },
  { name: 'ttl', arity: 2, flags: ['readonly', 'fast'], keys, run: timeToLive((ms) => Math.floor((ms + 500) / 1_000)) },
  { name: 'pttl', arity: 2, flags: ['readonly', 'fast'], keys, run: timeToLive((ms) => ms) },
  {
    name: 'persist',
    arity: 2,
    flags: ['write', 'fast'],
    keys,
    run: ({ database, reply }, request) => {
      const key = request.name(1);
      reply.integer(database.get(key) !== undefined && database.persist(key) ? 1 : 0);
    },
  },
  {
    name: 'type',
    arity: 2,
    flags: ['readonly', 'fast'],
    keys,
    run: ({ database, reply }, request) => reply.simple(typeOf(database.get(request.name(1)))),
  },
  {
    name: 'keys',
    arity: 2,
    flags: ['readonly'],
    run: (session, request) => {
      const pattern = request.pattern(1);
      replyNames(
        session,
        [...session.database.keys()].filter((key) => matches(pattern, key)),
      );
    },
  },
  { name: 'scan', arity: -2, flags: ['readonly'], run: scan },
  { name: 'dbsize', arity: 1, flags: ['readonly', 'fast'], run: ({ database, reply }) => reply.integer(database.size) },
  { name: 'flushdb', arity: -1, flags: ['write'], run: flush(({ database }) => [database]) },
  { name: 'flushall', arity: -1, flags: ['write'], run: flush(({ service }) => service.databases) },
];
