import type { Protocol } from '../../operators/protocol.js';
import type { Handled, Handler } from './outcome.js';
import type { Server, ServerOptions } from './server.js';

/** A server to steer. */
export function createServer<A, B = A, I = never>(
  name: string,
  served: Protocol<A, B, I>,
  options: ServerOptions<B>,
): Server<B>;
export function createServer(name: string, served: Handler | Handled, options: ServerOptions): Server<Uint8Array>;
export function createServer(name: string): never {
  throw new Error(`${name} cannot be made yet`);
}
