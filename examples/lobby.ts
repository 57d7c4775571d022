// The chat as a server to steer. It prints what happens, and does what it is told on its standard input: who, say TEXT,
// kick NAME, pause, resume, full N, stats, stop. The room itself is in chat-room.ts.
import { map } from 'rxjs';
import { fromReadable, signals, text } from 'sluice';
import { decodeOr, frameLines } from 'sluice/operators';
import { type Server, type ServerEvent, createServer } from 'sluice/server';
import { commandLine } from './arguments.js';
import { chatRoom } from './chat-room.js';

const { host, port, maxClients } = commandLine(
  'npm run example -- lobby [--host ADDRESS] [--port N] [--max-clients N]',
  {
    host: '127.0.0.1',
    port: 3000,
    maxClients: 1_000,
  },
);

const lobby: Server<string> = createServer('lobby', chatRoom({ stopping: () => lobby.state.value.draining }), {
  host,
  port,
  limits: { maxConnections: maxClients, whenFull: 'refuse' },
  farewell: '* the room is full',
});

const shown = (event: ServerEvent): string => {
  if (event.type === 'listening') return `listening on ${event.address.name}`;
  if (event.type === 'refused') return `refused ${event.address}: ${event.reason}`;
  if (event.type === 'disconnected') return `disconnected ${event.client.name}: ${event.reason}`;
  if (event.type === 'message') return `${event.direction} ${event.client.name}: ${String(event.message)}`;
  if (event.type === 'drained') return `drained: ${event.report.ended} ended, ${event.report.cut.length} cut`;
  return 'client' in event ? `${event.type} ${event.client.name}` : event.type;
};

const stop = (): void => void lobby.stop().then(() => process.exit(0));

const commands: Record<string, (argument: string) => void> = {
  who: () => {
    for (const { id, name, address, statistics } of lobby.clients)
      console.log(`${id} ${name} at ${address}, ${statistics.messagesIn} messages`);
  },
  say: (word) => console.log(`heard by ${lobby.broadcast(`* ${word}`)}`),
  kick: (name) => {
    for (const client of lobby.clients.named(name)) lobby.disconnect(client, { reason: 'kicked' });
  },
  pause: () => lobby.pauseListening(),
  resume: () => lobby.resumeListening(),
  full: (clients) => lobby.setLimits({ maxConnections: Number(clients) }),
  stats: () => console.log(lobby.statistics),
  stop,
};

const obey = (command: string): void => {
  const [name = '', ...words] = command.trim().split(' ');
  const deed = Object.hasOwn(commands, name) ? commands[name] : undefined;
  try {
    if (deed === undefined) console.log(`known are ${Object.keys(commands).join(', ')}`);
    else deed(words.join(' '));
  } catch (error) {
    console.log(String(error));
  }
};

lobby.events.pipe(map(shown)).subscribe(console.log);
signals('SIGINT', 'SIGTERM').subscribe(stop);
fromReadable(process.stdin)
  .pipe(frameLines({ onTruncated: 'emit' }), decodeOr(text, 'drop'))
  .subscribe(obey);

lobby.start().catch((error: Error) => {
  console.error(error.message);
  process.exit(1);
});
