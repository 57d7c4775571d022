import { setTimeout } from 'node:timers/promises';
import { hostAndPort } from '../../connection/address.js';
import type { Call } from '../call.js';
import type { ConfiguredServer } from '../configured-server.js';
import type { Given } from '../kinds.js';
import { Complaint } from '../shell.js';
import { toServer } from './config.js';

export const sendMessage = toServer<Given<'NAME IP PORT TEXT'>>((server, { IP, PORT, TEXT }) => {
  const client = server.client(hostAndPort(IP, PORT));
  if (!server.server.send(client, server.settings.spoken.message(TEXT))) {
    throw new Complaint(`${client.address} is gone`);
  }
});

export const broadcast = toServer<Given<'NAME TEXT'>>((server, { TEXT }, { print }) => {
  const reached = server.server.broadcast(server.settings.spoken.message(TEXT));
  print(`sent to ${reached} ${reached === 1 ? 'client' : 'clients'}`);
});

/** How long is waited for clients and messages, in milliseconds, and how often is looked. */
const PATIENCE = 30_000;
const LOOK = 20;

const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  setTimeout(ms, undefined, { signal }).catch(() => {
    throw new Complaint('stopped');
  });

export const wait = ({ SECONDS }: Given<'SECONDS'>, { signal }: Call): Promise<void> => sleep(SECONDS * 1000, signal);

/** Waits until a number of the server is what it should be. */
const waitFor =
  (what: string, numberOf: (server: ConfiguredServer) => number, enough: (number: number, wanted: number) => boolean) =>
  async ({ NAME, COUNT }: Given<'NAME COUNT'>, { servers, signal }: Call): Promise<void> => {
    const until = performance.now() + PATIENCE;
    for (;;) {
      const number = numberOf(servers.get(NAME));
      if (enough(number, COUNT)) return;
      if (performance.now() > until) throw new Complaint(`${NAME} has ${number} ${what}, not ${COUNT}`);
      await sleep(LOOK, signal);
    }
  };

export const waitForClients = waitFor(
  'clients',
  ({ server }) => server.clients.count,
  (number, wanted) => number === wanted,
);

export const waitForMessages = waitFor(
  'messages',
  ({ server }) => server.statistics.messagesIn,
  (number, wanted) => number >= wanted,
);
