import {
  buildC,
  buildGo,
  buildJava,
  buildRust,
  output,
  pythonWithTwisted,
  versionOfC,
  versionOfGo,
  versionOfJava,
  versionOfRust,
} from './build.js';
import { compiled, source } from './files.js';
import { npmRival } from './npm-rivals.js';

/** What a server can be asked to do. Each is a program of its own, which gets the port as its last argument. */
const ROLES = ['echo', 'drain', 'broadcast', 'proxy', 'import'] as const;
export type Role = (typeof ROLES)[number];

/** How a server puts a message into bytes. */
export type Framing = 'u16' | 'varint' | 'rsocket' | 'nest';

/** A server, ready to run. */
export interface Ready {
  readonly name: string;
  readonly title: string;
  readonly framing: Framing;
  /** Seconds that it needs to warm up, besides those that everybody gets. */
  readonly warmup: number;
  readonly programs: Partial<Record<Role, readonly string[]>>;
  readonly version: string;
}

/** A server that can be measured, once what it needs is there. */
export interface Rival {
  readonly name: string;
  readonly title: string;
  readonly framing?: Framing;
  readonly warmup?: number;
  /** Builds it. Throws where it cannot, `Missing` where something is not installed. */
  readonly prepare: (node: string) => Pick<Ready, 'programs' | 'version'>;
}

/** Programs that are compiled files of bench/, each with its first arguments. */
const nodePrograms =
  (files: Partial<Record<Role, readonly [string, ...string[]]>>): Rival['prepare'] =>
  (node) => {
    const programs: Partial<Record<Role, readonly string[]>> = {};
    for (const role of ROLES) {
      const [file, ...args] = files[role] ?? [];
      if (file !== undefined) programs[role] = [node, compiled(file), ...args];
    }
    return { programs, version: `Node ${output([node, '--version'], `there is no ${node}`).trim()}` };
  };

const npm = (file: string, name: string): Rival['prepare'] => {
  return (node) => {
    const { command, version } = npmRival(node, file, name);
    return { programs: { echo: command }, version };
  };
};

const netty =
  (file: string): Rival['prepare'] =>
  () => ({ programs: { echo: buildJava(file) }, version: versionOfJava() });

/** All servers, ours first. */
export const RIVALS: readonly Rival[] = [
  {
    name: 'sluice',
    title: 'sluice',
    prepare: nodePrograms({
      echo: ['wire/ours.js'],
      drain: ['wire/ours-drain.js'],
      broadcast: ['wire/ours-broadcast.js'],
      proxy: ['wire/ours-proxy.js'],
      import: ['wire/import-ours.js'],
    }),
  },
  {
    name: 'sluice-shared',
    title: 'sluice, shared read buffer',
    prepare: nodePrograms({ echo: ['wire/ours.js', '{"readBuffer":"shared"}'] }),
  },
  {
    name: 'node-data',
    title: 'Node net, hand-tuned, data',
    prepare: nodePrograms({
      echo: ['rivals/node-data.js'],
      drain: ['rivals/node-drain.js'],
      broadcast: ['rivals/node-broadcast.js'],
      proxy: ['rivals/node-proxy.js'],
      import: ['rivals/import-net.js'],
    }),
  },
  {
    name: 'node-static',
    title: 'Node net, hand-tuned, static buffer',
    prepare: nodePrograms({ echo: ['rivals/node-static-buffer.js'] }),
  },
  {
    name: 'node-naive',
    title: 'Node net, naive',
    prepare: nodePrograms({ echo: ['rivals/node-naive.js'] }),
  },
  {
    name: 'rxjs',
    title: 'RxJS, naive',
    prepare: nodePrograms({
      echo: ['rivals/rxjs-naive.js'],
      broadcast: ['rivals/rxjs-broadcast.js'],
      import: ['rivals/import-rxjs.js'],
    }),
  },
  {
    name: 'effect-batched',
    title: 'Effect 4, batched pull reader',
    prepare: npm('effect-batched.mjs', 'effect'),
  },
  { name: 'effect-stream', title: 'Effect 4, Stream', prepare: npm('effect-stream.mjs', 'effect') },
  { name: 'rsocket', title: 'rsocket-js', framing: 'rsocket', prepare: npm('rsocket.mjs', 'rsocket-core') },
  {
    name: 'it-length-prefixed',
    title: 'it-length-prefixed',
    framing: 'varint',
    prepare: npm('it-length-prefixed.mjs', 'it-length-prefixed'),
  },
  {
    name: 'length-prefixed-stream',
    title: 'length-prefixed-stream',
    framing: 'varint',
    prepare: npm('length-prefixed-stream.mjs', 'length-prefixed-stream'),
  },
  { name: 'nestjs', title: 'NestJS TCP', framing: 'nest', prepare: npm('nestjs.mjs', '@nestjs/microservices') },
  { name: 'netty', title: 'Netty, its frame decoder', warmup: 3, prepare: netty('NettyEcho') },
  { name: 'netty-by-hand', title: 'Netty, cut by hand', warmup: 3, prepare: netty('NettyByHand') },
  { name: 'go', title: 'Go', prepare: () => ({ programs: { echo: [buildGo()] }, version: versionOfGo() }) },
  {
    name: 'tokio',
    title: 'Rust, tokio',
    prepare: () => ({ programs: { echo: [buildRust()] }, version: versionOfRust() }),
  },
  {
    name: 'twisted',
    title: 'Twisted',
    prepare: () => {
      const { python, version } = pythonWithTwisted();
      return { programs: { echo: [python, source('rivals/python/twisted_echo.py')] }, version };
    },
  },
  {
    name: 'c',
    title: 'C, epoll',
    prepare: () => {
      const program = buildC('rivals/c/epoll.c', 'epoll');
      return { programs: { echo: [program], broadcast: [program, 'broadcast'] }, version: versionOfC() };
    },
  },
];

/** Builds those of them that can be built, and says what the others lack. */
export const readied = (rivals: readonly Rival[], node: string, say: (line: string) => void): readonly Ready[] =>
  rivals.flatMap(({ name, title, framing = 'u16', warmup = 0, prepare }) => {
    try {
      return [{ name, title, framing, warmup, ...prepare(node) }];
    } catch (error) {
      say(`${title} is left out: ${error instanceof Error ? error.message : String(error)}`);
      return [];
    }
  });
