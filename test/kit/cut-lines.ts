import { Observable, type OperatorFunction } from 'rxjs';
import { flow } from '../../src/flow/scope.js';

/** Cuts text into lines and tells the watch in scope of the line that is under way: what a frame operator owes it. */
export const cutLines: OperatorFunction<string, string> = (text) =>
  new Observable((out) => {
    const before = flow.scope;
    const watch = before.frames;
    let held = '';
    let told = false;

    const tell = (underWay: boolean): void => {
      if (underWay === told) return;
      told = underWay;
      if (underWay) watch?.begun();
      else watch?.done();
    };

    watch?.watching();
    out.add(() => tell(false));
    flow.scope = { ...before, frames: null };
    try {
      const source = text.subscribe({
        next: (piece) => {
          const lines = (held + piece).split('\n');
          held = lines.pop() ?? '';
          for (const line of lines) {
            tell(false);
            out.next(line);
          }
          tell(held !== '');
        },
        error: (error: unknown) => out.error(error),
        complete: () => out.complete(),
      });
      out.add(source);
    } finally {
      flow.scope = before;
    }
  });
