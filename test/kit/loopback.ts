import { type Observable, type OperatorFunction, Subject, firstValueFrom, takeUntil } from 'rxjs';
import { type Connection, type ListenAddress, type ListenOptions, listen } from '../../src/index.js';
import { type StreamPeer, type Where, dialRaw, knock } from './peer.js';

/** A server of ours on a free port, and Node's own client to dial it. */
export interface Loopback<A> {
  readonly address: ListenAddress;
  readonly port: number;
  /** What has come out so far. */
  readonly out: readonly A[];
  /** All that came out, once it is over. */
  readonly over: Promise<readonly A[]>;
  dial(): Promise<StreamPeer>;
  /** Dials and does not wait for an answer. */
  knock(): StreamPeer;
  /** Closes the port, waits for who is still there, and gives all that came out. */
  stop(): Promise<readonly A[]>;
  /** Unsubscribes. */
  cut(): void;
}

/** Has `through`, such as `serve(handler)`, serve on a free port, or where `options` say. */
export const loopback = async <A>(
  through: OperatorFunction<Connection, A>,
  options: Partial<ListenOptions> = {},
): Promise<Loopback<A>> => {
  const out: A[] = [];
  const stop = new Subject<void>();
  const opening = new Subject<ListenAddress>();
  const opened = firstValueFrom(opening);
  const where = options.path === undefined ? { port: 0 } : {};
  const served: Observable<A> = listen({ ...where, ...options, onListening: (address) => opening.next(address) }).pipe(
    takeUntil(stop),
    through,
  );
  let subscription = { unsubscribe: (): void => {} };
  const over = new Promise<readonly A[]>((done, failed) => {
    subscription = served.subscribe({ next: (value) => out.push(value), error: failed, complete: () => done(out) });
  });
  const address = await Promise.race([opened, over as Promise<never>]);
  const { host = '127.0.0.1', port = 0, path } = address;
  const at: Where = path === undefined ? { host, port } : { path };
  return {
    address,
    port,
    out,
    over,
    dial: () => dialRaw(at),
    knock: () => knock(at),
    stop: () => {
      stop.next();
      return over;
    },
    cut: () => subscription.unsubscribe(),
  };
};
