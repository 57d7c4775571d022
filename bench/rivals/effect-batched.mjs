/* oxlint-disable -- untyped: what it is made of is installed apart, see package.json here */
// Effect 4 in its fastest form: a fiber a connection pulls what has come, and all answers to that leave in one write.
// What it shares with the server that is tuned by hand was compiled by npm run bench:wire.
import * as NodeSocketServer from '@effect/platform-node-shared/NodeSocketServer';
import { Effect } from 'effect';
import * as Socket from 'effect/socket/Socket';
import { Answers, READ } from '../../dist/bench/rivals/answers.js';
import { keepFreedMemory } from '../../dist/bench/rivals/keep-freed-memory.js';

keepFreedMemory();

const serve = (socket) =>
  Effect.gen(function* () {
    const writer = yield* socket.writer;
    const pull = yield* Socket.readerBytes(socket);
    const answers = new Answers();
    while (true) {
      for (const chunk of yield* pull) {
        const out = Buffer.allocUnsafe(answers.room(chunk.length));
        const length = answers.encode(chunk, chunk.length, out);
        if (length > 0) yield* writer.write(length < out.length ? out.subarray(0, length) : out);
      }
    }
  }).pipe(Effect.scoped, Effect.ignore);

const listening = { port: Number(process.argv[2]), host: '127.0.0.1', noDelay: true, highWaterMark: READ };

Effect.gen(function* () {
  const server = yield* NodeSocketServer.make(listening);
  console.log('listening');
  yield* server.run(serve);
}).pipe(Effect.scoped, Effect.runFork);
