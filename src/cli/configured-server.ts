import { BehaviorSubject, type Observable, switchMap } from 'rxjs';
import { createServer } from '../server/create-server.js';
import type { Client } from '../server/client.js';
import type { Dialled } from '../server/dialled.js';
import type { ServerEvent } from '../server/events.js';
import type { Server } from '../server/server.js';
import { type Spoken, echo } from './protocols.js';
import { Complaint } from './shell.js';

/** What a server is made with: what is changed holds from the next start on. */
export interface Settings {
  readonly ip: string;
  readonly port: number;
  readonly spoken: Spoken;
  /** Seconds between keep-alives; 0: as the protocol has it. */
  readonly keepAlive: number;
}

/** A peer that is to be dialled whenever the server runs. */
interface Wanted {
  readonly ip: string;
  readonly port: number;
  dialled: Dialled | undefined;
}

const DEFAULTS: Settings = { ip: '127.0.0.1', port: 40_000, spoken: echo, keepAlive: 0 };

/** A server as the shell knows it: by its name, with settings that outlast its starts and stops. */
export class ConfiguredServer {
  readonly name: string;
  readonly #servers: BehaviorSubject<Server>;
  readonly #wanted = new Map<string, Wanted>();
  #settings = DEFAULTS;
  /** The settings were changed since the server was made. */
  #stale = false;
  #starting = false;

  constructor(name: string) {
    this.name = name;
    this.#servers = new BehaviorSubject(make(name, DEFAULTS));
  }

  /** The server itself: another one once settings were changed and it was started again. */
  get server(): Server {
    return this.#servers.value;
  }

  get settings(): Settings {
    return this.#settings;
  }

  /** What happens to it, whatever it is made of at the time. */
  get events(): Observable<ServerEvent> {
    return this.#servers.pipe(switchMap((server) => server.events));
  }

  /** Whom it dials, as `IP PORT`. */
  get wanted(): readonly string[] {
    return [...this.#wanted.keys()];
  }

  get running(): boolean {
    return this.server.state.value.running;
  }

  /** Changes settings, from the next start on. */
  change(settings: Partial<Settings>): void {
    this.#settings = { ...this.#settings, ...settings };
    this.#stale = true;
  }

  async start(): Promise<void> {
    if (this.running || this.#starting) throw new Complaint(`${this.name} is running already`);
    this.#renew();
    this.#starting = true;
    try {
      await this.server.start();
    } finally {
      this.#starting = false;
    }
    for (const wanted of this.#wanted.values()) this.#dial(wanted);
  }

  connect(ip: string, port: number): void {
    const key = `${ip} ${port}`;
    if (this.#wanted.has(key)) throw new Complaint(`${this.name} connects to ${key} already`);
    const wanted: Wanted = { ip, port, dialled: undefined };
    if (this.running) this.#dial(wanted);
    this.#wanted.set(key, wanted);
  }

  /** Ends a dial and its connection. */
  leave(ip: string, port: number): void {
    const key = `${ip} ${port}`;
    const wanted = this.#wanted.get(key);
    if (wanted === undefined) throw new Complaint(`${this.name} does not connect to ${key}`);
    this.#wanted.delete(key);
    wanted.dialled?.disconnect();
  }

  /** Disconnects a client; one that we have dialled is not dialled again. */
  disconnect(client: Client): void {
    for (const [key, { dialled }] of this.#wanted) if (dialled?.client === client) this.#wanted.delete(key);
    this.server.disconnect(client, { reason: 'disconnected by the shell' });
  }

  /** The client with this number, at this address, or of this name. */
  client(which: string): Client {
    const { clients } = this.server;
    const byNumber = /^\d{1,15}$/.test(which) ? clients.get(Number(which)) : undefined;
    const [client, ...others] =
      byNumber === undefined ? [clients.at(which) ?? clients.named(which)].flat() : [byNumber];
    if (client === undefined) throw new Complaint(`${this.name} has no client ${which}`);
    if (others.length > 0) throw new Complaint(`${this.name} has ${others.length + 1} clients of the name ${which}`);
    return client;
  }

  #dial(wanted: Wanted): void {
    wanted.dialled = this.server.connect(wanted.ip, wanted.port);
  }

  /** Makes the server anew, where its settings were changed. All else that was said of it goes over. */
  #renew(): void {
    if (!this.#stale) return;
    const before = this.server;
    const server = make(this.name, this.#settings);
    server.setLimits(before.limits);
    for (const { action, cidr } of before.rules.list) server.rules[action](cidr);
    if (!before.state.value.accepting) server.pauseAccepting();
    if (!before.state.value.listening) server.pauseListening();
    this.#stale = false;
    this.#servers.next(server);
  }
}

const make = (name: string, { ip, port, spoken, keepAlive }: Settings): Server =>
  createServer(name, spoken.serve(keepAlive * 1000), { host: ip, port });
