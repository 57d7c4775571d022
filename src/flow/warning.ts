/** What `emitWarning` of the host takes. Looked up when needed: this folder imports nothing of Node. */
interface Host {
  readonly process?: {
    emitWarning?: (message: string, options: { type: string; code: string; detail: string }) => void;
  };
}

const warned = new Set<string>();

/** Warns once of each `about`, through the host's own channel for warnings. */
const warnOnce = (about: string, code: string, message: string, detail: string): void => {
  if (warned.has(about)) return;
  warned.add(about);
  (globalThis as Host).process?.emitWarning?.(message, { type: 'SluiceWarning', code, detail });
};

/** The code of the warning that a queue cannot make its source rest. */
export const UNREACHED = 'SLUICE_UNREACHED';

const remedy =
  'Make the source one that obeys: connection.reads, listen, fromAsyncIterable, fromReadable, or pausable(source).';

/** Law 4: a consumer that is full and finds no source to pause says so once, by name. */
export const warnUnreached = (operator: string): void =>
  warnOnce(
    `${UNREACHED} ${operator}`,
    UNREACHED,
    `${operator} is full, and found no source above it that can be paused`,
    remedy,
  );

/** The same of a consumer that did find one, and is still given more. */
export const warnOverrun = (operator: string, came: number): void =>
  warnOnce(
    `${UNREACHED} ${operator}`,
    UNREACHED,
    `${operator} is full, and ${came} values came although it told the sources above it to rest`,
    remedy,
  );

/** The code of the warning that a deadline for frames stands where no frames are cut. */
export const NO_FRAMES = 'SLUICE_NO_FRAMES';

/** A `frameDeadline` that has no `frame` above it never expires. */
export const warnNoFrames = (): void =>
  warnOnce(
    NO_FRAMES,
    NO_FRAMES,
    'frameDeadline found no frame operator above it, so it never expires',
    'Put it after frameFixed, frameLengthPrefixed, frameDelimited, frameLines, frameVarint or frame(rule).',
  );

/** The code of the warning that there are two copies of this package. */
export const COPIES = 'SLUICE_COPIES';

/** What is paused by one copy of this package does not rest for another. */
export const warnCopies = (versions: readonly string[]): void =>
  warnOnce(
    COPIES,
    COPIES,
    `two copies of sluice are loaded, ${versions.join(' and ')}`,
    'Consumers of one do not hold back sources of the other, and each has limits of its own: `npm ls sluice` shows whose they are.',
  );
