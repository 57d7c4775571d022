import type { Readable } from 'node:stream';
import type { ReadableStream, ReadableStreamDefaultReader } from 'node:stream/web';
import type { Observable } from 'rxjs';
import { type Pulled, pulling } from './from-async-iterable.js';

/**
 * A Node `Readable` (a file, a child's output, a response) or a web `ReadableStream` as an Observable that can be paused.
 *
 *     listen({ port: 7000 }).pipe(serve(() => fromReadable(createReadStream('big.iso')))).subscribe()
 *
 * Reads the next chunk only while every consumer below can take one, so a slow peer costs one chunk and not the file.
 * Unsubscribing destroys the stream (cancels it, for a web stream) at once. A stream can be read once: subscribe once,
 * or use `defer` to open it anew. Fails with the stream's own error.
 */
export const fromReadable = <A = Uint8Array>(stream: Readable | ReadableStream<A>): Observable<A> => {
  if (isWebStream(stream)) return pulling(() => pulledReader(stream.getReader()));
  if (isReadable(stream)) return pulling(() => pulledReadable<A>(stream));
  throw new TypeError('fromReadable takes a Node Readable or a web ReadableStream');
};

const isWebStream = <A>(stream: Readable | ReadableStream<A>): stream is ReadableStream<A> =>
  typeof (stream as Partial<ReadableStream<A>> | null | undefined)?.getReader === 'function';

const isReadable = (stream: unknown): stream is Readable =>
  typeof (stream as Partial<Readable> | null | undefined)?.[Symbol.asyncIterator] === 'function' &&
  typeof (stream as Partial<Readable>).destroy === 'function';

const ignore = (): void => {};

const pulledReadable = <A>(stream: Readable): Pulled<A> => {
  const iterator = stream[Symbol.asyncIterator]() as AsyncIterator<A>;
  // An iterator that waits for a chunk cannot be stopped by its `return`: the stream itself can.
  stream.on('error', ignore);
  return { next: () => iterator.next(), stop: () => stream.destroy() };
};

const pulledReader = <A>(reader: ReadableStreamDefaultReader<A>): Pulled<A> => ({
  next: async () => {
    const { done, value } = await reader.read();
    return done ? { done: true, value: undefined } : { done: false, value };
  },
  stop: () => {
    void reader.cancel().then(ignore, ignore);
  },
});
