import { fileURLToPath } from 'node:url';
import type { Role } from './scenarios.js';

/** A server that is measured. */
export interface Rival {
  readonly name: string;
  /** As the tables show it. */
  readonly title: string;
  /** The command for each thing it can do. It gets the port as its last argument and prints a line when it listens. */
  readonly programs: Partial<Record<Role, readonly string[]>>;
}

const compiled = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** All servers, run by `node` where they are Node programs. */
export const rivals = (node: string): readonly Rival[] => [
  { name: 'sluice', title: 'sluice', programs: { echo: [node, compiled('ours.js')] } },
  {
    name: 'node-data',
    title: 'Node net, hand-tuned, data',
    programs: { echo: [node, compiled('../rivals/node-data.js')] },
  },
  {
    name: 'node-static',
    title: 'Node net, hand-tuned, static buffer',
    programs: { echo: [node, compiled('../rivals/node-static-buffer.js')] },
  },
  {
    name: 'node-naive',
    title: 'Node net, naive',
    programs: { echo: [node, compiled('../rivals/node-naive.js')] },
  },
  { name: 'rxjs', title: 'RxJS, naive', programs: { echo: [node, compiled('../rivals/rxjs-naive.js')] } },
];
