import type { ClientSnapshot } from '../server/client.js';
import type { DialledState } from '../server/dialled.js';
import type { ServerLimits } from '../server/limits.js';
import type { AddressRule } from '../server/rules.js';
import type { ServerState } from '../server/server.js';
import type { ServerStatistics } from '../server/statistics.js';
import type { ConfiguredServer } from './configured-server.js';

/** A client as `show clients --json` gives it: its server's name, and all that is known of it. */
export interface ClientShown extends ClientSnapshot {
  readonly server: string;
}

/** A server as `show tcp-server --json` gives it. A limit that is none is null there, as JSON has no infinity. */
export interface ServerShown {
  readonly name: string;
  /** Where it listens, or, while it does not, where it would. */
  readonly address: string;
  readonly protocol: string;
  /** Seconds between keep-alives; 0: as the protocol has it. */
  readonly keepAlive: number;
  readonly state: ServerState;
  readonly limits: ServerLimits;
  readonly rules: readonly AddressRule[];
  readonly dials: readonly { readonly address: string; readonly state: DialledState['state'] }[];
  readonly statistics: ServerStatistics;
}

/** What is known of a server now. */
export const serverShown = ({ name, server, settings }: ConfiguredServer): ServerShown => ({
  name,
  address: server.address?.name ?? `${settings.ip.includes(':') ? `[${settings.ip}]` : settings.ip}:${settings.port}`,
  protocol: settings.spoken.typed,
  keepAlive: settings.keepAlive,
  state: server.state.value,
  limits: { ...server.limits },
  rules: server.rules.list,
  dials: server.dials.map(({ address, state }) => ({ address, state: state.value.state })),
  statistics: server.statistics,
});

/** What is known of its clients now. */
export const clientsShown = ({ name, server }: ConfiguredServer): readonly ClientShown[] =>
  Array.from(server.clients, (client) => ({ server: name, ...client.snapshot() }));

/** The flags of a server that are set, in words; what is unusual is said by its command's name. */
export const serverFlags = (state: ServerState): string =>
  [
    state.draining ? 'draining' : state.running ? 'running' : 'stopped',
    !state.accepting && 'accepts nobody',
    !state.listening && 'listens to nobody',
  ]
    .filter((flag) => flag !== false)
    .join(', ');

/** The flags of a client that are set, in words. */
export const clientFlags = ({ state, opener }: ClientSnapshot): string =>
  [
    state.halfClosed ? 'half-closed' : state.connected ? 'connected' : 'gone',
    opener,
    state.idle && 'idle',
    state.paused && 'paused',
    state.keepAlivePending && 'keep-alive pending',
    state.guarded && 'guarded',
  ]
    .filter((flag) => flag !== false)
    .join(', ');
