// Protocol Buffers: each message behind a varint of its length, as `writeDelimitedTo` and its kin send them.
//
//   message Person   { string name = 1; uint32 age = 2; }     comes in
//   message Greeting { string text = 1; }                     goes out
import { flow } from 'fp-ts/lib/function.js';
import * as t from 'io-ts';
import { map } from 'rxjs';
import protobuf from 'protobufjs';
import { listen } from 'sluice';
import { decodeOr, encodeWith, frameVarint, prefixVarint, serve } from 'sluice/operators';
import { commandLine } from './arguments.js';

const { host, port } = commandLine('npm run example -- people [--host ADDRESS] [--port N]', {
  host: '127.0.0.1',
  port: 7000,
});

const { root } = protobuf.parse(`
  syntax = "proto3";
  message Person { string name = 1; uint32 age = 2; }
  message Greeting { string text = 1; }
`);

/** A message of the schema as an io-ts type over bytes: any library with `encode` and `decode` fits in like this. */
const message = <A extends t.Props>(name: string, props: A): t.Type<t.TypeOfProps<A>, Uint8Array, Uint8Array> => {
  const type = root.lookupType(name);
  const shape = t.strict(props);
  return new t.Type(
    name,
    (value): value is t.TypeOfProps<A> => shape.is(value),
    (bytes, context) => {
      try {
        return shape.validate(type.toObject(type.decode(bytes), { defaults: true }), context);
      } catch (error) {
        return t.failure(bytes, context, `not a ${name}: ${String(error)}`);
      }
    },
    (value) => type.encode(type.fromObject(value)).finish(),
  );
};

const Person = message('Person', { name: t.string, age: t.number });
const Greeting = message('Greeting', { text: t.string });

const people = flow(
  frameVarint(),
  decodeOr(Person, 'end'),
  map(({ name, age }) => ({ text: `${name}, next year ${age + 1}` })),
  encodeWith(Greeting),
  prefixVarint(),
);

listen({ host, port, onListening: ({ name }) => console.log(`listening on ${name}`) })
  .pipe(serve(people))
  .subscribe();
