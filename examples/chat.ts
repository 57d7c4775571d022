// A chat for `nc`, and the main job of this project: npm start, then nc 127.0.0.1 3000 from as many terminals as you like.
import * as E from 'fp-ts/lib/Either.js';
import { EMPTY, concat, defer, finalize, mergeMap, of, skip, tap } from 'rxjs';
import { type Outcome, line, listen, signals, text } from 'sluice';
import { type DrainReport, type Peer, drain, protocol, serve } from 'sluice/operators';
import { commandLine } from './arguments.js';

const {
  host,
  port,
  drain: patience,
} = commandLine('npm start -- [--host ADDRESS] [--port N] [--drain MS]: a chat for nc; port 0 takes a free one', {
  host: '127.0.0.1',
  port: 3000,
  drain: 10_000,
});

/** Somebody in the room. */
interface Guest {
  readonly peer: Peer<string>;
  heardAt: number;
}

const room = new Map<number, Guest>();
const stop = signals('SIGINT', 'SIGTERM');
let stopping = false;
stop.subscribe(() => {
  stopping = true;
});
stop.pipe(skip(1)).subscribe(() => process.exit(130));

const COMMANDS = '* /nick NAME gives you a name, /who tells who is here; everything else is said to all others';

const nick = ({ peer }: Guest, name: string): string => {
  if (!/^[\p{L}\p{N}_-]{1,20}$/u.test(name)) return '* a name is 1 to 20 letters, digits, - or _';
  if ([...room.values()].some((guest) => guest.peer.name === name)) return `* ${name} is taken`;
  const before = peer.name;
  peer.name = name;
  peer.broadcast(`* ${before} is now ${name}`);
  return `* you are now ${name}`;
};

const who = (): string[] =>
  [...room.values()].map(({ peer, heardAt }) => `* ${peer.name} (idle ${Math.floor((Date.now() - heardAt) / 1000)} s)`);

/** The lines that a line is answered with. */
const reply = (guest: Guest, said: string): string[] => {
  const [command, ...words] = said.trim().split(/\s+/);
  if (command === '/nick') return [nick(guest, words.join(' '))];
  if (command === '/who') return who();
  if (command?.startsWith('/')) return [COMMANDS];
  if (said !== '') {
    console.log(`message ${guest.peer.name} ${JSON.stringify(said)}`);
    guest.peer.broadcast(`${guest.peer.name}: ${said}`);
  }
  return [];
};

const chat = protocol({
  name: 'chat',
  framing: line({ maxBytes: 1024 }),
  message: text,
  invalid: 'drop',
  session: (lines, peer) => {
    const guest: Guest = { peer, heardAt: Date.now() };
    room.set(peer.id, guest);
    console.log(`connected ${peer.address}`);
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
      defer(() => (stopping ? of('* the server is stopping, goodbye') : EMPTY)),
    ).pipe(
      finalize(() => {
        room.delete(peer.id);
        peer.broadcast(`* ${peer.name} has left`);
      }),
    );
  },
});

const logOutcome: (outcome: Outcome) => void = E.match(
  ({ connection, error }) => console.log(`disconnected ${connection.peer}: ${String(error)}`),
  ({ peer }) => console.log(`disconnected ${peer}: ${stopping ? 'finished' : 'it left'}`),
);

const logReport = ({ ended, cut, took }: DrainReport): void => {
  const names = cut.map((connection) => connection.peer).join(', ');
  console.log(`drained in ${Math.round(took)} ms: ${ended} ended, ${cut.length} cut${names && `: ${names}`}`);
};

listen({
  host,
  port,
  onListening: (address) =>
    console.log(`listening on ${address.name}\nconnect with: nc ${address.host} ${address.port}`),
})
  .pipe(drain(stop, patience, serve(chat), { onDrained: logReport }))
  .subscribe({
    next: logOutcome,
    error: (error: Error) => {
      console.error(error.message);
      process.exit(1);
    },
    complete: () => process.exit(0),
  });
