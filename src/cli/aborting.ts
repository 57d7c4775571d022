import { Complaint } from './shell.js';

/** Waits until a signal is aborted. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** Waits for something, but no longer than until the signal: then it complains, and what was waited for goes on. */
export const unlessAborted = async <A>(work: Promise<A>, signal: AbortSignal, complaint: string): Promise<A> => {
  let stop = (): void => {};
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(new Complaint(complaint));
  });
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop);
  try {
    return await Promise.race([work, stopped]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
};
