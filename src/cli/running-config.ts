import type { ConfiguredServer } from './configured-server.js';
import type { Servers } from './servers.js';

/** The commands that bring one server to where it is now, in a shell that does not know it. */
const commandsOf = (configured: ConfiguredServer): readonly string[] => {
  const { name, server, settings, wanted } = configured;
  const { limits, rules, state } = server;
  const told = [
    `${settings.ip} ${settings.port}`,
    `protocol ${settings.spoken.typed}`,
    settings.keepAlive > 0 && `ka-interval ${settings.keepAlive}`,
    `max-clients ${limits.maxConnections}`,
    ...rules.list.map(({ action, cidr }) => `${action} ${cidr}`),
    !state.value.accepting && 'disable-conn-accept',
    !state.value.listening && 'disable-client-listen',
    ...wanted.map((peer) => `connect ${peer}`),
    configured.running && 'start',
  ];
  return told.filter((words) => words !== false).map((words) => `config tcp-server ${name} ${words}`);
};

/**
 * The commands that rebuild what there is. Run in a fresh shell, they have it print the same. What is of single clients
 * is not in them: those will be others.
 */
export const runningConfig = (servers: Servers): readonly string[] => [...servers].flatMap(commandsOf);
