import { sameSecret } from 'sluice';
import { type Command, Commands } from '../command.js';
import type { Database } from '../database.js';
import type { Request } from '../request.js';
import { RequestError, syntaxError } from '../request-error.js';
import { type Session, wrongArity } from '../session.js';
import { clients } from './clients.js';
import { container } from './container.js';
import { VERSION } from './information.js';

const ping = ({ reply, listening, asked }: Session, request: Request): void => {
  if (request.length > 2) throw wrongArity(asked);
  // Who listens in RESP2 takes arrays only.
  if (reply.protocol === 2 && listening > 0) {
    reply.array(2);
    reply.text('pong');
    reply.bulk(request.length === 2 ? request.bytes(1) : new Uint8Array(0));
  } else if (request.length === 2) reply.bulk(request.bytes(1));
  else reply.pong();
};

/** Lets a client in who says the name and the password. There is one name. */
const logIn = (session: Session, name: string, password: Uint8Array): void => {
  const right = session.service.password;
  if (name !== 'default' || (right !== undefined && !sameSecret(password, right))) {
    throw new RequestError('WRONGPASS invalid username-password pair or user is disabled.');
  }
  session.letIn();
};

const auth = (session: Session, request: Request): void => {
  if (request.length > 3) throw syntaxError();
  if (request.length === 2 && session.service.password === undefined) {
    throw new RequestError(
      'ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?',
    );
  }
  logIn(session, request.length === 3 ? request.text(1) : 'default', request.bytes(request.length - 1));
  session.reply.ok();
};

const checkName = (name: string): string => {
  if (/^[!-~]*$/.test(name)) return name;
  throw new RequestError('ERR Client names cannot contain spaces, newlines or special characters.');
};

/** HELLO [2 | 3 [AUTH name password] [SETNAME name]]: who is there, and what is spoken from now on. */
const hello = (session: Session, request: Request): void => {
  const { reply } = session;
  const asked = request.length > 1 ? request.word(1) : String(reply.protocol);
  if (!/^-?\d+$/.test(asked)) throw new RequestError('ERR Protocol version is not an integer or out of range');
  if (asked !== '2' && asked !== '3') throw new RequestError('NOPROTO unsupported protocol version');
  let name: string | undefined;
  for (let index = 2; index < request.length;) {
    const word = request.word(index);
    const left = request.length - index - 1;
    if (word === 'AUTH' && left >= 2) {
      logIn(session, request.text(index + 1), request.bytes(index + 2));
      index += 3;
    } else if (word === 'SETNAME' && left >= 1) {
      name = checkName(request.name(index + 1));
      index += 2;
    } else throw new RequestError(`ERR Syntax error in HELLO option '${request.text(index).slice(0, 128)}'`);
  }
  if (!session.known) {
    throw new RequestError(
      'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time',
    );
  }
  if (name !== undefined) session.rename(name);
  session.speak(asked === '2' ? 2 : 3);
  reply.map(7);
  for (const [key, value] of Object.entries({
    server: 'redis',
    version: VERSION,
    proto: reply.protocol,
    id: session.id,
  })) {
    reply.text(key);
    if (typeof value === 'number') reply.integer(value);
    else reply.text(value);
  }
  for (const text of ['mode', 'standalone', 'role', 'master', 'modules']) reply.text(text);
  reply.array(0);
};

const select = (session: Session, request: Request): void => {
  const database: Database | undefined = session.service.databases[request.integer(1)];
  if (database === undefined) throw new RequestError('ERR DB index is out of range');
  session.database = database;
  session.reply.ok();
};

const setName = (session: Session, request: Request): void => {
  session.rename(checkName(request.name(2)));
  session.reply.ok();
};

const getName = ({ name, reply }: Session): void => {
  if (name === '') reply.null();
  else reply.text(name);
};

const flags = ['noscript', 'loading', 'stale', 'fast'] as const;

const client = new Commands([
  { name: 'client|id', arity: 2, flags, run: ({ reply, id }) => reply.integer(id) },
  { name: 'client|getname', arity: 2, flags, run: getName },
  { name: 'client|setname', arity: 3, flags, run: setName },
  ...clients,
]);

export const connection: readonly Command[] = [
  { name: 'ping', arity: -1, flags: ['fast'], forListeners: true, run: ping },
  { name: 'echo', arity: 2, flags: ['fast'], run: ({ reply }, request) => reply.bulk(request.bytes(1)) },
  { name: 'auth', arity: -2, flags, forStrangers: true, run: auth },
  { name: 'hello', arity: -1, flags, forStrangers: true, run: hello },
  { name: 'select', arity: 2, flags: ['loading', 'stale', 'fast'], run: select },
  {
    name: 'quit',
    arity: -1,
    flags,
    immediate: true,
    forStrangers: true,
    forListeners: true,
    run: (session) => {
      session.end();
      session.reply.ok();
    },
  },
  container('client', client),
];
