import { unlessAborted } from '../aborting.js';
import type { Call } from '../call.js';
import type { ConfiguredServer, Settings } from '../configured-server.js';
import type { Given } from '../kinds.js';
import { type Spoken, moduleProtocol } from '../protocols.js';
import { Complaint } from '../shell.js';

type Named = Given<'NAME'>;

/** What is done to a server, which has to be there. */
export const toServer =
  <G extends Named>(act: (server: ConfiguredServer, given: G, call: Call) => void | Promise<void>) =>
  (given: G, call: Call): void | Promise<void> =>
    act(call.servers.get(given.NAME), given, call);

const changed = (server: ConfiguredServer, settings: Partial<Settings>, { print }: Call): void => {
  server.change(settings);
  if (server.running) print(`${server.name} is running: this holds from its next start on`);
};

export const enter = ({ NAME }: Named, { servers, session }: Call): void => {
  servers.make(NAME);
  session.context = ['config', 'tcp-server', NAME];
};

export const place = ({ NAME, IP, PORT }: Given<'NAME IP PORT'>, call: Call): void =>
  changed(call.servers.make(NAME), { ip: IP, port: PORT }, call);

export const forget = async ({ NAME }: Named, { servers, session }: Call): Promise<void> => {
  await servers.forget(NAME);
  if (session.context.at(-1) === NAME) session.context = [];
};

/** Has it speak what can be named. */
export const speak = <G extends Named>(
  spokenOf: (given: G) => Spoken,
): ((given: G, call: Call) => void | Promise<void>) =>
  toServer<G>((server, given, call) => changed(server, { spoken: spokenOf(given) }, call));

/** Has it speak what a module exports. */
export const speakModule = toServer<Given<'NAME MODULE'>>(async (server, { MODULE }, call) =>
  changed(server, { spoken: await moduleProtocol(MODULE) }, call),
);

export const start = toServer(async (server, _, { print }) => {
  await server.start();
  print(`${server.name} listens on ${server.server.address?.name}`);
});

/** Who stops waiting, or is cut off from the shell, stops nothing. */
export const stop = toServer(async (server, _, { print, signal }) => {
  const going = `${server.name} goes on stopping: abort ends it at once`;
  const { ended, cut, took } = await unlessAborted(server.server.stop(), signal, going);
  print(`${server.name} stopped in ${Math.round(took)} ms: ${ended} ended, ${cut.length} cut`);
  for (const { client, stage, why } of cut) print(`  cut ${client.address} (${stage}): ${why}`);
});

export const abort = toServer(async (server, _, { print }) => {
  const { cut } = await server.server.abort();
  print(`${server.name} aborted: ${cut.length} cut`);
});

export const keepAlive = toServer<Given<'NAME SECONDS'>>((server, { SECONDS }, call) => {
  changed(server, { keepAlive: SECONDS }, call);
  const { typed, keepsAlive } = server.settings.spoken;
  if (!keepsAlive) call.print(`${typed} has no keep-alives: this waits for a protocol that does`);
});

export const noKeepAlive = toServer((server, _, call) => changed(server, { keepAlive: 0 }, call));

export const pauseAccepting = toServer(({ server }) => server.pauseAccepting());

export const resumeAccepting = toServer(({ server }) => server.resumeAccepting());

export const pauseListening = toServer(({ server }) => server.pauseListening());

export const resumeListening = toServer(({ server }) => server.resumeListening());

export const maxClients = toServer<Given<'NAME COUNT'>>(({ server }, { COUNT }) =>
  server.setLimits({ maxConnections: COUNT }),
);

export const noMaxClients = toServer(({ server }) => server.setLimits({ maxConnections: 10_000 }));

export const deny = toServer<Given<'NAME CIDR'>>(({ server }, { CIDR }) => server.rules.deny(CIDR));

export const allow = toServer<Given<'NAME CIDR'>>(({ server }, { CIDR }) => server.rules.allow(CIDR));

/** Takes back what was said of a network. */
export const forgetRule = toServer<Given<'NAME CIDR'>>(({ name, server }, { CIDR }) => {
  if (!server.rules.forget(CIDR)) throw new Complaint(`${name} has no rule for ${CIDR}`);
});

export const manyProcesses = toServer(() => {
  throw new Complaint('multi-threaded mode comes with worker processes, which this version does not have yet');
});

/** It is off, whatever happens. */
export const oneProcess = toServer(() => {});

export const connect = toServer<Given<'NAME IP PORT'>>((server, { IP, PORT }, { print }) => {
  server.connect(IP, PORT);
  if (!server.running) print(`${server.name} is not running: it connects when it starts`);
});

export const noConnect = toServer<Given<'NAME IP PORT'>>((server, { IP, PORT }) => server.leave(IP, PORT));
