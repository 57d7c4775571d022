import type { Duplex } from 'node:stream';
import { type OperatorFunction, NEVER } from 'rxjs';
import { type ChunkDecoder, functionRunner } from './run-function.js';
import { operatorRunner } from './run-operator.js';
import { streamRunner } from './run-stream.js';
import type { Runner, VerifyCheck } from './trial.js';

/** Whatever takes bytes and gives frames: a function from a chunk to frames, an RxJS operator, or a Node stream. */
export type Decoder<A, S = unknown> = ChunkDecoder<A, S> | OperatorFunction<Uint8Array, A> | Duplex;

/** Makes a decoder for one run. It is given the state of another where it is to go on from there. */
export type MakeDecoder<A, S = unknown> = (state?: S) => Decoder<A, S>;

/** How a decoder is run, and what can be tried with it. */
export interface Kind {
  readonly run: Runner;
  readonly checks: ReadonlySet<VerifyCheck>;
  /** Whether a frame may be a view of its chunk, where nothing else is said. */
  readonly views: 'no' | 'call';
}

const isStream = (made: unknown): made is Duplex =>
  typeof made === 'object' && made !== null && 'write' in made && 'on' in made && 'destroy' in made;

/** An operator makes an observable of any other, and nothing else does. */
const isOperator = (made: (source: never) => unknown): boolean => {
  try {
    const result = made(NEVER as never);
    return typeof (result as { readonly subscribe?: unknown } | null | undefined)?.subscribe === 'function';
  } catch {
    return false;
  }
};

/** Finds out what kind of decoder is made, by making one. */
export const kindOf = (make: MakeDecoder<unknown>, patience: number): Kind => {
  const made: unknown = make();
  if (isStream(made)) {
    made.destroy();
    return {
      run: streamRunner(make as () => Duplex, patience),
      checks: new Set(['split', 'inside', 'poison', 'end', 'reset']),
      views: 'no',
    };
  }
  if (typeof made !== 'function')
    throw new TypeError(
      `makeDecoder must return a function from a chunk to frames, an operator or a stream, got ${String(made)}`,
    );
  const { state } = made as ChunkDecoder<unknown>;
  if (!isOperator(made as (source: never) => unknown))
    return {
      run: functionRunner(make as (state?: unknown) => ChunkDecoder<unknown>),
      checks: new Set(['split', 'inside', 'poison', ...(state ? (['state'] as const) : []), 'shared', 'end']),
      views: 'no',
    };
  return {
    run: operatorRunner(make as () => OperatorFunction<Uint8Array, unknown>, patience),
    checks: new Set(['split', 'inside', 'poison', 'shared', 'end', 'reset', 'leave']),
    views: 'call',
  };
};
