/** A request to upgrade, as a client makes it. */
export const upgrade = (more = ''): Buffer =>
  Buffer.from(
    'GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n' +
      `sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n${more}\r\n`,
  );

/** What a frame of a client has besides its payload. */
interface Head {
  readonly fin?: boolean;
  readonly mask?: readonly number[];
}

/** A frame of a client, masked as it has to be. RFC 6455, section 5.2. */
export const frame = (
  opcode: number,
  payload: Uint8Array,
  { fin = true, mask = [0x12, 0x34, 0x56, 0x78] }: Head = {},
): Buffer => {
  const { length } = payload;
  const long = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const head = Buffer.alloc(2 + long);
  head[0] = (fin ? 0x80 : 0) | opcode;
  head[1] = 0x80 | (long === 0 ? length : long === 2 ? 126 : 127);
  if (long === 2) head.writeUInt16BE(length, 2);
  if (long === 8) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, Buffer.from(mask), payload.map((byte, at) => byte ^ (mask[at % 4] as number))]);
};

/** The payload of a close. */
export const closing = (code: number, reason = ''): Buffer => {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(code);
  return Buffer.concat([head, Buffer.from(reason)]);
};
