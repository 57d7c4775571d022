import { type ConnectOpts, Socket } from 'node:net';
import { BUFFER } from './duplex-wire.js';

/** What all sockets with shared reads are read into: nothing is allocated for a read. */
const shared = Buffer.allocUnsafeSlow(BUFFER);

/** What is to be done with each chunk that is read; set once the wire has a listener. */
export interface Reads {
  take: (chunk: Uint8Array) => void;
}

/** For sockets that are dialled: Node's option `onread`, documented for `net.connect`. */
export const readShared = (reads: Reads): Required<Pick<ConnectOpts, 'onread'>> => ({
  onread: {
    buffer: shared,
    callback: (length) => {
      reads.take(shared.subarray(0, length));
      return true;
    },
  },
});

/**
 * The same for a socket that was accepted, paused and untouched. Node takes `onread` only where a socket is made, and
 * a server makes its own: so it is made anew around its handle, which is the one thing here that has no documented name.
 * Nothing where that is not to be had: then it is read into new memory, as usual.
 */
export const remade = (accepted: Socket, reads: Reads): Socket | undefined => {
  const handle: unknown = Reflect.get(accepted, '_handle');
  if (typeof handle !== 'object' || handle === null) return undefined;
  const options = { handle, ...readShared(reads), allowHalfOpen: true, highWaterMark: BUFFER, pauseOnCreate: true };
  const socket = new Socket(options);
  // The server counts its sockets by these, and closes when the last of them is gone.
  for (const name of ['server', '_server']) Reflect.set(socket, name, Reflect.get(accepted, name));
  Reflect.set(accepted, '_handle', null);
  return socket;
};
