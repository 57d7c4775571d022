// The protocol of the chat: what is said, and to whom. No port, no process: it can be served, and told as a story.
import { EMPTY, concat, defer, finalize, mergeMap, of, tap } from 'rxjs';
import { line, text } from 'sluice';
import { type Peer, type Protocol, protocol } from 'sluice/operators';

/** Somebody in the room. */
interface Guest {
  readonly peer: Peer<string>;
  heardAt: number;
}

/** What a chat room is told by the program around it, and tells it. */
export interface ChatOptions {
  /** Whether the server is stopping: then everyone is told goodbye at the end. */
  readonly stopping?: () => boolean;
  readonly log?: (line: string) => void;
}

const COMMANDS = '* /nick NAME gives you a name, /who tells who is here; everything else is said to all others';

export const chatRoom = ({ stopping = () => false, log = () => {} }: ChatOptions = {}): Protocol<string, string> => {
  const room = new Map<number, Guest>();

  const nick = ({ peer }: Guest, name: string): string => {
    if (!/^[\p{L}\p{N}_-]{1,20}$/u.test(name)) return '* a name is 1 to 20 letters, digits, - or _';
    if ([...room.values()].some((guest) => guest.peer.name === name)) return `* ${name} is taken`;
    const before = peer.name;
    peer.name = name;
    peer.broadcast(`* ${before} is now ${name}`);
    return `* you are now ${name}`;
  };

  const who = (): string[] =>
    [...room.values()].map(
      ({ peer, heardAt }) => `* ${peer.name} (idle ${Math.floor((Date.now() - heardAt) / 1000)} s)`,
    );

  /** The lines that a line is answered with. */
  const reply = (guest: Guest, said: string): string[] => {
    const [command, ...words] = said.trim().split(/\s+/);
    if (command === '/nick') return [nick(guest, words.join(' '))];
    if (command === '/who') return who();
    if (command?.startsWith('/')) return [COMMANDS];
    if (said !== '') {
      log(`message ${guest.peer.name} ${JSON.stringify(said)}`);
      guest.peer.broadcast(`${guest.peer.name}: ${said}`);
    }
    return [];
  };

  return protocol({
    name: 'chat',
    framing: line({ maxBytes: 1024 }),
    message: text,
    invalid: 'drop',
    // Who only listens is welcome.
    firstMessage: 0,
    session: (lines, peer) => {
      const guest: Guest = { peer, heardAt: Date.now() };
      room.set(peer.id, guest);
      log(`connected ${peer.address}`);
      peer.broadcast(`* ${peer.name} has joined`);
      return concat(
        of(`* welcome, ${peer.name}; ${room.size - 1} others are here`, COMMANDS),
        lines.pipe(
          tap(() => {
            guest.heardAt = Date.now();
          }),
          // A terminal obeys control characters: nobody gets any from here.
          mergeMap((said) => reply(guest, said.replaceAll(/\p{Cc}/gu, ''))),
        ),
        defer(() => (stopping() ? of('* the server is stopping, goodbye') : EMPTY)),
      ).pipe(
        finalize(() => {
          room.delete(peer.id);
          peer.broadcast(`* ${peer.name} has left`);
        }),
      );
    },
  });
};
