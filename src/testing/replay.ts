import { checkInteger, checkObject } from '../check.js';
import { type Mark, drawRows } from './diagram.js';
import { type Happening, type Recording, readRecording } from './recording.js';
import type { Story } from './story.js';

/** What can be set for `replay`. */
export interface ReplayOptions {
  /** Only the connection with this `id`, in place of all of them. */
  readonly client?: number;
}

/** What a replay needs of a story. */
export type ReplayStory = Pick<Story, 'client' | 'expectHeard' | 'expectEnding' | 'expectOpen'>;

/**
 * Puts the clients of a recording into a story: they do what they did, when they did it, and the server must answer as
 * it did.
 *
 *     test('as on Monday', marbles((story) => {
 *       story.serve(chat);
 *       replay('monday.jsonl', story);
 *     }));
 *
 * Each recorded connection is a client with the name that its peer had then (with ` #2` behind it where two had the
 * same), so that answers which name peers are the same. It connects, sends its chunks, ends and resets at the recorded
 * times, to the millisecond; what happened on several connections within one keeps its order, a millisecond apart.
 *
 * What a client hears is compared byte by byte, in order; when it came and how it was cut is not: answers take no time
 * in a story, and took some then. How its connection ended is compared too, and one that was open at the end of the
 * recording must be open at the end of the story. A client reads as fast as it can: that one did not is not recorded.
 * What happened after the server was told to stop is left out.
 *
 * Takes the path of a recording, or one that was read. Throws what `readRecording` does, and a `RangeError` when there
 * is no such client or more than can be drawn: some 32,000 different chunks of one.
 */
export const replay = (recording: string | Recording, story: ReplayStory, { client }: ReplayOptions = {}): void => {
  if (client !== undefined) checkInteger('client', client, 1);
  const { happenings } = typeof recording === 'string' ? readRecording(recording) : checkObject('recording', recording);
  checkObject('story', story);
  const stop = happenings.findIndex(({ type }) => type === 'stop');
  const all = stop < 0 ? happenings : happenings.slice(0, stop);
  const parts = partsOf(all.filter(({ id }) => client === undefined || id === client));
  if (client !== undefined && parts.size === 0) throw new RangeError(`the recording has no client ${client}`);
  const names = new Map<string, number>();
  for (const { peer, marks, until, heard, how } of parts.values()) {
    const count = (names.get(peer) ?? 0) + 1;
    names.set(peer, count);
    const name = count === 1 ? peer : `${peer} #${count}`;
    const [diagram] = drawRows([marks]).lines as [string];
    const stays = Math.max(0, until - (marks.at(-1)?.at ?? 0));
    story.client(name, `${diagram} ${stays}ms`, Object.fromEntries(marks.map(({ symbol, value }) => [symbol, value])));
    story.expectHeard(name, Buffer.concat(heard));
    if (how === undefined) story.expectOpen(name);
    else story.expectEnding(name, how);
  }
};

/** What a client of a recording does and hears. */
interface Part {
  readonly peer: string;
  readonly marks: Mark[];
  readonly letters: Map<string, string>;
  readonly heard: Uint8Array[];
  /** When the last happened to it, and how it ended. */
  until: number;
  how: string | undefined;
}

const partsOf = (happenings: readonly Happening[]): ReadonlyMap<number, Part> => {
  const parts = new Map<number, Part>();
  const times = new Times();
  for (const happening of happenings) {
    const { id, type } = happening;
    if (type === 'open') {
      const part: Part = { peer: happening.peer, marks: [], letters: new Map(), heard: [], until: 0, how: undefined };
      parts.set(id, part);
    }
    const part = parts.get(id);
    if (part === undefined) throw new SyntaxError(`connection ${id} has ${type} before it was opened`);
    const at = times.of(happening);
    part.until = at;
    if (type === 'open') part.marks.push({ at, sign: 'open', symbol: '^', value: undefined });
    else if (type === 'in') {
      part.marks.push({ at, sign: 'value', symbol: letterOf(happening.bytes, part.letters), value: happening.bytes });
    } else if (type === 'in-end') part.marks.push({ at, sign: 'end', symbol: '|', value: undefined });
    else if (type === 'reset') part.marks.push({ at, sign: 'reset', symbol: '#', value: undefined });
    else if (type === 'out') part.heard.push(happening.bytes);
    else if (type === 'closed') part.how = happening.how;
  }
  return parts;
};

/** When things happen in a story: whole milliseconds, in which what came after stays after. */
class Times {
  #now = -1;
  #last: number | undefined;

  of({ id, at, type }: Happening): number {
    // Opened a little early, all else a little late: what a timer of the server did first, it does first.
    const whole = type === 'open' ? Math.floor(at) : Math.ceil(at);
    const isClients = type !== 'out' && type !== 'out-end' && type !== 'closed';
    // The clients of a story do what they do at the start of a millisecond, so whoever acts later takes another one.
    const apart = isClients && (this.#last !== id || type === 'reset');
    this.#now = Math.max(whole, this.#now + (apart ? 1 : 0));
    if (isClients) this.#last = id;
    return this.#now;
  }
}

/** Letters for chunks: those of a person first, then those of scripts that have many. */
const ALPHABETS: readonly (readonly [first: number, count: number])[] = [
  [0x61, 26],
  [0x41, 26],
  [0x30, 10],
  [0x4e_00, 20_989],
  [0xac_00, 11_172],
];

/** The letter that stands for these bytes: the same for the same. */
const letterOf = (bytes: Uint8Array, letters: Map<string, string>): string => {
  const key = Buffer.from(bytes).toString('latin1');
  const known = letters.get(key);
  if (known !== undefined) return known;
  let index = letters.size;
  for (const [first, count] of ALPHABETS) {
    if (index < count) {
      const letter = String.fromCharCode(first + index);
      letters.set(key, letter);
      return letter;
    }
    index -= count;
  }
  throw new RangeError(`a client sends more than ${letters.size} different chunks`);
};
