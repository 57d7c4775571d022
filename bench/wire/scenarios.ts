/** What a rival's program does. Each is its own file. */
export type Role = 'echo' | 'drain' | 'broadcast' | 'proxy';

/** The figure by which a scenario compares: what it means, and how it is shown. Less is better in all of them. */
export interface Measure {
  readonly key: 'cpuPerMessage' | 'cpuPerConnection' | 'memoryPerConnection' | 'took';
  readonly title: string;
  readonly unit: string;
  readonly digits: number;
}

const cpuPerMessage: Measure = { key: 'cpuPerMessage', title: 'server CPU per message', unit: 'us', digits: 3 };

/** One load on the servers. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly role: Role;
  readonly measure: Measure;
  /** What the generator is told, besides where the server is and for how long. */
  readonly load: readonly string[];
  readonly connections: number;
  /** How it differs from others in length: seconds of measuring, where it is not for the user to say. */
  readonly seconds?: number;
}

const echo = (size: number, connections: number, depth: number, shown: string): Scenario => ({
  name: `${size}x${connections}x${depth}`,
  title: `${shown} x ${connections.toLocaleString('en')} x ${depth}`,
  role: 'echo',
  measure: cpuPerMessage,
  load: ['--size', String(size), '--conns', String(connections), '--depth', String(depth)],
  connections,
});

/** Echoes: bytes of a message x connections x messages in flight on each. */
export const SCENARIOS: readonly Scenario[] = [
  echo(32, 64, 32, '32 B'),
  echo(512, 64, 32, '512 B'),
  echo(32, 64, 1, '32 B'),
  echo(16_384, 64, 4, '16 KiB'),
  echo(32, 1_000, 1, '32 B'),
];
