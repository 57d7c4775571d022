import * as t from 'io-ts';
import { json } from './json.js';
import { shown } from './shown.js';

/** One thing that a schema found wrong. */
interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

type Result<A> = { readonly value: A; readonly issues?: undefined } | { readonly issues: readonly Issue[] };

/**
 * What zod, valibot, ArkType and others have in common: the Standard Schema interface, version 1
 * (https://standardschema.dev), as far as it is needed here.
 */
export interface StandardSchema<A> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    /** Judges a value. */
    readonly validate: (value: unknown) => Result<A> | Promise<Result<A>>;
    readonly types?: { readonly input: unknown; readonly output: A } | undefined;
  };
}

/** How a protocol says what its messages are: an io-ts type over bytes, or a Standard Schema, which means JSON. */
export type CodecOrSchema<A> = t.Type<A, Uint8Array, Uint8Array> | StandardSchema<A>;

const keyOf = (step: PropertyKey | { readonly key: PropertyKey }): string =>
  String(typeof step === 'object' ? step.key : step);

/** A schema as an io-ts type: it judges values as they are parsed, and encodes a message as it is. */
const valuesOf = <A>({ '~standard': { vendor, validate } }: StandardSchema<A>): t.Type<A, unknown> => {
  const judge = (value: unknown): Result<A> => {
    const result = validate(value);
    if (!('then' in result)) return result;
    result.then(undefined, () => {}); // Nobody waits for it, and Node ends the process over a rejection nobody hears.
    throw new TypeError(`a ${vendor} schema answered with a Promise: only synchronous schemas can decode messages`);
  };

  const values: t.Type<A, unknown> = new t.Type(
    `${vendor} schema`,
    (value): value is A => judge(value).issues === undefined,
    (value, context) => {
      const result = judge(value);
      if (result.issues === undefined) return t.success(result.value);
      return t.failures(
        result.issues.map(({ message, path = [] }) => ({
          value: undefined,
          context: path.length === 0 ? context : [...context, { key: path.map(keyOf).join('.'), type: values }],
          message,
        })),
      );
    },
    t.identity,
  );
  return values;
};

const checkOver = <A>(over: t.Type<A, Uint8Array, Uint8Array>): t.Type<A, Uint8Array, Uint8Array> => {
  if (typeof over?.decode === 'function' && typeof over.pipe === 'function') return over;
  throw new TypeError(`over must be an io-ts type over bytes, got ${shown(over)}`);
};

/**
 * The io-ts type over bytes that a codec or a schema stands for. What is one already is given back as it is.
 *
 * A schema speaks of values and not of bytes, so it is taken over JSON: bytes are decoded by `over` and then judged by
 * the schema, and a message is encoded by `over` as it is. A schema that transforms what it reads thus sends what came
 * out of the transformation, and `is` can only ask it whether it would read the value.
 *
 *     codecOf(z.object({ add: z.array(z.number()) }), jsonWithin({ maxItems: 100 }))
 *
 * @throws TypeError for what is neither, and for an `over` that is no type; and from `decode` and `is` for a schema that answers with a Promise.
 */
export const codecOf = <A>(
  codec: CodecOrSchema<A>,
  over: t.Type<unknown, Uint8Array, Uint8Array> = json,
): t.Type<A, Uint8Array, Uint8Array> => {
  const given: unknown = codec;
  if ((typeof given === 'object' || typeof given === 'function') && given !== null) {
    if ('~standard' in codec) return checkOver(over).pipe(valuesOf(codec));
    if ('decode' in codec && 'encode' in codec) return codec;
  }
  throw new TypeError(`codec must be an io-ts type over bytes or a Standard Schema, got ${shown(given)}`);
};
