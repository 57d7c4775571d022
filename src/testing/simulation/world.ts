import { type ConnectionOptions, WireConnection, connectionLimits } from '../../connection/connection.js';
import type { Wire } from '../../connection/wire.js';
import { createServer } from '../../server/create-server.js';
import type { Client } from '../../server/client.js';
import type { Handled, Handler } from '../../server/outcome.js';
import type { StopReport } from '../../server/report.js';
import type { Server, ServerOptions } from '../../server/server.js';
import { dice } from '../dice.js';
import { FaultList } from '../faults/fault-list.js';
import type { Roll } from '../faults/fault-line.js';
import type { NetworkWire } from '../network-wire.js';
import { StoryFailed } from '../story-failed.js';
import { StoryPort } from '../story-port.js';
import type { VirtualTime } from '../virtual-time.js';
import { between, once, oneOf, someFault } from './chance.js';
import { SimulationFailed } from '../simulation-failed.js';
import { type Around, STUBBORN, SimulatedClient } from './client.js';
import type { Talk } from './talk.js';
import { Trace } from './trace.js';
import { Witness } from './witness.js';

/** Options of the server in a simulation, and of its connections. Limits are the simulation's to change. */
export type SimulatedServerOptions = Omit<ConnectionOptions, 'scheduler'> &
  Pick<ServerOptions, 'drain' | 'idleAfter' | 'highWater'>;

/** What is simulated, checked and with its defaults. */
export interface Scene {
  readonly seed: number;
  readonly serve: Handler | Handled;
  readonly talk: (client: number, roll: Roll) => Talk;
  readonly clients: number;
  readonly lasts: number;
  readonly holds: number;
  readonly server: SimulatedServerOptions;
  readonly log: ((line: string) => void) | undefined;
  /** What stands between the network and the server's connections: for tests of the simulation itself. */
  readonly wire: (wire: Wire) => Wire;
}

/** What came of a simulation in which nothing was wrong. */
export interface Simulated {
  readonly seed: number;
  /** Milliseconds of virtual time. */
  readonly took: number;
  /** How the server's connections ended, and how many each: `finished`, or the name of the error. */
  readonly endings: Readonly<Record<string, number>>;
  /** Bytes that clients have said, and heard. */
  readonly said: number;
  readonly heard: number;
  /** Clients that have said all and heard all. */
  readonly complete: number;
  /** A number that stands for all that happened: the same one twice was the same, byte for byte. */
  readonly digest: string;
}

/** So long nothing goes wrong any more before all must be well, and so long a server may take to stop. In milliseconds. */
const MENDING = 60_000;
const STOPPING = 20_000;

/** What is under way when the server has stopped is there after so long: less than anything would wait for. */
const MOMENT = 200;

/** Time goes by in steps, so that what is found wrong is told soon after. */
const STEP = 200;

/** One in so many clients comes when nothing goes wrong any more, so long after the bad time, in milliseconds. */
const LATE = 10;
const LATE_BY = 40_000;

/** Of them, so many are let in at once; the others wait until there is room. */
const LATE_AT_ONCE = 8;

/** Errors that say that bytes are not what they should be. A network makes none of them. */
const GARBLED: ReadonlySet<string> = new Set(['FrameTooLong', 'MalformedFrame', 'InvalidMessage']);

/** A server and its clients, in a time in which everything goes wrong and in the time after it. */
export class World implements Around {
  readonly time: VirtualTime;
  readonly trace: Trace;
  readonly faults = new FaultList();
  healed = false;
  readonly #scene: Scene;
  readonly #roll: Roll;
  readonly #server: Server<never>;
  readonly #witness: Witness;
  readonly #port: StoryPort;
  readonly #clients = new Map<string, SimulatedClient>();
  /** Those of them who come when nothing goes wrong any more. */
  readonly #late = new Set<string>();
  /** The server's ends of their connections. */
  readonly #wires = new Map<string, NetworkWire>();
  readonly #wrong: string[] = [];
  readonly #found = new Set<string>();
  /** What is still to be done that is none of the program's. */
  #waiting = 0;
  readonly #lasts: number;
  #opened = 0;
  #complete = 0;

