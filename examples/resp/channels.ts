// Publishing. A channel is a room of the server, and a message a broadcast to it: encoded once for all who speak the same
// protocol, and kept for who is slow, up to a limit.
import type { Server } from 'sluice/server';
import { matches } from './glob.js';
import { MAX_NAME } from './request.js';
import { type ProtocolVersion, type Reply, written } from './reply.js';
import type { Session } from './session.js';

export type Kind = 'channel' | 'pattern';

/** The room of those who listen to a channel, or to all that match a pattern, and speak this protocol. */
export const roomOf = (protocol: ProtocolVersion, kind: Kind, name: string): string =>
  `RESP${protocol} ${kind} ${name}`;

/** The longest name of a room. */
export const MAX_ROOM = MAX_NAME + roomOf(2, 'channel', '').length;

const versions = [2, 3] as const;

export class Channels {
  readonly #server: () => Server<Uint8Array>;
  /** Each pattern that somebody listens to, by how many. */
  readonly #patterns = new Map<string, number>();

  constructor(server: () => Server<Uint8Array>) {
    this.#server = server;
  }

  /** Somebody begins, or ceases, to listen to a pattern. */
  count(pattern: string, more: 1 | -1): void {
    const count = (this.#patterns.get(pattern) ?? 0) + more;
    if (count > 0) this.#patterns.set(pattern, count);
    else this.#patterns.delete(pattern);
  }

  /** Says a message to all who listen, and how often that is. Who says it hears it after the answer. */
  publish(from: Session, channel: string, message: Uint8Array): number {
    const said = (write: (reply: Reply) => void, kind: Kind, name: string): number => {
      let heard = 0;
      for (const protocol of versions) {
        const room = roomOf(protocol, kind, name);
        if (this.#server().clients.rooms.has(room)) heard += this.#broadcast(from, room, written(protocol, write));
      }
      return heard;
    };
    let heard = said((reply) => sayMessage(reply, channel, message), 'channel', channel);
    for (const pattern of this.#patterns.keys()) {
      if (matches(pattern, channel))
        heard += said((reply) => sayMatch(reply, pattern, channel, message), 'pattern', pattern);
    }
    return heard;
  }

  #broadcast(from: Session, room: string, bytes: Uint8Array): number {
    const toOthers = this.#server().broadcast(bytes, { to: room, except: from.client, policy: 'disconnect' });
    if (!from.client.rooms.has(room)) return toOthers;
    from.later(bytes);
    return toOthers + 1;
  }
}

const sayMessage = (reply: Reply, channel: string, message: Uint8Array): void => {
  reply.push(3);
  reply.text('message');
  reply.text(channel);
  reply.bulk(message);
};

const sayMatch = (reply: Reply, pattern: string, channel: string, message: Uint8Array): void => {
  reply.push(4);
  reply.text('pmessage');
  reply.text(pattern);
  reply.text(channel);
  reply.bulk(message);
};
