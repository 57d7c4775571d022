/** Why a request is refused, in Redis' words, the kind of the error first: what its client is answered. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
}

/** The value that a key has is not what the command is for. */
export const wrongType = (): RequestError =>
  new RequestError('WRONGTYPE Operation against a key holding the wrong kind of value');

export const syntaxError = (): RequestError => new RequestError('ERR syntax error');

/** What came is no request, and what follows it may be anything: the client is told so, and the connection ended. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

/** The connection is cut off without an answer: what comes on it is HTTP, from a browser that was talked into it. */
export class CrossProtocolRequest extends Error {
  override readonly name = 'CrossProtocolRequest';

  constructor() {
    super('an HTTP request where RESP is spoken: possibly an attack through a browser');
  }
}
