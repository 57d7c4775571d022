import type { WireListener } from '../../connection/wire.js';
import { FaultList } from '../faults/fault-list.js';
import type { Roll } from '../faults/fault-line.js';
import { networkOf } from '../network.js';
import { type NetworkWire, wires } from '../network-wire.js';
import { refuse } from '../story-port.js';
import type { VirtualTime } from '../virtual-time.js';
import { once, oneOf, someFault, someNetwork } from './chance.js';
import type { Talk } from './talk.js';
import type { Trace } from './trace.js';

/** What a client finds around it. */
export interface Around {
  readonly time: VirtualTime;
  readonly trace: Trace;
  /** Does something in so many milliseconds. */
  after(ms: number, work: () => void): void;
  /** The faults of everybody's network. */
  readonly faults: FaultList;
  /** Whether nothing goes wrong any more. */
  readonly healed: boolean;
  /** A connection has reached the port. */
  accept(wire: NetworkWire): void;
  /** A client found that something is wrong. */
  found(client: string, wrong: unknown): void;
}

/** When nothing goes wrong any more, all hurry: the longest wait between two things that are said, in milliseconds. */
const HURRY = 200;

/** How long a stubborn client keeps its side open when the server has ended, in milliseconds. */
export const STUBBORN = 30_000;

/** A client of a simulation: connects, talks, falters, and leaves one way or another. All of it by chance. */
export class SimulatedClient implements WireListener {
  readonly name: string;
  readonly talk: Talk;
  /** Whether it stays until the server ends, when it has said all. */
  readonly stays: boolean;
  /** How its connection was over for it. */
  over: 'ended' | 'reset' | 'left' | undefined = undefined;
  /** It does not read any more. */
  deaf = false;
  /** Bytes that it has said, and heard. */
  said = 0;
  heard = 0;
  readonly #around: Around;
  readonly #roll: Roll;
  readonly #seed: number;
  readonly #faults = new FaultList();
  readonly #pace: number;
  readonly #stubborn: boolean;
  #wire: NetworkWire | null = null;
  #excused = false;
  #window = 0;
  #saidAll = false;
  #ended = false;
  /** The server does not read what it has said already; it would say more. */
  #full = false;
  #waits = false;
  /** It is in the middle of saying something; what it is to answer comes behind that. */
  #speaking = false;
  #answers: Uint8Array[] = [];

  /** One that is `late` comes when nothing goes wrong any more, and does not stay. */
  constructor(name: string, talk: Talk, seed: number, roll: Roll, around: Around, late: boolean) {
    this.name = name;
    this.talk = talk;
    this.#around = around;
    this.#seed = seed;
    this.#roll = roll;
    this.#pace = oneOf(roll, [20, 500, 2_000, 8_000]);
    this.stays = once(roll, 5) && !late;
    this.#stubborn = once(roll, 5);
  }

  /** Whether it is connected, and not told that that is over. */
  get open(): boolean {
    return this.#wire !== null && this.over === undefined;
  }

  /** Whether it has nothing left of a connection. */
  get closed(): boolean {
    return this.#wire === null || this.#wire.closed;
  }

  /** Whether something was done to it, or by it, that excuses it from hearing all. */
  get excused(): boolean {
    return this.#excused || this.#wire?.severed === true;
  }

  /** It need not hear all. */
  excuse(): void {
    this.#excused = true;
  }

  /** The bad time is over. */
  heal(): void {
    this.#faults.clear();
    if (!this.deaf) this.#wire?.resume();
  }

  /** It reads, whatever it did before. */
  listen(): void {
    this.deaf = false;
    this.#wire?.resume();
  }

  /** Bytes that may be under way to it and unread before the server cannot but wait. */
  get window(): number {
    return this.#window;
  }

