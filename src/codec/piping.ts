import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';

type Codec<A> = t.Type<A, Uint8Array, Uint8Array>;

/**
 * Lets what is piped on to `codec` report its errors as of the value that came out of the bytes.
 *
 * A plain io-ts `pipe` goes on speaking of the bytes, and then nobody can tell the number of a union's member, which
 * is no step into the value, from the place of an item, which is one.
 */
export const piping = <A>(codec: Codec<A>): Codec<A> => {
  const pipe = <B>(values: t.Type<B, A, A>, name = `pipe(${codec.name}, ${values.name})`): Codec<B> =>
    piping(
      new t.Type(
        name,
        values.is,
        (bytes: Uint8Array, context) => {
          const value = codec.validate(bytes, context);
          if (E.isLeft(value)) return value;
          const here = { key: context.at(-1)?.key ?? '', type: values, actual: value.right };
          return values.validate(value.right, [...context.slice(0, -1), here]);
        },
        (message) => codec.encode(values.encode(message)),
      ),
    );
  return Object.assign(codec, { pipe: pipe as Codec<A>['pipe'] });
};
