import { parseArgs } from 'node:util';

/** What a session measures, and for how long. */
export interface Plan {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmup: number;
  /** Names of servers. */
  readonly only: readonly string[];
  /** Names of scenarios. */
  readonly scenarios: readonly string[];
  /** Leaves out what no target is about. */
  readonly targetsOnly: boolean;
  /** Where the results go. */
  readonly out: string;
  /** The Node that runs the servers. */
  readonly node: string;
  readonly help: boolean;
}

/** What was given cannot be meant. */
export class WrongArgument extends Error {
  readonly _tag = 'WrongArgument';
}

const number = (name: string, given: string, least: number, most: number, whole: boolean): number => {
  const value = Number(given);
  if (given.trim() !== '' && value >= least && value <= most && (!whole || Number.isInteger(value))) return value;
  const kind = whole ? 'a whole number' : 'a number';
  throw new WrongArgument(`--${name} takes ${kind} from ${least} to ${most}, got ${JSON.stringify(given)}`);
};

/** Some of the names that there are; all where none are given. */
const names = (option: string, given: string | undefined, known: readonly string[]): readonly string[] => {
  if (given === undefined) return known;
  const asked = given.split(',');
  const unknown = asked.find((name) => !known.includes(name));
  if (unknown === undefined) return asked;
  throw new WrongArgument(`--${option} takes some of ${known.join(', ')}; got ${JSON.stringify(unknown)}`);
};

const OPTIONS = {
  quick: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  only: { type: 'string' },
  scenario: { type: 'string' },
  node: { type: 'string' },
  out: { type: 'string' },
} as const;

const parse = (args: readonly string[]): ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'] => {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values;
  } catch (error) {
    throw new WrongArgument(error instanceof Error ? error.message : String(error));
  }
};

/** The names that there are. */
export interface Known {
  readonly rivals: readonly string[];
  readonly scenarios: readonly string[];
}

/** Reads the command line. Throws a `WrongArgument` that says what would be right. */
export const planOf = (
  args: readonly string[],
  { rivals, scenarios }: Known,
  defaults: { readonly folders: { readonly whole: string; readonly part: string }; readonly node: string },
): Plan => {
  const given = parse(args);
  const { quick, help, only, scenario, node, out } = given;
  const named = only !== undefined || scenario !== undefined;
  return {
    rounds: number('rounds', given.rounds ?? (quick ? '1' : '3'), 1, 99, true),
    seconds: number('seconds', given.seconds ?? (quick ? '0.5' : '2'), 0.1, 60, false),
    warmup: quick ? 0.5 : 1,
    only: names('only', only, rivals),
    scenarios: names('scenario', scenario, scenarios),
    targetsOnly: quick && !named,
    out: out ?? (quick || named ? defaults.folders.part : defaults.folders.whole),
    node: node ?? defaults.node,
    help,
  };
};

/** What `--help` prints. */
export const usage = ({ rivals, scenarios }: Known): string =>
  `npm run bench:wire -- [OPTIONS]: whole servers over loopback, one core for the server, one for the load

  --quick            one round of half a second each, and only what the targets need: under two minutes
  --rounds N         how often every server is measured; the median counts (default 3)
  --seconds S        how long each time, after the warm-up (default 2)
  --only A,B         only these servers: ${rivals.join(', ')}
  --scenario A,B     only these: ${scenarios.join(', ')}
  --node PATH        the Node that runs the servers (default: this one)
  --out DIR          where the results go (default: bench/results, or dist/bench/results for a part of it all)
  --help             this`;
