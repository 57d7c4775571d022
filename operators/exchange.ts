import { Observable, identity } from 'rxjs';
import { checkFunction, checkObject } from '../src/check.js';
import type { PoolSession } from '../src/client/line.js';
import { type CodecOrSchema, codecOf } from '../src/codec/standard-schema.js';
import type { DeframerOptions } from '../src/framing/deframer.js';
import type { InvertibleRule } from '../src/framing/rule.js';
import { decodeOr } from './decode-or.js';
import { frame } from './frame.js';

/** How requests and answers are framed, and what they say: as in `protocol`, whose options will do. */
export interface PoolProtocol<Q, A> {
  /** How bytes are cut into answers, and requests put into them: any rule that works both ways. */
  readonly framing: InvertibleRule;
  /** What becomes of answers that are too long or cut short (default: the connection is lost). */
  readonly frames?: DeframerOptions;
  /** What a request says: an io-ts type over bytes, or a Standard Schema over JSON. */
  readonly message: CodecOrSchema<Q>;
  /** The same for answers (default: as `message`). With one that does not decode the connection is lost. */
  readonly answer?: CodecOrSchema<A>;
}

/** How requests are exchanged for answers over a connection. */
interface Exchange<Q, A> {
  /** What is sent for a request. What it throws is the request's own error, and no connection's. */
  readonly prepare: (request: Q) => unknown;
  readonly session: PoolSession<unknown, A>;
}

/** Makes it of a protocol, or of an operator for each connection, which takes requests as they are. */
export const exchangeOf = <Q, A>(protocol: PoolProtocol<Q, A> | PoolSession<Q, A>): Exchange<Q, A> => {
  if (typeof protocol === 'function') return { prepare: identity, session: protocol as PoolSession<unknown, A> };
  const { framing, frames, message, answer } = checkObject('protocol', protocol);
  checkFunction('framing.encode', checkObject('framing', framing).encode);
  const cut = frame(framing, checkObject('frames', frames ?? {}));
  const asked = codecOf(message);
  const understood = decodeOr<A>((answer ?? message) as CodecOrSchema<A>, 'end');

  const session: PoolSession<Uint8Array, A> = (connection) => (requests) =>
    new Observable((out) => {
      // Reading begins first, so that it belongs to nobody who writes: a peer that takes no more requests before its
      // answers are taken would wait for ever for one who does not read while he cannot write.
      out.add(connection.reads.pipe(cut, understood).subscribe(out));
      if (!out.closed) out.add(requests.pipe(connection.writes).subscribe({ error: (error) => out.error(error) }));
    });
  return {
    prepare: (request) => framing.encode(asked.encode(request)),
    session: session as PoolSession<unknown, A>,
  };
};