  constructor(time: VirtualTime, scene: Scene) {
    this.time = time;
    this.#scene = scene;
    this.#lasts = scene.lasts;
    this.trace = new Trace(() => time.now(), scene.log);
    this.#roll = dice(scene.seed);
    this.#port = new StoryPort((wire, options) => this.#open(wire, options));
    this.#server = createServer('simulated', scene.serve, {
      ...scene.server,
      port: 1,
      listen: (options) => this.#port.listen(options),
      scheduler: time,
    });
    this.#witness = new Witness(this.#server, this.trace, (what) => this.wrong(what));
    for (let number = 1; number <= scene.clients; number++) {
      const name = `client ${number}`;
      const own = scene.seed * 1_000 + number;
      const roll = dice(own);
      const late = number % LATE === 0;
      this.#clients.set(name, new SimulatedClient(name, scene.talk(number, roll), own, roll, this, late));
      if (late) this.#late.add(name);
    }
  }

  /** Lets all of it happen. Fails with all that is found wrong by the time. */
  async run(): Promise<Simulated> {
    await this.#server.start();
    this.#plan();
    await this.#pass(this.#lasts);
    this.#heal();
    await this.#pass(LATE_BY);
    this.#letFewIn();
    await this.#pass(MENDING - LATE_BY);
    for (const client of this.#clients.values()) this.#judge(client);
    await this.#stop();
    await this.#pass(MOMENT);
    this.#judgeTimers();
    for (const client of this.#clients.values()) client.listen();
    await this.#pass(STUBBORN + STEP);
    this.#judgeWhatIsLeft();
    this.#check();
    return this.#told();
  }

  /** Something is wrong. */
  wrong(what: string): void {
    this.#wrong.push(`at ${(this.time.now() / 1_000).toFixed(3)}s: ${what}`);
  }

  /** What is told of a simulation that came to its end by this error: what was found wrong by then, and what it says. */
  failed(error: unknown): SimulationFailed {
    if (error instanceof SimulationFailed) return error;
    const known = error instanceof Error && !(error instanceof StoryFailed);
    this.wrong(known ? String(error.stack) : String(error));
    return this.#failure(error);
  }

  /** Gives up all connections: nothing of a simulation that failed is to stay in this process. */
  async leave(): Promise<void> {
    this.trace.close();
    try {
      void this.#server.abort().catch(ignore);
      await this.time.playTo(this.time.now() + MOMENT);
    } catch {
      // It has been told what is wrong.
    }
  }

  #failure(cause?: unknown): SimulationFailed {
    const { seed, clients, lasts, holds } = this.#scene;
    const options = `clients: ${clients}, lasts: ${lasts}${holds === Infinity ? '' : `, holds: ${holds}`}`;
    return new SimulationFailed(seed, options, this.#wrong.join('\n'), cause);
  }

  after(ms: number, work: () => void): void {
    this.#waiting++;
    this.time.schedule(() => {
      this.#waiting--;
      work();
    }, ms);
  }

  accept(wire: NetworkWire): void {
    this.#port.accept(wire);
  }

  found(client: string, wrong: unknown): void {
    // What follows from the first is of no use to anybody.
    if (this.#found.has(client)) return;
    this.#found.add(client);
    this.wrong(`${client}: ${wrong instanceof Error ? wrong.message : String(wrong)}`);
  }

  #open(wire: NetworkWire, options: ConnectionOptions): WireConnection {
    const connection = new WireConnection(this.#scene.wire(wire), connectionLimits(options));
    // Counted from 1 in each simulation, so that the same one is the same.
    Object.assign(connection, { id: ++this.#opened });
    this.#witness.opened(connection);
    this.#wires.set(wire.peer, wire);
    return connection;
  }

  async #pass(ms: number): Promise<void> {
    const until = this.time.now() + ms;
    while (this.time.now() < until) {
      // oxlint-disable-next-line no-await-in-loop
      await this.time.playTo(Math.min(until, this.time.now() + STEP));
      this.#look();
      this.#check();
    }
  }

  /** Looks whether the server stores what it should not. */
  #look(): void {
    const { holds } = this.#scene;
    if (holds === Infinity) return;
    for (const { address, connection } of this.#server.clients) {
      const held = connection.statistics.buffered - (this.#wires.get(address)?.pending ?? 0);
      if (held > holds) this.found(address, `the server holds ${held} bytes for it`);
    }
  }

  #check(): void {
    if (this.#wrong.length > 0) throw this.#failure();
  }

  // -- what goes wrong -----------------------------------------------------------------------------------------------

  #plan(): void {
    const roll = this.#roll;
    for (const client of this.#clients.values()) {
      const late = this.#late.has(client.name) ? this.#lasts + LATE_BY : 0;
      this.after(late + roll(late > 0 ? STEP : this.#lasts * 0.7), () => client.connect());
    }
    for (let left = between(roll, 3, 10); left > 0; left--) this.after(roll(this.#lasts), () => this.#fault());
    for (let left = between(roll, 2, 8); left > 0; left--) this.after(roll(this.#lasts), () => this.#meddle());
  }

  /** The network has a fault for a while. */
  #fault(): void {
    const fault = someFault(this.#roll);
    this.trace.note('the network', `has ${JSON.stringify(fault)}`);
    const { remove } = this.faults.add(fault);
    this.after(this.#roll(fault.type === 'down' ? 2_000 : 10_000), remove);
  }

  /** Somebody does something to the server, and takes it back after a while. */
  #meddle(): void {
    const server = this.#server;
    const roll = this.#roll;
    const ms = roll(oneOf(roll, [50, 5_000]));
    const back = (what: string, work: () => void): void => {
      this.trace.note('the server', what);
      this.after(ms, work);
    };
    const client = oneOf(roll, [undefined, ...server.clients]);
    switch (roll(7)) {
      case 0:
        server.pauseListening();
        return back('reads from nobody', () => server.resumeListening());
      case 1:
        if (client === undefined) return;
        server.pauseListening(client);
        return back(`does not read from ${client.address}`, () => server.resumeListening(client));
      case 2:
        server.pauseAccepting();
        return back('accepts nobody', () => server.resumeAccepting());
      case 3:
        server.setLimits({
          maxConnections: roll(server.clients.count + 2),
          whenFull: oneOf(roll, ['wait', 'refuse', 'close-idlest']),
        });
        return back('is full', () => server.setLimits({ maxConnections: 10_000 }));
      case 4:
        server.setLimits({ acceptRate: between(roll, 1, 50) });
        return back('lets few in', () => server.setLimits({ acceptRate: Infinity }));
      case 5:
        return once(roll, 2) ? this.#restart(ms) : undefined;
      default:
        return client === undefined ? undefined : this.#sendAway(client);
    }
  }

  #sendAway(client: Client): void {
    this.trace.note('the server', `sends ${client.address} away`);
    this.#server.disconnect(client, { reason: 'sent away', flush: once(this.#roll, 2) });
  }

  /** The server is stopped, or aborted, and started again. */
  #restart(drain: number): void {
    if (this.#server.state.value.draining) return;
    const aborts = once(this.#roll, 3);
    this.trace.note('the server', aborts ? 'aborts' : 'stops');
    for (const { address } of this.#server.clients) this.#excuse(address);
    const stopping = aborts ? this.#server.abort() : this.#server.stop({ drain });
    stopping
      .then((report) => {
        this.trace.note('the server', `has stopped: ${report.ended} ended, ${report.cut.length} cut`);
        if (this.#server.clients.count > 0) this.wrong(`the server has stopped, with clients left`);
        return this.#server.start();
      })
      .catch((error: unknown) => this.wrong(`the server did not start again: ${String(error)}`));
  }

  #excuse(name: string): void {
    this.#clients.get(name)?.excuse();
  }

  // -- and what comes after ------------------------------------------------------------------------------------------

  #heal(): void {
    this.trace.note('the network', 'heals');
    this.healed = true;
    this.faults.clear();
    for (const client of this.#clients.values()) client.heal();
    this.#server.resumeListening();
    for (const client of this.#server.clients) this.#server.resumeListening(client);
    this.#server.resumeAccepting();
    this.#server.setLimits({ maxConnections: 10_000, acceptRate: Infinity });
  }

  /** From now on there is room for few more than there are. */
  #letFewIn(): void {
    const limit = this.#server.clients.count + LATE_AT_ONCE;
    this.#server.setLimits({ maxConnections: limit, whenFull: 'wait' });
    this.#server.clients.changes.subscribe(() => {
      const { count } = this.#server.clients;
      if (count > limit) this.wrong(`there are ${count} clients, and no more than ${limit} may be let in`);
    });
  }

  /** The bad time is long over: whoever is there, or has ended in order, has said all and heard all. */
  #judge(client: SimulatedClient): void {
    const { name, stuck, excused, open } = client;
    const told = this.#witness.of(name);
    // Of one that is stubborn the server may still hope for an end.
    const ending = told?.ending ?? (client.closed || told?.connected !== 1 ? 'not served' : 'finished');
    const finished = client.over === 'ended' && ending === 'finished' && !excused;
    if (stuck !== undefined) return this.wrong(`${name} ${stuck}`);
    if (client.closed && told?.connected !== told?.disconnected) {
      return this.wrong(`${name} has gone, and the server still has it`);
    }
    const unread = told?.connection.statistics.buffered ?? 0;
    if (client.deaf && open && unread > client.window) {
      return this.wrong(`${name} has left ${unread} bytes unread for long, and the server still has it`);
    }
    if (GARBLED.has(ending) || (ending === 'TruncatedFrame' && !excused)) {
      return this.wrong(`${name}, who does no such thing, was disconnected with ${ending}`);
    }
    if (this.#late.has(name) && !open && !finished) {
      return this.wrong(`${name} came when nothing went wrong any more, and has met with: ${ending}`);
    }
    if (told === undefined || client.deaf || !(open || finished)) return;
    this.#complete++;
    try {
      client.talk.complete?.();
    } catch (error) {
      this.found(name, error);
    }
    const { bytesOut } = told.connection.statistics;
    if (finished && bytesOut !== client.heard) {
      this.wrong(`${name} has heard ${client.heard} bytes, and the server counts ${bytesOut}`);
    }
  }

  async #stop(): Promise<void> {
    this.trace.note('the server', 'stops for good');
    const stopping: { report?: StopReport } = {};
    this.#server.stop().then(
      (report) => Object.assign(stopping, { report }),
      (error: unknown) => this.wrong(`the server did not stop: ${String(error)}`),
    );
    for (let waited = 0; waited < STOPPING && stopping.report === undefined; waited += STEP) {
      // oxlint-disable-next-line no-await-in-loop
      await this.#pass(STEP);
    }
    const { report } = stopping;
    if (report === undefined) return this.wrong('the server has not stopped');
    for (const { client, why } of report.cut) this.wrong(`${client.address} had to be cut: ${why}`);
  }

  #judgeWhatIsLeft(): void {
    this.#witness.judge((name) => (this.#wires.get(name) as NetworkWire).traffic);
    for (const client of this.#clients.values()) {
      if (client.open) this.wrong(`${client.name} is left connected`);
      else if (!client.closed) this.wrong(`${client.name} has a connection left`);
    }
  }

  #judgeTimers(): void {
    const timers = this.time.actions.length - this.#waiting;
    const hint = this.#scene.log === undefined ? ' (with log, it says where they were made)' : '';
    if (timers > 0) this.wrong([`timers are left${hint}`, ...this.time.timers].join('\n  '));
  }

  #told(): Simulated {
    const clients = [...this.#clients.values()];
    return {
      seed: this.#scene.seed,
      took: this.time.now(),
      endings: this.#witness.endings,
      said: clients.reduce((sum, { said }) => sum + said, 0),
      heard: clients.reduce((sum, { heard }) => sum + heard, 0),
      complete: this.#complete,
      digest: this.trace.digest,
    };
  }
}

const ignore = (): void => {};
