import { Commands } from './command.js';
import { connection } from './commands/connection.js';
import { hashes } from './commands/hashes.js';
import { information } from './commands/information.js';
import { keyspace } from './commands/keys.js';
import { lists } from './commands/lists.js';
import { publishing } from './commands/publishing.js';
import { sets } from './commands/sets.js';
import { strings } from './commands/strings.js';
import { transactions } from './commands/transactions.js';

/** Every command that there is, family by family. */
export const allCommands = new Commands([
  ...connection,
  ...keyspace,
  ...strings,
  ...hashes,
  ...lists,
  ...sets,
  ...transactions,
  ...publishing,
  ...information,
]);
