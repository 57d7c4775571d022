// INFO, COMMAND and CONFIG GET: what the server says of itself.
import { type Command, Commands } from '../command.js';
import { matches } from '../glob.js';
import type { Request } from '../request.js';
import { RequestError } from '../request-error.js';
import type { Service } from '../service.js';
import type { Session } from '../session.js';
import { container } from './container.js';

/** The version of Redis of which this knows some commands, for clients that go by it. */
export const VERSION = '7.0.0';

type Facts = readonly (readonly [key: string, value: string | number])[];

const sections: Readonly<Record<string, (service: Service) => Facts>> = {
  Server: ({ server, now }) => [
    ['redis_version', VERSION],
    ['redis_mode', 'standalone'],
    ['server_name', server.name],
    ['process_id', process.pid],
    ['tcp_port', server.address?.port ?? 0],
    ['uptime_in_seconds', Math.floor((now() - (server.statistics.startedAt ?? now())) / 1_000)],
  ],
  Clients: ({ server, sessions }) => [
    ['connected_clients', sessions.size],
    ['maxclients', server.limits.maxConnections],
    ['pubsub_clients', [...sessions.values()].filter(({ listening }) => listening > 0).length],
  ],
  Memory: () => {
    const { rss, heapUsed, external } = process.memoryUsage();
    return [
      ['used_memory', heapUsed + external],
      ['used_memory_rss', rss],
    ];
  },
  Persistence: () => [['loading', 0]],
  Stats: ({ server }) => {
    const { accepted, messagesIn, bytesIn, bytesOut, refused } = server.statistics;
    return [
      ['total_connections_received', accepted],
      ['total_commands_processed', messagesIn],
      ['total_net_input_bytes', bytesIn],
      ['total_net_output_bytes', bytesOut],
      ['rejected_connections', refused],
    ];
  },
  Replication: () => [
    ['role', 'master'],
    ['connected_slaves', 0],
  ],
  Keyspace: ({ databases }) =>
    databases.flatMap((database, index): Facts => {
      const { size, expiring } = database;
      return size === 0 ? [] : [[`db${index}`, `keys=${size},expires=${expiring},avg_ttl=0`]];
    }),
};

const info = ({ service, reply }: Session, request: Request): void => {
  const asked = new Set(Array.from({ length: request.length - 1 }, (_, at) => request.word(at + 1)));
  const all = asked.size === 0 || ['ALL', 'DEFAULT', 'EVERYTHING'].some((word) => asked.has(word));
  const shown = Object.entries(sections)
    .filter(([name]) => all || asked.has(name.toUpperCase()))
    .map(
      ([name, facts]) =>
        `# ${name}\r\n${facts(service)
          .map(([key, value]) => `${key}:${value}\r\n`)
          .join('')}`,
    );
  reply.verbatim(shown.join('\r\n'));
};

/** A command as COMMAND tells it: name, arity, flags, first and last key and step; then what it knows nothing of. */
const describe = (session: Session, command: Command): void => {
  const { reply } = session;
  const [first, last, step] = command.keys ?? [0, 0, 0];
  reply.array(10);
  reply.text(command.name);
  reply.integer(command.arity);
  reply.set(command.flags.length);
  for (const flag of command.flags) reply.simple(flag);
  for (const number of [first, last, step]) reply.integer(number);
  reply.set(0);
  reply.set(0);
  reply.set(0);
  const subcommands = command.subcommands?.all ?? [];
  reply.array(subcommands.length);
  for (const inner of subcommands) describe(session, inner);
};

const describeAll = (session: Session): void => {
  const { all } = session.service.commands;
  session.reply.array(all.length);
  for (const command of all) describe(session, command);
};

const describeSome = (session: Session, request: Request): void => {
  if (request.length === 2) return describeAll(session);
  session.reply.array(request.length - 2);
  for (let index = 2; index < request.length; index++) {
    const command = session.service.commands.find(request, index);
    if (command === undefined) session.reply.null();
    else describe(session, command);
  }
};

const listNames = ({ service, reply }: Session): void => {
  const { all } = service.commands;
  reply.array(all.length);
  for (const { name } of all) reply.text(name);
};

/** Keys of a request that is an argument of this one. */
const keysOf = (session: Session, request: Request): void => {
  const command = session.service.commands.find(request, 2);
  if (command === undefined) throw new RequestError('ERR Invalid command specified');
  const [first, last, step] = command.keys ?? [0, 0, 0];
  if (first === 0) throw new RequestError('ERR The command has no key arguments');
  const end = last < 0 ? request.length + last : last + 2;
  const places: number[] = [];
  for (let index = first + 2; index <= end && index < request.length; index += step) places.push(index);
  session.reply.array(places.length);
  for (const index of places) session.reply.bulk(request.bytes(index));
};

const flags = ['loading', 'stale'] as const;

const command = new Commands([
  { name: 'command|count', arity: 2, flags, run: ({ service, reply }) => reply.integer(service.commands.all.length) },
  { name: 'command|list', arity: -2, flags, run: listNames },
  { name: 'command|info', arity: -2, flags, run: describeSome },
  // What redis-cli asks for its hints. There are none.
  { name: 'command|docs', arity: -2, flags, run: ({ reply }) => reply.map(0) },
  { name: 'command|getkeys', arity: -4, flags, run: keysOf },
]);

/** What CONFIG GET knows: what clients ask for, and the limits. */
const settings: Readonly<Record<string, (service: Service) => string | number>> = {
  save: () => '',
  appendonly: () => 'no',
  databases: ({ databases }) => databases.length,
  maxclients: ({ server }) => server.limits.maxConnections,
  maxmemory: () => 0,
  'maxmemory-policy': () => 'noeviction',
  port: ({ server }) => server.address?.port ?? 0,
  'proto-max-bulk-len': ({ limits }) => limits.bulk,
  'client-query-buffer-limit': ({ limits }) => limits.request,
  timeout: () => 0,
};

const configGet = ({ service, reply }: Session, request: Request): void => {
  const patterns = Array.from({ length: request.length - 2 }, (_, at) => request.pattern(at + 2).toLowerCase());
  const found = Object.entries(settings).filter(([name]) => patterns.some((pattern) => matches(pattern, name)));
  reply.map(found.length);
  for (const [name, value] of found) {
    reply.text(name);
    reply.text(String(value(service)));
  }
};

const config = new Commands([{ name: 'config|get', arity: -3, flags: ['admin', ...flags], run: configGet }]);

export const information: readonly Command[] = [
  { name: 'info', arity: -1, flags, run: info },
  { ...container('command', command), arity: -1, run: describeAll },
  container('config', config),
];