  /** What it still waits for. */
  get stuck(): string | undefined {
    if (!this.open || this.deaf) return undefined;
    if (this.#saidAll) return this.stays ? undefined : 'has ended its side, and waits for the end of the server';
    return this.#full ? 'has more to say, and the server does not read' : 'has not said all';
  }

  // -- what it does --------------------------------------------------------------------------------------------------

  connect(): void {
    const { time, faults } = this.#around;
    const roll = this.#roll;
    const network = networkOf(someNetwork(roll, this.#seed));
    const [ours, theirs] = wires(network, time, [this.name, 'server'], [faults, this.#faults]);
    this.#note('connects');
    this.#wire = ours;
    this.#window = network.window;
    ours.attach(this);
    ours.resume();
    this.#around.after(network.latency, () => {
      if (faults.down || this.#faults.down) refuse(theirs);
      else this.#around.accept(theirs);
    });
    this.#later(() => this.#speak());
    if (once(roll, 4)) this.#badly(roll(20_000), () => this.#leave());
    if (once(roll, 3)) this.#badly(roll(10_000), () => this.#rest(oneOf(roll, [100, 5_000, 60_000, Infinity])));
    if (once(roll, 3)) this.#badly(roll(10_000), () => this.#suffer(roll(10_000)));
  }

  /** Says the next thing, in one piece or in two, and goes on a while later. */
  #speak(): void {
    if (!this.open || this.#ended) return;
    this.#waits = this.#full;
    if (this.#waits) return;
    const bytes = this.talk.say();
    if (bytes === undefined) {
      this.#saidAll = true;
      if (!this.stays) this.#end();
      return;
    }
    const cut = once(this.#roll, 4) ? this.#roll(bytes.length) : bytes.length;
    this.#speaking = true;
    this.#write(bytes.subarray(0, cut));
    this.#later(() => {
      this.#speaking = false;
      for (const rest of [bytes.subarray(cut), ...this.#answers.splice(0)]) this.#write(rest);
      this.#later(() => this.#speak());
    });
  }

  #write(bytes: Uint8Array): void {
    if (bytes.length === 0 || this.#ended || !this.open) return;
    this.said += bytes.length;
    this.#note('says', bytes);
    if (this.#wire?.write(bytes) === false) this.#full = true;
  }

  #end(): void {
    this.#note('ends');
    this.#ended = true;
    this.#wire?.end();
  }

  /** Leaves as clients do that are killed, or have enough, or crash in the middle of a message. */
  #leave(): void {
    if (this.#ended) return;
    const how = oneOf(this.#roll, ['resets', 'closes', 'ends'] as const);
    this.excuse();
    if (how === 'ends') return this.#end();
    this.#note(how);
    this.over = 'left';
    if (how === 'resets') this.#wire?.reset();
    else this.#wire?.destroy();
  }

  /** Does not read for a while, or for ever. */
  #rest(longest: number): void {
    this.deaf = longest === Infinity;
    this.#note(this.deaf ? 'reads no more' : 'rests');
    this.#wire?.pause();
    if (this.deaf) return;
    this.#around.after(this.#roll(longest), () => {
      this.#note('reads again');
      this.#wire?.resume();
    });
  }

  /** Has a fault of its own for a while. */
  #suffer(ms: number): void {
    const fault = someFault(this.#roll);
    this.#note(`has ${JSON.stringify(fault)}`);
    const { remove } = this.#faults.add(fault);
    this.#around.after(ms, remove);
  }

  #later(work: () => void): void {
    this.#around.after(this.#roll(this.#around.healed ? Math.min(this.#pace, HURRY) : this.#pace), work);
  }

  #badly(ms: number, work: () => void): void {
    this.#around.after(ms, () => {
      if (!this.#around.healed && this.open) work();
    });
  }

  #note(what: string, bytes?: Uint8Array): void {
    this.#around.trace.note(this.name, what, bytes);
  }

  // -- what happens to it --------------------------------------------------------------------------------------------

  received(bytes: Uint8Array): void {
    this.heard += bytes.length;
    this.#note('hears', bytes);
    try {
      const answer = this.talk.hear(bytes);
      if (answer !== undefined && this.#speaking) this.#answers.push(answer);
      else if (answer !== undefined) this.#write(answer);
    } catch (error) {
      this.#around.found(this.name, error);
    }
  }

  ended(): void {
    this.#note('hears the end');
    this.over = 'ended';
    // It closes: all that it has said is on its way, and its end is behind that.
    if (this.#stubborn) this.#around.after(STUBBORN, () => this.#wire?.destroy());
    else this.#wire?.destroy();
  }

  drained(): void {
    this.#full = false;
    if (this.#waits) this.#speak();
  }

  finished(): void {}

  gone(): void {}

  failed(): void {
    this.#note('is reset');
    this.over = 'reset';
    this.#wire?.destroy();
  }
}
