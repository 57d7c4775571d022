import type { WireListener } from '../connection/wire.js';
import type { Mark, Row, Sign } from './diagram.js';
import { type Network, type NetworkWire, wires } from './network.js';
import type { VirtualTime } from './virtual-time.js';

const ENCODER = new TextEncoder();

/** What a value of a diagram is on the wire: bytes as they are, a text as UTF-8, a list of both joined. */
const bytesOf = (value: unknown): Uint8Array => {
  if (value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return Buffer.concat(value.map(bytesOf));
  return ENCODER.encode(String(value));
};

/** A client that does what its diagram says, when it says so, and notes what comes to it. */
export class ScriptedClient {
  readonly name: string;
  /** What came, chunk by chunk, and how it ended. */
  readonly received: Mark[] = [];
  readonly #time: VirtualTime;
  readonly #network: Network;
  readonly #accept: (wire: NetworkWire) => void;
  /** Ends its own side when the server has ended, unless its diagram says when. */
  readonly #endsInReturn: boolean;
  #wire: NetworkWire | null = null;
  /** The server has ended; this side has. */
  #heardEnd = false;
  #saidEnd = false;

  constructor(name: string, row: Row, time: VirtualTime, network: Network, accept: (wire: NetworkWire) => void) {
    this.name = name;
    this.#time = time;
    this.#network = network;
    this.#accept = accept;
    this.#endsInReturn = row.marks.every(({ sign }) => sign !== 'end');
    if (row.marks.every(({ sign }) => sign !== 'open')) time.schedule(() => this.#open(), 0);
    for (const mark of row.marks) time.schedule(() => this.#do(mark), mark.at);
  }

  /** Whether it is connected. */
  get open(): boolean {
    return this.#wire !== null && !this.#wire.closed;
  }

  /** The story is over. */
  vanish(): void {
    this.#wire?.reset();
  }

  #open(): void {
    const [ours, theirs] = wires(this.#network, this.#time, [this.name, 'server']);
    const listener: WireListener = {
      received: (chunk) => this.#note('value', '?', chunk),
      ended: () => {
        this.#heardEnd = true;
        this.#note('end', '|');
        if (this.#endsInReturn) this.#end();
        else this.#closeIfDone();
      },
      drained: () => {},
      finished: () => this.#closeIfDone(),
      failed: () => {
        this.#note('reset', '#');
        ours.destroy();
      },
      gone: () => {},
    };
    this.#wire = ours;
    ours.attach(listener);
    ours.resume();
    this.#accept(theirs);
  }

  #do({ sign, value, symbol }: Mark): void {
    if (sign === 'open') return this.#open();
    if (this.#wire === null) throw new Error(`${this.name} cannot do ${symbol} before it has connected (^)`);
    if (sign === 'value') this.#send(bytesOf(value));
    else if (sign === 'end') this.#end();
    else if (sign === 'reset') this.#wire.reset();
    else if (sign === 'pause') this.#wire.pause();
    else this.#wire.resume();
  }

  #send(bytes: Uint8Array): void {
    const left = this.#network.resetAt - (this.#wire?.sent ?? 0);
    this.#wire?.write(bytes.subarray(0, Math.min(bytes.length, left)));
    if (bytes.length >= left) this.#wire?.reset();
  }

  #end(): void {
    if (this.#saidEnd) return;
    this.#saidEnd = true;
    this.#wire?.end();
  }

  #closeIfDone(): void {
    if (this.#heardEnd && this.#saidEnd) this.#wire?.destroy();
  }

  #note(sign: Sign, symbol: string, value?: unknown): void {
    this.received.push({ at: this.#time.now(), sign, symbol, value });
  }
}
