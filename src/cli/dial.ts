import { type Interface, createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { Subject, filter, finalize, firstValueFrom, lastValueFrom, map, merge, takeUntil, tap } from 'rxjs';
import { frame } from '../../operators/frame.js';
import { dial } from '../connection/dial.js';
import type { InvertibleRule } from '../framing/rule.js';
import { fromAsyncIterable } from '../source/from-async-iterable.js';
import { bytesShown, timeOf } from './events.js';
import { reasonOf } from './shell.js';

/** How `sluice dial` is run. */
export interface DialAndShowOptions {
  readonly host: string;
  readonly port: number;
  readonly rule: InvertibleRule;
  /** Whether bytes are shown, and typed, in hex. */
  readonly hex: boolean;
  readonly input: Readable;
  readonly print: (line: string) => void;
  readonly complain: (line: string) => void;
}

/** What a line that was typed says, as bytes. */
const payloadOf = (line: string, hex: boolean): Uint8Array => {
  if (!hex) return Buffer.from(line);
  const digits = line.replaceAll(/\s/g, '');
  if (/^([0-9a-fA-F]{2})*$/.test(digits)) return Buffer.from(digits, 'hex');
  throw new RangeError('that is no hex: two digits a byte');
};

/**
 * A client that shows the frames that go out (`>`) and come in (`<`), each with the time. The lines of the input are
 * sent; at its end this side ends, and what the server still sends is shown. Gives the exit code.
 */
export const dialAndShow = async (options: DialAndShowOptions): Promise<number> => {
  const { host, port, rule, hex, input, print, complain } = options;
  const show = (sign: string, payload: Uint8Array): void => {
    const bytes = hex
      ? Buffer.from(payload)
          .toString('hex')
          .replaceAll(/..(?!$)/g, '$& ')
      : bytesShown(payload);
    print(`${timeOf(new Date())} ${sign} ${bytes}`);
  };
  /** The bytes that a line sends; undefined where there is no such frame. */
  const frameOf = (line: string): Uint8Array | undefined => {
    try {
      const payload = payloadOf(line, hex);
      const bytes = rule.encode(payload);
      show('>', payload);
      return bytes;
    } catch (error) {
      complain(reasonOf(error));
      return undefined;
    }
  };
  let lines: Interface | undefined;
  try {
    const connection = await firstValueFrom(dial({ host, port }));
    print(`connected to ${connection.peer}`);
    // Not before: lines that come while nobody takes them are lost.
    lines = createInterface({ input });
    const over = new Subject<void>();
    const heard = connection.reads.pipe(
      frame(rule),
      tap((payload) => show('<', payload)),
      finalize(() => over.next()),
    );
    const said = fromAsyncIterable(lines).pipe(
      map(frameOf),
      filter((bytes) => bytes !== undefined),
      takeUntil(over),
      connection.writes,
    );
    await lastValueFrom(merge(said, heard), { defaultValue: undefined });
    print('the connection has ended');
    return 0;
  } catch (error) {
    complain(reasonOf(error));
    return 1;
  } finally {
    lines?.close();
  }
};
