import { type MonoTypeOperatorFunction, Observable } from 'rxjs';
import { Link } from '../../../operators/link.js';
import { Consumer } from '../../flow/consumer.js';
import type { FaultLine } from './fault-line.js';

/** Bytes that may be under way before the source is told to rest. */
const WINDOW = 64 * 1024;

/**
 * Sends bytes along a line, and gives what comes out of it. An end comes when it has come out, too; of a source that
 * fails, `broke` is told then, and nothing else. Rests while a consumer below is full.
 */
export const through =
  (line: FaultLine, broke: () => void): MonoTypeOperatorFunction<Uint8Array> =>
  (bytes) =>
    new Observable((out) => {
      const consumer = new Consumer('faults', WINDOW);
      const { gate } = consumer;
      const goOn = (): void => {
        line.goOn();
        if (!gate.closed) consumer.drained(line.held);
      };
      line.attach((piece) => {
        gate.next(out, piece);
        if (gate.closed) consumer.wait(goOn);
        else consumer.drained(line.held);
        return !gate.closed;
      });
      out.add(() => {
        line.close();
        consumer.leave();
      });
      const link = new Link<Uint8Array>(out, {
        next: (chunk) => {
          line.send(chunk);
          consumer.filled(line.held);
        },
        error: () => line.behind(broke),
        complete: () => line.end(() => gate.complete(out)),
      });
      consumer.subscribe(() => bytes.subscribe(link));
    });
