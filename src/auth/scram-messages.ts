import { fromBase64, toBase64 } from './scram-keys.js';
import { saslprep } from './saslprep.js';

/** @internal What is wrong with a message, in the words of RFC 5802, section 7. */
export type ScramFault =
  | 'invalid-encoding'
  | 'extensions-not-supported'
  | 'invalid-proof'
  | 'channel-bindings-dont-match'
  | 'channel-binding-not-supported'
  | 'invalid-username-encoding'
  | 'other-error';

/** @internal Thrown where a message cannot be gone on with. */
export class Faulty extends Error {
  readonly fault: ScramFault;

  constructor(fault: ScramFault) {
    super(fault);
    this.fault = fault;
  }
}

/** @internal What the client says first. `bare` is the part of it that is signed. */
export interface ClientFirst {
  readonly header: string;
  readonly bare: string;
  readonly name: string;
  readonly nonce: string;
}

/** Visible characters without a comma. */
const NONCE = '[\\x21-\\x2b\\x2d-\\x7e]+';
const CLIENT_FIRST = new RegExp(`^(n|y|p=[A-Za-z0-9.-]+),(?:a=([^,]+))?,(n=([^,]+),r=(${NONCE})(?:,.*)?)$`, 's');
const CLIENT_FINAL = /^((c=([^,]+),r=([^,]+))(?:,.*)?),p=([^,]+)$/s;
const SERVER_FIRST = new RegExp(`^r=(${NONCE}),s=([^,]+),i=([1-9]\\d{0,9})(?:,.*)?$`, 's');

/** A name as it stands in a message: a comma and an equals sign are written otherwise. */
const readName = (written: string): string => {
  if (/=(?!2C|3D)/.test(written)) throw new Faulty('invalid-username-encoding');
  const name = saslprep(written.replaceAll('=2C', ',').replaceAll('=3D', '='));
  if (name === undefined || name === '') throw new Faulty('invalid-username-encoding');
  return name;
};

/** @internal */
export const writeName = (name: string): string => name.replaceAll('=', '=3D').replaceAll(',', '=2C');

/** @internal */
export const readClientFirst = (message: string): ClientFirst => {
  // What begins so stands in front of the name.
  if (/^[^,]*,[^,]*,m=/.test(message)) throw new Faulty('extensions-not-supported');
  const [, binding = '', other, bare = '', written = '', nonce = ''] = CLIENT_FIRST.exec(message) ?? [];
  if (bare === '') throw new Faulty('invalid-encoding');
  if (binding.startsWith('p')) throw new Faulty('channel-binding-not-supported');
  const name = readName(written);
  // To be let in as somebody else is not offered.
  if (other !== undefined && readName(other) !== name) throw new Faulty('other-error');
  return { header: message.slice(0, message.length - bare.length), bare, name, nonce };
};

/** @internal The client's proof, and what it is a proof of. */
export const readClientFinal = (
  message: string,
  { header }: ClientFirst,
  nonce: string,
  size: number,
): { readonly proof: Uint8Array; readonly signed: string } => {
  const [, signed = '', , binding = '', repeated, encoded = ''] = CLIENT_FINAL.exec(message) ?? [];
  if (signed === '') throw new Faulty('invalid-encoding');
  if (binding !== toBase64(Buffer.from(header))) throw new Faulty('channel-bindings-dont-match');
  if (repeated !== nonce) throw new Faulty('other-error');
  const proof = fromBase64(encoded, size);
  if (proof === undefined) throw new Faulty('invalid-encoding');
  return { proof, signed };
};

/** @internal What the server says first, to a client with this nonce; nothing where that is not it. */
export const readServerFirst = (message: string, own: string) => {
  const [, nonce = '', encoded = '', rounds = ''] = SERVER_FIRST.exec(message) ?? [];
  const salt = fromBase64(encoded);
  if (salt === undefined || salt.length === 0 || !nonce.startsWith(own) || nonce === own) return undefined;
  return { nonce, salt, iterations: Number(rounds) };
};
