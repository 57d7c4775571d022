import type { Connection, ConnectionOptions } from '../../src/index.js';
import { assertNoLeaks } from '../../src/testing/leaks.js';
import type { Transport } from '../connection-laws.js';
import type { Peer } from './peer.js';

interface Opened {
  readonly near: Connection;
  readonly far: Peer;
  /** Ends what is not the connection's own. */
  readonly after?: () => void;
}

/** What the peer sees when we abort, and when we go without having read all. */
export type Sees = Pick<Transport, 'seesAbort' | 'seesUnread' | 'seesGone' | 'leaving'>;

/** A transport that opens each connection apart, so that none can hide behind another. */
export const transport = (
  name: string,
  sees: Sees,
  make: (options: ConnectionOptions) => Promise<Opened>,
): Transport => {
  const afters: (() => void)[] = [];
  let allGone: (() => Promise<void>) | undefined;
  return {
    name,
    ...sees,
    open: async (options = {}) => {
      allGone ??= assertNoLeaks();
      const { near, far, after } = await make(options);
      if (after !== undefined) afters.push(after);
      return { near, far };
    },
    close: async () => {
      for (const after of afters.splice(0)) after();
      await allGone?.();
      allGone = undefined;
    },
  };
};

/** TCP, and what is like it. */
export const resets: Sees = { seesAbort: 'reset', seesUnread: 'reset' };
