/** How much one client may send, and have waiting. All of it is in bytes unless it says otherwise. */
export interface Limits {
  /** The longest argument (default 512 MiB). Memory grows with what has come of one, not with what it announces. */
  readonly bulk: number;
  /** The most arguments of a request (default 1,048,576). */
  readonly arguments: number;
  /** The longest request, all its arguments and their headers together (default 1 GiB). */
  readonly request: number;
  /** The longest inline command (default 64 KiB). */
  readonly inline: number;
  /** The most that the commands of a transaction may take up before EXEC (default 64 MiB). */
  readonly transaction: number;
  /** The most keys that one client may watch, and channels and patterns that it may listen to (default 10,000). */
  readonly names: number;
  /** Messages of channels that may wait for a client that does not read; one more and it is disconnected (default 1,024). */
  readonly messages: number;
  /** The most bytes that the answers to one request may take up (default 1 GiB). */
  readonly output: number;
}

export const defaultLimits: Limits = {
  bulk: 512 * 1024 * 1024,
  arguments: 1024 * 1024,
  request: 1024 * 1024 * 1024,
  inline: 64 * 1024,
  transaction: 64 * 1024 * 1024,
  names: 10_000,
  messages: 1_024,
  output: 1024 * 1024 * 1024,
};

/** What somebody may send who has not said the password: as Redis has it. */
export const strangerLimits = { bulk: 16 * 1024, arguments: 10, request: 256 * 1024 } as const;
