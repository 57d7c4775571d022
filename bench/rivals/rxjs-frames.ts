/** What `scan` carries from chunk to chunk. */
export interface Cut {
  readonly left: Buffer;
  readonly frames: readonly Buffer[];
}

export const nothing: Cut = { left: Buffer.alloc(0), frames: [] };

/** The frames of what was left and of what has come. */
export const cut = ({ left }: Cut, chunk: Buffer): Cut => {
  let rest = Buffer.concat([left, chunk]);
  const frames: Buffer[] = [];
  while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
    const size = 2 + rest.readUInt16BE(0);
    frames.push(rest.subarray(2, size));
    rest = rest.subarray(size);
  }
  return { left: rest, frames };
};

/** The frame behind its length in two bytes. */
export const prefixed = (frame: Buffer): Buffer => {
  const header = Buffer.alloc(2);
  header.writeUInt16BE(frame.length);
  return Buffer.concat([header, frame]);
};
