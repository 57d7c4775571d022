import { isUtf8 } from 'node:buffer';

/** How bytes of a WebSocket end: in mid-air, with a close (1005 has no code), or with what is wrong and must not be. */
interface Ending {
  readonly type: 'cut' | 'closed' | 'wrong';
  /** The code of the close; or that with which a right reader closes. */
  readonly code: number;
}

/** What bytes of a WebSocket say. */
export interface Reading {
  /** The payloads of all messages, one after the other. */
  readonly said: Buffer;
  readonly ending: Ending;
}

interface Terms {
  /** Whether a client says it. */
  readonly masked: boolean;
  readonly maxMessage: number;
  /** Whether an empty message is the end of what is said. */
  readonly halfCloses: boolean;
}

/** The codes that may be in a close: section 7.4, and the registry of IANA. */
const isCode = (code: number): boolean =>
  (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) || (code >= 3000 && code < 5000);

/** Reads frames as RFC 6455 has it, as plainly as can be: all that is to be read is there. */
export const readingOf = (bytes: Buffer, { masked, maxMessage, halfCloses }: Terms): Reading => {
  const said: Buffer[] = [];
  let over = false;
  let at = 0;
  /** Of the message that is not whole yet. */
  let message: { readonly text: boolean; readonly parts: Buffer[]; length: number } | undefined;
  const end = (type: Ending['type'], code: number): Reading => ({ said: Buffer.concat(said), ending: { type, code } });

  for (;;) {
    if (bytes.length - at < 2) return end('cut', 1006);
    const [first, second] = [bytes[at] as number, bytes[at + 1] as number];
    const [fin, opcode, short] = [first >= 0x80, first & 15, second & 0x7f];
    if ((first & 0x70) !== 0 || second >= 0x80 !== masked) return end('wrong', 1002);
    if (![0, 1, 2, 8, 9, 10].includes(opcode)) return end('wrong', 1002);
    if (opcode >= 8 && (!fin || short > 125 || (opcode === 8 && short === 1))) return end('wrong', 1002);
    if (opcode < 8 && (opcode === 0) !== (message !== undefined)) return end('wrong', 1002);
    const wide = short === 126 ? 2 : short === 127 ? 8 : 0;
    if (bytes.length - at < 2 + wide) return end('cut', 1006);
    let length = short;
    if (wide === 2) length = bytes.readUInt16BE(at + 2);
    if (wide === 8) length = Number(bytes.readBigUInt64BE(at + 2));
    if (opcode < 8 && length + (message?.length ?? 0) > maxMessage) return end('wrong', 1009);
    const from = at + 2 + wide + (masked ? 4 : 0);
    if (bytes.length < from + length) return end('cut', 1006);
    const mask = bytes.subarray(from - 4, from);
    const payload = Buffer.from(bytes.subarray(from, from + length));
    if (masked) payload.forEach((byte, index) => (payload[index] = byte ^ (mask[index % 4] as number)));
    at = from + length;

    if (opcode === 8) {
      if (length === 0) return end('closed', 1005);
      const code = payload.readUInt16BE();
      if (!isCode(code)) return end('wrong', 1002);
      return isUtf8(payload.subarray(2)) ? end('closed', code) : end('wrong', 1007);
    }
    if (opcode > 8) continue;
    message ??= { text: opcode === 1, parts: [], length: 0 };
    message.parts.push(payload);
    message.length += length;
    if (!fin) continue;
    const whole = Buffer.concat(message.parts);
    if (message.text && !isUtf8(whole)) return end('wrong', 1007);
    if (halfCloses && whole.length === 0) over = true;
    if (!over) said.push(whole);
    message = undefined;
  }
};
