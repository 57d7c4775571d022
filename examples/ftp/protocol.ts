// FTP as a value: the gate that logs in, and behind it the session. To be served, steered, and told as a story.
import { type NotAuthenticatedReason, identityOf, text } from 'sluice';
import { type Protocol, authenticate, protocol } from 'sluice/operators';
import { Command, UNREADABLE, controlLine } from './control.js';
import type { DataOptions } from './data.js';
import type { Files } from './files.js';
import { type Accounts, loginGate, turnedAway } from './login.js';
import { session } from './session.js';

/** What a server is to be. Times in milliseconds. */
export interface FtpOptions {
  readonly files: Files;
  readonly accounts: Accounts;
  /** Whether clients may change anything (default false). */
  readonly writable?: boolean;
  /** How long a client may be silent while nothing is transferred (default 300,000). */
  readonly idle?: number;
  /** How long a client may take to log in (default 60,000). */
  readonly login?: number;
  /** How late a wrong password is answered (default 1,000). */
  readonly delay?: number;
  /** How data connections come about. Unused, a port is open for 30,000. */
  readonly data?: Partial<DataOptions>;
}

export const ftp = ({
  files,
  accounts,
  writable = false,
  idle = 300_000,
  login = 60_000,
  delay = 1_000,
  data = {},
}: FtpOptions): Protocol<Command, string, Command> => {
  const gate = loginGate(accounts, delay);
  const behind = protocol<Command, string, Command>({
    name: 'ftp',
    framing: controlLine,
    message: Command,
    answer: text,
    invalid: () => UNREADABLE,
    session: (commands, peer) => {
      const user = identityOf(peer.connection, gate) ?? 'nobody';
      return session({ files, writable, idle, data: { deadline: 30_000, ...data } }, user)(commands, peer);
    },
  });
  return authenticate(gate, behind, {
    deadline: login,
    limit: 4_202,
    name: (user) => user,
    farewell: (reason: NotAuthenticatedReason) => turnedAway(reason),
  });
};
