import type { WireListener } from '../connection/wire.js';
import type { Mark, Row, Sign } from './diagram.js';
import type { FaultList } from './faults/fault-list.js';
import type { Network } from './network.js';
import { type NetworkWire, wires } from './network-wire.js';
import { refuse } from './story-port.js';
import type { VirtualTime } from './virtual-time.js';

const ENCODER = new TextEncoder();

/** What a value of a diagram is on the wire: bytes as they are, a text as UTF-8, a list of both joined. */
const bytesOf = (value: unknown): Uint8Array => {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string') return ENCODER.encode(value);
  if (Array.isArray(value)) return Buffer.concat(value.map(bytesOf));
  throw new TypeError(`a client sends bytes, a text or a list of them, got ${String(value)}`);
};

/** What a client does: the marks of its row. The first is that it connects. */
const deedsOf = (name: string, { marks }: Row): readonly Mark[] => {
  const opens = marks.findIndex(({ sign }) => sign === 'open');
  if (opens < 0) return [{ at: 0, sign: 'open', symbol: '^', value: undefined }, ...marks];
  if (opens > 0) throw new SyntaxError(`${name} cannot do ${marks[0]?.symbol} before it has connected (^)`);
  if (marks.slice(1).some(({ sign }) => sign === 'open')) {
    throw new SyntaxError(`${name} connects twice (^): the second time, let it be another client`);
  }
  return marks;
};

/** A client that does what its row says, when it says so, and notes what comes to it. */
export class ScriptedClient {
  readonly name: string;
  readonly network: Network;
  /** What goes wrong with its connection, and with everybody's. */
  readonly #faults: readonly FaultList[];
  /** What came, chunk by chunk, and how it ended. */
  readonly received: Mark[] = [];
  readonly #time: VirtualTime;
  readonly #accept: (wire: NetworkWire) => void;
  /** It ends its own side when the server has ended, unless its row says when. */
  readonly #endsInReturn: boolean;
  #wire: NetworkWire | null = null;
  #sent = 0;

  constructor(
    name: string,
    row: Row,
    time: VirtualTime,
    network: Network,
    faults: readonly FaultList[],
    accept: (wire: NetworkWire) => void,
  ) {
    this.name = name;
    this.network = network;
    this.#faults = faults;
    this.#time = time;
    this.#accept = accept;
    this.#endsInReturn = row.marks.every(({ sign }) => sign !== 'end');
    time.script(deedsOf(name, row).map((mark) => ({ at: mark.at, work: this.#deed(mark) })));
  }

  /** Whether its side of a connection is there. */
  get open(): boolean {
    return this.#wire !== null && !this.#wire.closed;
  }

  /** The story is over. */
  vanish(): void {
    this.#wire?.reset();
  }

  #deed({ sign, value }: Mark): () => void {
    if (sign === 'open') return () => this.#open();
    if (sign === 'end') return () => this.#wire?.end();
    if (sign === 'reset') return () => this.#wire?.reset();
    if (sign === 'pause') return () => this.#wire?.pause();
    if (sign === 'resume') return () => this.#wire?.resume();
    const bytes = bytesOf(value);
    return () => this.#send(bytes);
  }

  #open(): void {
    const [ours, theirs] = wires(this.network, this.#time, [this.name, 'server'], this.#faults);
    const listener: WireListener = {
      received: (chunk) => this.#note('value', '?', chunk),
      ended: () => {
        this.#note('end', '|');
        if (this.#endsInReturn) ours.end();
      },
      drained: () => {},
      finished: () => {},
      failed: () => {
        this.#note('reset', '#');
        ours.destroy();
      },
      gone: () => {},
    };
    this.#wire = ours;
    ours.attach(listener);
    ours.resume();
    this.#time.schedule(() => {
      if (this.#faults.some(({ down }) => down)) refuse(theirs);
      else this.#accept(theirs);
    }, this.network.latency);
  }

  #send(bytes: Uint8Array): void {
    const left = this.network.resetAt - this.#sent;
    this.#wire?.write(bytes.subarray(0, left));
    this.#sent += bytes.length;
    if (this.#sent >= this.network.resetAt) this.#wire?.cut();
  }

  #note(sign: Sign, symbol: string, value?: unknown): void {
    this.received.push({ at: this.#time.now(), sign, symbol, value });
  }
}
