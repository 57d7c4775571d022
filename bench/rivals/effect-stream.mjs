/* oxlint-disable -- untyped: what it is made of is installed apart, see package.json here */
// Effect 4 as its documentation would have it: the bytes of a connection are a Stream, cut into frames a chunk at a time, and
// the answers to a chunk leave in one write.
import * as NodeSocketServer from '@effect/platform-node-shared/NodeSocketServer';
import { Effect, Stream } from 'effect';
import * as Socket from 'effect/socket/Socket';

const READ = 64 * 1024;

/** The frames of what has come, of which only those that straddle chunks are copied, and what is left over. */
const cut = (left, chunks) => {
  const frames = [];
  for (const chunk of chunks) left = cutOne(left, chunk, frames);
  return [left, frames];
};

const cutOne = (left, chunk, frames) => {
  let at = 0;
  if (left.length > 0) {
    const header = left.length > 1 ? left : Buffer.concat([left, chunk.subarray(0, 1)]);
    at = 2 + header.readUInt16BE(0) - left.length;
    if (at > chunk.length) return Buffer.concat([left, chunk]);
    frames.push(Buffer.concat([left, chunk.subarray(0, at)]).subarray(2));
  }
  while (chunk.length - at >= 2) {
    const end = at + 2 + ((chunk[at] << 8) | chunk[at + 1]);
    if (end > chunk.length) break;
    frames.push(chunk.subarray(at + 2, end));
    at = end;
  }
  return chunk.subarray(at);
};

const encoded = (frames) => {
  const out = Buffer.allocUnsafe(frames.reduce((size, frame) => size + 2 + frame.length, 0));
  let at = 0;
  for (const frame of frames) {
    out[at] = frame.length >> 8;
    out[at + 1] = frame.length;
    out.set(frame, at + 2);
    at += 2 + frame.length;
  }
  return out;
};

const answer = (frame) => frame;

const serve = (socket) =>
  Effect.flatMap(socket.writer, (writer) =>
    Socket.toStream(socket).pipe(
      Stream.mapAccumArray(() => Buffer.alloc(0), cut),
      Stream.map(answer),
      Stream.runForEachArray((frames) => writer.write(encoded(frames))),
    ),
  ).pipe(Effect.scoped, Effect.ignore);

const listening = { port: Number(process.argv[2]), host: '127.0.0.1', noDelay: true, highWaterMark: READ };

Effect.gen(function* () {
  const server = yield* NodeSocketServer.make(listening);
  console.log('listening');
  yield* server.run(serve);
}).pipe(Effect.scoped, Effect.runFork);
