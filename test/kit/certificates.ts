import { type KeyObject, createSign, generateKeyPairSync, randomBytes } from 'node:crypto';
import { isIP, isIPv4 } from 'node:net';

/** A key and its certificate, in PEM, and what is needed to sign others with it. */
export interface Certified {
  readonly key: string;
  readonly cert: string;
  readonly name: string;
  readonly privateKey: KeyObject;
}

/** What a certificate says. */
export interface Claims {
  /** The common name. */
  readonly name: string;
  /** Names and addresses that it is good for (default: the name). */
  readonly hosts?: readonly string[];
  /** Who vouches for it (default: itself). */
  readonly by?: Certified;
  /** Whether it may vouch for others (default: if it does for itself). */
  readonly ca?: boolean;
  /** Days from now until it is not good any more (default 2). */
  readonly days?: number;
}

// ── DER, as far as a certificate needs it (X.690) ─────────────────────────────────────────────────────────────────────

const lengthOf = (size: number): Buffer =>
  size < 128
    ? Buffer.from([size])
    : size < 256
      ? Buffer.from([0x81, size])
      : Buffer.from([0x82, size >> 8, size & 255]);

const der = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
};

const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts);
const explicit = (number: number, part: Uint8Array): Buffer => der(0xa0 + number, part);
const octets = (part: Uint8Array): Buffer => der(0x04, part);
const bits = (part: Uint8Array): Buffer => der(0x03, Buffer.from([0]), part);
const time = (date: Date): Buffer => der(0x18, Buffer.from(date.toISOString().replaceAll(/[-:T]|\.\d+/g, '')));

const id = (dotted: string): Buffer => {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const base128 = (part: number): number[] => {
    const digits = [part & 127];
    for (let left = part >> 7; left > 0; left >>= 7) digits.unshift((left & 127) | 128);
    return digits;
  };
  return der(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
};

// ── X.509 (RFC 5280) ──────────────────────────────────────────────────────────────────────────────────────────────────

const ECDSA_WITH_SHA256 = sequence(id('1.2.840.10045.4.3.2'));
const DAY = 86_400_000;

const named = (name: string): Buffer => sequence(der(0x31, sequence(id('2.5.4.3'), der(0x0c, Buffer.from(name)))));

const addressOf = (ip: string): Buffer =>
  isIPv4(ip) ? Buffer.from(ip.split('.').map(Number)) : Buffer.concat([Buffer.alloc(15), Buffer.from([1])]);

const hostOf = (host: string): Buffer => (isIP(host) === 0 ? der(0x82, Buffer.from(host)) : der(0x87, addressOf(host)));

const critical = der(0x01, Buffer.from([0xff]));

/** Makes a key (P-256) and a certificate for it, signed by itself or by another. Takes some milliseconds. */
export const certify = ({ name, hosts = [name], by, ca = by === undefined, days = 2 }: Claims): Certified => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const serial = randomBytes(16);
  serial[0] = ((serial[0] as number) & 0x7f) | 1;
  const now = Date.now();
  const good = sequence(time(new Date(now - 2 * DAY)), time(new Date(now + days * DAY)));
  const extensions = sequence(
    sequence(id('2.5.29.17'), octets(sequence(...hosts.map(hostOf)))),
    sequence(id('2.5.29.19'), critical, octets(ca ? sequence(critical) : sequence())),
  );
  const claims = sequence(
    explicit(0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    ECDSA_WITH_SHA256,
    named(by?.name ?? name),
    good,
    named(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, extensions),
  );
  const signature = createSign('sha256')
    .update(claims)
    .sign(by?.privateKey ?? privateKey);
  const whole = sequence(claims, ECDSA_WITH_SHA256, bits(signature)).toString('base64');
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${whole.replaceAll(/.{64}/g, '$&\n').trim()}\n-----END CERTIFICATE-----\n`,
    name,
    privateKey,
  };
};
