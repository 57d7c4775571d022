import { aborted } from '../aborting.js';
import type { Call } from '../call.js';
import type { ConfiguredServer } from '../configured-server.js';
import { dialShown, eventJson, eventLine } from '../events.js';
import type { Given } from '../kinds.js';
import { runningConfig } from '../running-config.js';
import { type ClientShown, clientFlags, clientsShown, serverFlags, serverShown } from '../snapshot.js';
import { lasting, plain, short, tableOf } from '../table.js';

// -- servers ---------------------------------------------------------------------------------------------------------

const SERVERS = [
  { title: 'name' },
  { title: 'address' },
  { title: 'protocol' },
  { title: 'state' },
  { title: 'clients', right: true },
  { title: 'bytes in', right: true },
  { title: 'bytes out', right: true },
];

const serverRow = (configured: ConfiguredServer): readonly string[] => {
  const { name, address, protocol, state, statistics } = serverShown(configured);
  const { clients, bytesIn, bytesOut } = statistics;
  return [name, address, protocol, serverFlags(state), String(clients), short(bytesIn), short(bytesOut)];
};

/** All servers, in a table. */
export const servers = (_: unknown, call: Call, json: boolean): void => {
  const all = [...call.servers];
  if (json) call.print(JSON.stringify(all.map(serverShown)));
  else if (all.length === 0) call.print('no servers: config tcp-server NAME makes one');
  else call.print(tableOf(SERVERS, all.map(serverRow)).join('\n'));
};

/** One server: all that is known of it, and its clients. */
export const server = ({ NAME }: Given<'NAME'>, call: Call, json: boolean): void => {
  const configured = call.servers.get(NAME);
  const clients = clientsShown(configured);
  if (json) call.print(JSON.stringify({ ...serverShown(configured), clients }));
  else
    call.print([...serverLines(configured), ...(clients.length === 0 ? [] : ['', ...clientLines(clients)])].join('\n'));
};

const serverLines = (configured: ConfiguredServer): readonly string[] => {
  const { name, address, protocol, keepAlive, state, limits, rules, statistics } = serverShown(configured);
  const { startedAt, rates } = statistics;
  const networks = (action: 'allow' | 'deny'): string =>
    rules
      .filter((rule) => rule.action === action)
      .map(({ cidr }) => cidr)
      .join(' ');
  const facts: readonly (readonly [string, string])[] = [
    ['address', address],
    ['state', serverFlags(state)],
    ['started', startedAt === undefined ? '' : `${lasting(Date.now() - startedAt)} ago`],
    ['protocol', `${protocol}${keepAlive > 0 ? `, keep-alives every ${keepAlive} s` : ''}`],
    ['allowed', networks('allow')],
    ['denied', networks('deny')],
    ['clients', `${statistics.clients}, at most ${limits.maxConnections}, so far at once ${statistics.mostClients}`],
    ['so far', `accepted ${statistics.accepted}, dialled ${statistics.dialled}, refused ${statistics.refused}`],
    ['in', trafficOf(statistics.bytesIn, statistics.messagesIn, statistics.keepAlivesIn, rates.bytesIn.s10)],
    ['out', trafficOf(statistics.bytesOut, statistics.messagesOut, statistics.keepAlivesOut, rates.bytesOut.s10)],
    ['trouble', `frames refused ${statistics.framesRefused}, broadcasts dropped ${statistics.dropped}`],
    ...configured.server.dials.map(({ state: dial }) => ['dials', dialShown(dial.value)] as const),
  ];
  return [
    name,
    ...facts.filter(([, value]) => value !== '').map(([what, value]) => `  ${what.padEnd(10)}${plain(value)}`),
  ];
};

const trafficOf = (bytes: number, messages: number, keepAlives: number, rate: number): string =>
  `bytes ${bytes}, messages ${messages}, keep-alives ${keepAlives}, over the last 10 s ${short(rate)}B/s`;

// -- clients ---------------------------------------------------------------------------------------------------------

const CLIENTS = [
  { title: 'id', right: true },
  { title: 'server' },
  { title: 'address' },
  { title: 'name' },
  { title: 'state' },
  { title: 'since', right: true },
  { title: 'heard', right: true },
  { title: 'bytes in', right: true },
  { title: 'bytes out', right: true },
  { title: 'msg in', right: true },
  { title: 'msg out', right: true },
  { title: 'in/s', right: true },
  { title: 'out/s', right: true },
  { title: 'buffered', right: true },
  { title: 'dropped', right: true },
];

const clientLines = (clients: readonly ClientShown[]): readonly string[] => {
  const now = Date.now();
  return tableOf(
    CLIENTS,
    clients.map((client) => {
      const { statistics: counted } = client;
      return [
        String(client.id),
        client.server,
        client.address,
        client.name === client.address ? '' : client.name,
        clientFlags(client),
        lasting(now - counted.connectedSince),
        lasting(now - counted.lastSeen),
        short(counted.bytesIn),
        short(counted.bytesOut),
        short(counted.messagesIn),
        short(counted.messagesOut),
        short(counted.rates.bytesIn.s10),
        short(counted.rates.bytesOut.s10),
        short(counted.buffered),
        short(counted.dropped),
      ];
    }),
  );
};

const showClients = (of: readonly ConfiguredServer[], { print }: Call, json: boolean): void => {
  const clients = of.flatMap(clientsShown);
  if (json) print(JSON.stringify(clients));
  else print(clients.length === 0 ? 'no clients' : clientLines(clients).join('\n'));
};

export const clients = (_: unknown, call: Call, json: boolean): void => showClients([...call.servers], call, json);

export const clientsOf = ({ NAME }: Given<'NAME'>, call: Call, json: boolean): void =>
  showClients([call.servers.get(NAME)], call, json);

// -- what happens ----------------------------------------------------------------------------------------------------

/** Shows events as they come, until it is stopped. What whoever looks on does not take is left out, and counted. */
export const events = async (_: unknown, call: Call, json: boolean): Promise<void> => {
  let leftOut = 0;
  const shown = json ? eventJson : eventLine;
  const watching = call.servers.events.subscribe((event) => {
    if (call.full()) {
      leftOut++;
      return;
    }
    if (leftOut > 0) call.print(json ? JSON.stringify({ leftOut }) : `(${leftOut} events left out)`);
    leftOut = 0;
    call.print(shown(event, new Date()));
  });
  try {
    await aborted(call.signal);
  } finally {
    watching.unsubscribe();
  }
};

/** The same for so long. */
export const eventsFor = async ({ SECONDS }: Given<'SECONDS'>, call: Call, json: boolean): Promise<void> => {
  const signal = AbortSignal.any([call.signal, AbortSignal.timeout(SECONDS * 1000)]);
  await events({}, { ...call, signal }, json);
};

// -- commands --------------------------------------------------------------------------------------------------------

export const config = (_: unknown, call: Call): void => {
  const lines = runningConfig(call.servers);
  if (lines.length > 0) call.print(lines.join('\n'));
};
