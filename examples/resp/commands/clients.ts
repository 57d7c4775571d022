// CLIENT LIST, INFO and KILL: the clients are those of the server's registry.
import type { Client } from 'sluice/server';
import type { Command } from '../command.js';
import { integerOf } from '../integer.js';
import type { Request } from '../request.js';
import { RequestError, syntaxError } from '../request-error.js';
import type { Service } from '../service.js';
import type { Session } from '../session.js';

/** A client, and what is known of it. Not of one who has gone in this moment. */
type Known = readonly [client: Client, session: Session];

const known = ({ server, sessions }: Service): Known[] =>
  [...server.clients].flatMap((client): Known[] => {
    const session = sessions.get(client.id);
    return session === undefined ? [] : [[client, session]];
  });

/** One line of CLIENT LIST. */
const shown = ([client, session]: Known): string => {
  const { connectedSince, lastSeen, bytesIn, bytesOut, messagesIn } = client.statistics;
  const { heard, transaction, service, database, reply } = session;
  const now = database.now();
  const seconds = (since: number): number => Math.max(0, Math.floor((now - since) / 1_000));
  const facts = new Map<string, string | number>([
    ['id', client.id],
    ['addr', client.address],
    ['laddr', client.connection.local],
    ['name', session.name],
    ['age', seconds(connectedSince)],
    ['idle', seconds(lastSeen)],
    ['flags', `${session.listening > 0 ? 'P' : ''}${transaction.open ? 'x' : ''}` || 'N'],
    ['db', service.databases.indexOf(database)],
    ['sub', heard.channel.size],
    ['psub', heard.pattern.size],
    ['multi', transaction.open ? transaction.length : -1],
    ['tot-net-in', bytesIn],
    ['tot-net-out', bytesOut],
    ['tot-cmds', messagesIn],
    ['cmd', session.asked],
    ['user', 'default'],
    ['resp', reply.protocol],
  ]);
  return `${[...facts].map(([key, value]) => `${key}=${value}`).join(' ')}\n`;
};

const typeOf = (session: Session): string => (session.listening > 0 ? 'pubsub' : 'normal');

const TYPES = ['normal', 'master', 'replica', 'slave', 'pubsub'];

const checkType = (type: string): string => {
  if (TYPES.includes(type)) return type;
  throw new RequestError(`ERR Unknown client type '${type}'`);
};

const idAt = (request: Request, index: number): number => {
  const id = integerOf(request.word(index)) ?? 0n;
  if (id < 1n) throw new RequestError('ERR client-id should be greater than 0');
  return Number(id);
};

const list = ({ service, reply }: Session, request: Request): void => {
  let wanted: (known: Known) => boolean = () => true;
  const word = request.length > 2 ? request.word(2) : '';
  if (word === 'TYPE' && request.length === 4) {
    const type = checkType(request.word(3).toLowerCase());
    wanted = ([, session]) => typeOf(session) === type;
  } else if (word === 'ID' && request.length > 3) {
    const ids = new Set(Array.from({ length: request.length - 3 }, (_, at) => request.integer(at + 3)));
    wanted = ([client]) => ids.has(client.id);
  } else if (request.length > 2) throw syntaxError();
  reply.verbatim(known(service).filter(wanted).map(shown).join(''));
};

type Test = (known: Known) => boolean;

/** What a pair of arguments of CLIENT KILL says of who is meant. */
const testOf = (session: Session, request: Request, index: number): Test => {
  const word = request.word(index);
  const value = (): string => request.text(index + 1);
  if (word === 'ID') {
    const id = idAt(request, index + 1);
    return ([client]) => client.id === id;
  }
  if (word === 'ADDR') return ([client]) => client.address === value();
  if (word === 'LADDR') return ([client]) => client.connection.local === value();
  if (word === 'TYPE') {
    const type = checkType(value().toLowerCase());
    return ([, other]) => typeOf(other) === type;
  }
  if (word === 'USER') {
    if (value() !== 'default') throw new RequestError(`ERR No such user '${value().slice(0, 128)}'`);
    return () => true;
  }
  if (word !== 'SKIPME') throw syntaxError();
  const answer = request.word(index + 1);
  if (answer !== 'YES' && answer !== 'NO') throw syntaxError();
  return ([, other]) => answer === 'NO' || other !== session;
};

const cutOff = (by: Session, [client, session]: Known): void => {
  // Who kills itself is told so first.
  if (session === by) session.end();
  else by.service.server.disconnect(client, { reason: 'killed', flush: false });
};

const kill = (session: Session, request: Request): void => {
  const { service, reply } = session;
  if (request.length === 3) {
    const address = request.text(2);
    const found = known(service).filter(([client]) => client.address === address);
    if (found.length === 0) throw new RequestError('ERR No such client');
    for (const one of found) cutOff(session, one);
    return reply.ok();
  }
  if (request.length % 2 !== 0) throw syntaxError();
  const tests: Test[] = [];
  let skipsItself = true;
  for (let index = 2; index < request.length; index += 2) {
    tests.push(testOf(session, request, index));
    if (request.word(index) === 'SKIPME') skipsItself = request.word(index + 1) === 'YES';
  }
  const found = known(service).filter(
    (one) => !(skipsItself && one[1] === session) && tests.every((test) => test(one)),
  );
  for (const one of found) cutOff(session, one);
  reply.integer(found.length);
};

const flags = ['admin', 'noscript', 'loading', 'stale'] as const;

export const clients: readonly Command[] = [
  { name: 'client|list', arity: -2, flags, run: list },
  {
    name: 'client|info',
    arity: 2,
    flags,
    run: (session) => session.reply.verbatim(shown([session.client, session])),
  },
  { name: 'client|kill', arity: -3, flags, run: kill },
];
