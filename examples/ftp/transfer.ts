// What goes over a data connection. Each of these is a handler, from the peer's bytes to ours, like that of any server.
import type { FileHandle } from 'node:fs/promises';
import {
  EMPTY,
  type Observable,
  type OperatorFunction,
  bufferCount,
  concat,
  defer,
  finalize,
  ignoreElements,
  map,
  of,
} from 'rxjs';
import { type Connection, fromAsyncIterable, fromReadable } from 'sluice';
import { failIfIdle, mapAsync } from 'sluice/operators';

/** Bytes that are read from a file at once. */
const BLOCK = 64 * 1024;

/** Chunks of an upload that may wait for the disk, before the connection is not read from any more. */
const WAITING = 4;

/** Lines of a listing that are sent at once. */
const LINES = 64;

// ── out ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A file from `start` on. The next block is read when the peer has taken the last one. */
export const fileBytes = (file: FileHandle, start: number): Observable<Uint8Array> =>
  defer(() => fromReadable(file.createReadStream({ start, highWaterMark: BLOCK, autoClose: false })));

/** A listing, as it is made: the next lines are looked up when the peer has taken the last ones. */
export const lineBytes = (lines: AsyncIterable<string>): Observable<Uint8Array> =>
  fromAsyncIterable(lines).pipe(
    bufferCount(LINES),
    map((some) => Buffer.from(some.map((line) => `${line}\r\n`).join(''))),
  );

/** How long a client may keep its side open once it has everything, in milliseconds. */
const LINGER = 5_000;

/** Sends bytes and ends the connection. What the peer sends meanwhile is forgotten, and that it goes is noticed. */
export const send =
  (bytes: Observable<Uint8Array>) =>
  (connection: Connection): Observable<never> => {
    connection.reads.subscribe({ error: () => {} });
    return bytes.pipe(
      connection.writes,
      finalize(() => connection.end({ linger: LINGER })),
    );
  };

// ── in ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Writes all of a chunk: the system may take less at a time. */
const writeAll = async (file: FileHandle, chunk: Uint8Array, start: number): Promise<void> => {
  for (let done = 0; done < chunk.length;) {
    // oxlint-disable-next-line no-await-in-loop
    done += (await file.write(chunk, done, chunk.length - done, start + done)).bytesWritten;
  }
};

/** Writes chunks into a file from `start` on, one after another: while the disk is slow, the peer is not read from. */
export const intoFile = (file: Pick<FileHandle, 'write'>, start: number): OperatorFunction<Uint8Array, never> => {
  let end = start;
  return (chunks) =>
    chunks.pipe(
      mapAsync(
        1,
        (chunk) => {
          const at = end;
          end += chunk.length;
          return writeAll(file as FileHandle, chunk, at);
        },
        { highWater: WAITING },
      ),
      ignoreElements(),
    );
};

/** How long a client may send nothing in the middle of an upload, in milliseconds. */
const SILENCE = 60_000;

/** Takes what the peer sends, until it ends. */
export const receive =
  (sink: OperatorFunction<Uint8Array, never>) =>
  (connection: Connection): Observable<never> =>
    connection.reads.pipe(failIfIdle(SILENCE), sink, connection.writes);

// ── lines of another system (TYPE A) ────────────────────────────────────────────────────────────────────────────────

const CR = 13;

/** LF as CR LF, where it is not that already. */
export const toNetwork: OperatorFunction<Uint8Array, Uint8Array> = (chunks) =>
  defer(() => {
    let before = '';
    return chunks.pipe(
      map((chunk) => {
        const text = before + Buffer.from(chunk).toString('latin1');
        const sent = text.replaceAll(/(?<!\r)\n/g, '\r\n').slice(before.length);
        before = chunk.at(-1) === CR || (chunk.length === 0 && before !== '') ? '\r' : '';
        return Buffer.from(sent, 'latin1');
      }),
    );
  });

/** CR LF as LF, wherever the network has cut them apart. */
export const fromNetwork: OperatorFunction<Uint8Array, Uint8Array> = (chunks) =>
  defer(() => {
    let held = '';
    const whole = chunks.pipe(
      map((chunk) => {
        const text = held + Buffer.from(chunk).toString('latin1');
        held = text.endsWith('\r') ? '\r' : '';
        return Buffer.from(text.slice(0, text.length - held.length).replaceAll('\r\n', '\n'), 'latin1');
      }),
    );
    return concat(
      whole,
      defer(() => (held === '' ? EMPTY : of(Buffer.from(held)))),
    );
  });
