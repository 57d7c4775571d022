import type { Command, Commands } from '../command.js';

/** A command whose first argument says what to do. By itself it does nothing. */
export const container = (name: string, subcommands: Commands): Command => ({
  name,
  arity: -2,
  flags: ['noscript', 'loading', 'stale'],
  subcommands,
  run: () => {},
});
