import {
  Missing,
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
export type Role = 'echo' | 'drain' | 'broadcast' | 'proxy' | 'import';

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
  /** Builds it. Throws `Missing` where something is not installed. */
  readonly prepare: (node: string) => Pick<Ready, 'programs' | 'version'>;
}

const versionOfNode = (node: string): string => `Node ${output([node, '--version'], `there is no ${node}`).trim()}`;

const imports = (node: string, name: string): readonly string[] => [
  node,
  '--input-type=module',
  '--eval',
  `import ${JSON.stringify(name)}`,
];

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
    prepare: (node) => ({
      programs: {
        echo: [node, compiled('wire/ours.js')],
        drain: [node, compiled('wire/ours-drain.js')],
        broadcast: [node, compiled('wire/ours-broadcast.js')],
        proxy: [node, compiled('wire/ours-proxy.js')],
        import: imports(node, 'sluice'),
      },
      version: versionOfNode(node),
    }),
  },
  {
    name: 'node-data',
    title: 'Node net, hand-tuned, data',
    prepare: (node) => ({
      programs: {
        echo: [node, compiled('rivals/node-data.js')],
        drain: [node, compiled('rivals/node-drain.js')],
        broadcast: [node, compiled('rivals/node-broadcast.js')],
        proxy: [node, compiled('rivals/node-proxy.js')],
        import: imports(node, 'node:net'),
      },
      version: versionOfNode(node),
    }),
  },
  {
    name: 'node-static',
    title: 'Node net, hand-tuned, static buffer',
    prepare: (node) => ({
      programs: { echo: [node, compiled('rivals/node-static-buffer.js')] },
      version: versionOfNode(node),
    }),
  },
  {
    name: 'node-naive',
    title: 'Node net, naive',
    prepare: (node) => ({
      programs: { echo: [node, compiled('rivals/node-naive.js')] },
      version: versionOfNode(node),
    }),
  },
  {
    name: 'rxjs',
    title: 'RxJS, naive',
    prepare: (node) => ({
      programs: {
        echo: [node, compiled('rivals/rxjs-naive.js')],
        broadcast: [node, compiled('rivals/rxjs-broadcast.js')],
        import: imports(node, 'rxjs'),
      },
      version: versionOfNode(node),
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

/** Builds those of them that can be built, and says what is missing for the others. */
export const readied = (rivals: readonly Rival[], node: string, say: (line: string) => void): readonly Ready[] =>
  rivals.flatMap(({ name, title, framing = 'u16', warmup = 0, prepare }) => {
    try {
      return [{ name, title, framing, warmup, ...prepare(node) }];
    } catch (error) {
      if (!(error instanceof Missing)) throw error;
      say(`${title} is left out: ${error.message}`);
      return [];
    }
  });
