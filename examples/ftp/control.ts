// The control protocol: lines, the commands in them, and replies.
import * as t from 'io-ts';
import * as E from 'fp-ts/lib/Either.js';
import { type InvertibleRule, delimited, text } from 'sluice';

/** A path of the system has 4,096 bytes at most, a command a few more. */
const LONGEST = 4_200;

const LF = 10;
const ending = delimited(['\r', '\n'], { limit: LONGEST });

/**
 * Lines that end in CR LF. Either of the two is the end of one, so that behind each line there is an empty one, which is
 * left out: of an ABOR that a client sends as urgent data, the last byte comes by another way, and that is its LF.
 */
export const controlLine: InvertibleRule = {
  name: 'ftp-line',
  capacity: ending.capacity,
  judge: (front, seen, ended) => ending.judge(front, seen, ended),
  encode: (line) => Buffer.concat([ending.encode(line), Uint8Array.of(LF)]),
};

/** What a client says: `RETR a file.txt`. The verb is in capitals, and all behind the one space is the argument. */
export interface Command {
  readonly verb: string;
  readonly argument: string;
}

/** Stands for a line that is no command, and for one that is empty. */
export const UNREADABLE: Command = { verb: '?', argument: '' };
export const EMPTY_LINE: Command = { verb: '', argument: '' };

// ── what Telnet has left behind ─────────────────────────────────────────────────────────────────────────────────────

/** Telnet's commands are the bytes from 240 on: "interpret as command" is 255, and a negotiation (251 to 254) has three. */
const FIRST_OF_TELNET = 240;
const NEGOTIATION = 251;
const IAC = 255;

/**
 * A line without Telnet's commands. Before ABOR a client may send IAC IP IAC DM (RFC 959, section 4.1.3), the last bytes
 * of it as urgent data, of which one then comes by another way: so what is left at the beginning goes, too.
 */
const withoutTelnet = (bytes: Uint8Array): Uint8Array => {
  if (bytes.every((byte) => byte < FIRST_OF_TELNET)) return bytes;
  const kept: number[] = [];
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte !== IAC) {
      if (kept.length > 0 || byte < FIRST_OF_TELNET) kept.push(byte);
      continue;
    }
    const next = bytes[++at] ?? 0;
    if (next === IAC) kept.push(IAC);
    else if (next >= NEGOTIATION) at++;
  }
  return Uint8Array.from(kept);
};

// ── commands ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What no argument may have: it would end a line of a reply, or a name for the system. */
// oxlint-disable-next-line no-control-regex
const FORBIDDEN = /[\0\r\n]/;

/** A line of bytes as a command, or none where it is empty: UTF-8, a verb of letters, and an argument without NUL, CR and LF. */
export const Command = new t.Type<Command, Uint8Array, Uint8Array>(
  'command',
  (value): value is Command => typeof (value as Partial<Command> | null)?.verb === 'string',
  (bytes, context) => {
    if (bytes.length === 0) return t.success(EMPTY_LINE);
    const said = text.decode(withoutTelnet(bytes));
    if (E.isLeft(said)) return t.failure(bytes, context, 'not UTF-8');
    const [, verb = '', argument = ''] = /^([a-z]{3,4})(?: (.*))?$/is.exec(said.right) ?? [];
    if (verb === '' || FORBIDDEN.test(argument)) return t.failure(bytes, context, 'no command');
    return t.success({ verb: verb.toUpperCase(), argument });
  },
  ({ verb, argument }) => text.encode(argument === '' ? verb : `${verb} ${argument}`),
);

// ── replies ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A reply is its lines. Each is a message of its own, so the rule sees to it that none has an ending in it. */
export type Reply = readonly string[];

/** `220 Hello`; with several texts, `211-Features`, ` MDTM`, ..., `211 End`. */
export const reply = (code: number, ...texts: readonly [string, ...string[]]): Reply =>
  texts.map((said, index) => {
    if (index === texts.length - 1) return `${code} ${said}`;
    return index === 0 ? `${code}-${said}` : ` ${said}`;
  });

/** A path in a reply (RFC 959, appendix II): a quote in it is doubled. */
export const quoted = (path: string): string => `"${path.replaceAll('"', '""')}"`;

/** Whether a line announces a transfer, of which there is more to say. */
export const isPreliminary = ([line = '']: Reply): boolean => line.startsWith('1');

/** Whether nothing comes after this line: goodbye, or the service is closing. */
export const isFarewell = (said: string): boolean => /^(?:221|421) /.test(said);

/** What the server can do besides (RFC 2389), said in reply to FEAT, before a login too. */
export const FEATURES: Reply = reply(
  211,
  'Features:',
  'EPRT',
  'EPSV',
  'MDTM',
  'MLST type*;size*;modify*;perm*;unique*;',
  'REST STREAM',
  'SIZE',
  'TVFS',
  'UTF8',
  'End',
);

/** OPTS UTF8 changes nothing: all paths are UTF-8 (RFC 2640). Nothing where it is about another option. */
export const utf8Option = (argument: string): Reply | undefined =>
  /^UTF-?8(?: ON)?$/i.test(argument) ? reply(200, 'Paths are UTF-8') : undefined;
