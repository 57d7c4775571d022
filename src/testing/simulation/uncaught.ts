/** What the program threw where nobody could be told is a warning of its own: see `hook.ts`. */
const THREW = 'SLUICE_THREW';

/** Tells of all that nobody else is told of, in this process: errors, rejections, what hooks throw. Gives what ends that. */
export const onUncaught = (tell: (what: string) => void): (() => void) => {
  const thrown = (error: unknown): void => tell(`uncaught: ${shown(error)}`);
  const rejected = (error: unknown): void => tell(`unhandled rejection: ${shown(error)}`);
  const warned = (warning: Error): void => {
    if ((warning as NodeJS.ErrnoException).code === THREW) tell(warning.message);
  };
  process.on('uncaughtException', thrown).on('unhandledRejection', rejected).on('warning', warned);
  return () => {
    process.off('uncaughtException', thrown).off('unhandledRejection', rejected).off('warning', warned);
  };
};

const shown = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));
