// A chat for `nc`, and the main job of this project: npm start, then nc 127.0.0.1 3000 from as many terminals as you like.
// What is said, and to whom, is in chat-room.ts; here it gets a port, and is stopped in order.
import * as E from 'fp-ts/lib/Either.js';
import { EMPTY, merge, skip } from 'rxjs';
import { type Outcome, listen, signals } from 'sluice';
import { type DrainReport, drain, serve } from 'sluice/operators';
import { listenWebSocket } from 'sluice/websocket';
import { commandLine } from './arguments.js';
import { chatPage } from './chat-page.js';
import { chatRoom } from './chat-room.js';

const {
  host,
  port,
  drain: patience,
  web,
} = commandLine(
  'npm start -- [--host ADDRESS] [--port N] [--web N] [--drain MS]: a chat for nc, and with --web for browsers; port 0 takes a free one',
  {
    host: '127.0.0.1',
    port: 3000,
    drain: 10_000,
    web: '',
  },
);

if (!/^\d{0,5}$/.test(web)) {
  console.error(`--web takes a port, got ${web}`);
  process.exit(2);
}

const stop = signals('SIGINT', 'SIGTERM');
let stopping = false;
stop.subscribe(() => {
  stopping = true;
});
stop.pipe(skip(1)).subscribe(() => process.exit(130));

const logOutcome: (outcome: Outcome) => void = E.match(
  ({ connection, error }) => console.log(`disconnected ${connection.peer}: ${String(error)}`),
  ({ peer }) => console.log(`disconnected ${peer}: ${stopping ? 'finished' : 'it left'}`),
);

const logReport = ({ ended, cut, took }: DrainReport): void => {
  const names = cut.map((connection) => connection.peer).join(', ');
  console.log(`drained in ${Math.round(took)} ms: ${ended} ended, ${cut.length} cut${names && `: ${names}`}`);
};

const terminals = listen({
  host,
  port,
  onListening: (address) =>
    console.log(`listening on ${address.name}\nconnect with: nc ${address.host} ${address.port}`),
});

const browsers =
  web === ''
    ? EMPTY
    : listenWebSocket({
        host,
        port: Number(web),
        onRequest: chatPage,
        onListening: ({ name }) => console.log(`or open http://${name}`),
      });

merge(terminals, browsers)
  .pipe(
    drain(stop, patience, serve(chatRoom({ stopping: () => stopping, log: console.log })), { onDrained: logReport }),
  )
  .subscribe({
    next: logOutcome,
    error: (error: Error) => {
      console.error(error.message);
      process.exit(1);
    },
    complete: () => process.exit(0),
  });
