import type { Figures } from './figures.js';
import type { Role } from './rivals.js';

/** The figure by which a scenario compares, and how it is shown. Less is better in all of them. */
export interface Measure {
  readonly key: keyof Figures;
  readonly title: string;
  readonly unit: string;
  readonly digits: number;
}

/** One way to look at the servers. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly role: Role;
  readonly measure: Measure;
  /** What is run: the generator with these arguments, or a process from its start on, so many times. */
  readonly run: { readonly load: readonly string[] } | { readonly starts: number };
  readonly connections: number;
  /** How long it measures and warms up, in seconds, where that is not for the user to say. */
  readonly seconds?: number;
  readonly warmup?: number;
}

const cpuPerMessage: Measure = { key: 'cpuPerMessage', title: 'server CPU per message', unit: 'us', digits: 3 };

const load = (size: number, connections: number, depth: number): { readonly load: readonly string[] } => ({
  load: ['--size', String(size), '--conns', String(connections), '--depth', String(depth)],
});

const echo = (size: number, connections: number, depth: number, shown: string): Scenario => ({
  name: `${size}x${connections}x${depth}`,
  title: `${shown} x ${connections.toLocaleString('en')} x ${depth}`,
  role: 'echo',
  measure: cpuPerMessage,
  run: load(size, connections, depth),
  connections,
});

const MANY = 10_000;
const many = ['--conns', String(MANY), '--srcs', '16'];

/** Echoes are named bytes of a message x connections x messages in flight on each. */
export const SCENARIOS: readonly Scenario[] = [
  echo(32, 64, 32, '32 B'),
  echo(512, 64, 32, '512 B'),
  echo(32, 64, 1, '32 B'),
  echo(16_384, 64, 4, '16 KiB'),
  echo(32, 1_000, 1, '32 B'),
  {
    name: 'accept',
    title: 'connections that echo once',
    role: 'echo',
    measure: { key: 'cpuPerConnection', title: 'server CPU per connection', unit: 'us', digits: 1 },
    run: { load: ['--connect-only', '--window', '64', '--srcs', '64'] },
    connections: 64,
    warmup: 2,
  },
  {
    name: 'idle',
    title: '10,000 idle connections',
    role: 'echo',
    measure: { key: 'memoryPerConnection', title: 'resident memory per connection', unit: 'KB', digits: 1 },
    run: { load: ['--idle', ...many] },
    connections: MANY,
    seconds: 2,
  },
  {
    name: 'drain',
    title: 'shutdown with 10,000 idle connections',
    role: 'drain',
    measure: { key: 'took', title: 'until all are closed', unit: 'ms', digits: 0 },
    run: { load: ['--drain', ...many] },
    connections: MANY,
    seconds: 0.5,
  },
  {
    name: 'broadcast',
    title: 'one message to 10,000',
    role: 'broadcast',
    measure: { ...cpuPerMessage, title: 'server CPU per delivery' },
    run: { load: ['--broadcast', ...many] },
    connections: MANY,
  },
  {
    name: 'proxy',
    title: 'a proxy, 512 B x 64 x 32',
    role: 'proxy',
    measure: { ...cpuPerMessage, title: "the proxy's CPU per message" },
    run: load(512, 64, 32),
    connections: 64,
  },
  {
    name: 'first-echo',
    title: 'from the start of the process to the first echo',
    role: 'echo',
    measure: { key: 'took', title: 'until the first echo', unit: 'ms', digits: 0 },
    run: { starts: 5 },
    connections: 1,
  },
  {
    name: 'import',
    title: 'a process that imports and ends',
    role: 'import',
    measure: { key: 'took', title: 'from start to end', unit: 'ms', digits: 0 },
    run: { starts: 5 },
    connections: 0,
  },
];
