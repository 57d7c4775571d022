import type { Protocol } from '../../operators/protocol.js';
import { Controller } from './controller.js';
import type { Handled, Handler } from './outcome.js';
import type { Server, ServerOptions } from './server.js';
import { setupOf } from './setup.js';

/**
 * A server to steer: started and stopped, paused and limited, asked who is there and told what to say to them.
 *
 *     const lobby = createServer('lobby', chat, { port: 3000 });
 *     lobby.events.subscribe(({ type }) => console.log(type));
 *     await lobby.start();
 *
 * Serves a `protocol`, whose messages are then what can be sent to clients, or a plain handler, to whose peers bytes can
 * be sent. Made of `listen`, `pauseWhile`, `serve` and `drain`; any number of them in a process. Does nothing before it is
 * started. An error of a handler is an event, and the end of its own client only.
 */
export function createServer<A, B = A, I = never>(
  name: string,
  served: Protocol<A, B, I>,
  options: ServerOptions<B>,
): Server<B>;
export function createServer(name: string, served: Handler | Handled, options: ServerOptions): Server<Uint8Array>;
export function createServer<B>(name: string, served: Handler | Handled, options: ServerOptions<B>): Server<B> {
  return new Controller(setupOf(name, served, options));
}
