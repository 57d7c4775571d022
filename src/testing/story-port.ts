import { Observable } from 'rxjs';
import { checkHook, checkInteger, checkObject } from '../check.js';
import type { Connection, ConnectionOptions } from '../connection/connection.js';
import type { ListenOptions } from '../connection/listen.js';
import type { WireListener } from '../connection/wire.js';
import { Gate } from '../flow/gate.js';
import { Queue } from '../flow/queue.js';
import { inScope } from '../flow/scope.js';
import { tell } from '../hook.js';
import type { NetworkWire } from './network-wire.js';

const ignore = (): void => {};
const nobody: WireListener = {
  received: ignore,
  ended: ignore,
  drained: ignore,
  finished: ignore,
  failed: ignore,
  gone: ignore,
};

/** Resets a connection that nobody takes. */
export const refuse = (wire: NetworkWire): void => {
  wire.attach(nobody);
  wire.reset();
};

/** The port of a story, that a server can listen on: as `listen`, without the system. */
export class StoryPort {
  readonly #open: (wire: NetworkWire, options: ConnectionOptions) => Connection;
  #take: ((wire: NetworkWire) => void) | null = null;

  constructor(open: (wire: NetworkWire, options: ConnectionOptions) => Connection) {
    this.#open = open;
  }

  /** Somebody connects. */
  accept(wire: NetworkWire): void {
    if (this.#take === null) refuse(wire);
    else this.#take(wire);
  }

  listen(options: ListenOptions): Observable<Connection> {
    const { port = 0, maxWaiting = 10_000, onListening, onEvent } = checkObject('options', options);
    checkInteger('maxWaiting', maxWaiting, 0);
    checkHook('onListening', onListening);
    checkHook('onEvent', onEvent);
    return new Observable((out) => {
      if (this.#take !== null) return out.error(new Error('the port of the story is listened on already'));
      const gate = new Gate();
      const waiting = new Queue<NetworkWire>();
      const emit = (wire: NetworkWire): void => inScope(gate.scope, () => out.next(this.#open(wire, options)));
      const admit = (): void => {
        const wire = waiting.shift();
        if (wire !== undefined) emit(wire);
        if (waiting.length > 0) gate.wait(admit);
      };
      this.#take = (wire) => {
        if (!gate.closed && waiting.length === 0) return emit(wire);
        if (waiting.length >= maxWaiting) {
          refuse(wire);
          return tell('onEvent', onEvent, { type: 'refused', peer: wire.peer, reason: 'too-many-waiting' });
        }
        waiting.push(wire);
        if (waiting.length === 1) gate.wait(admit);
      };
      out.add(() => {
        this.#take = null;
        gate.forget(admit);
        gate.leave();
        for (let wire = waiting.shift(); wire !== undefined; wire = waiting.shift()) refuse(wire);
      });
      tell('onListening', onListening, { name: `story:${port}`, host: 'story', port, path: undefined });
    });
  }
}
