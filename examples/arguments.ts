import { parseArgs } from 'node:util';

/** What each option is when it is not given: its type is taken from it. */
type Defaults = Record<string, string | number | boolean>;

const kebab = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** `--drain -1` as `--drain=-1`: apart, the two would be options, and the negative number an unknown one. */
const joined = (given: readonly string[]): string[] =>
  given.flatMap((word, index) => {
    if (/^-\d/.test(word) && given[index - 1]?.startsWith('--')) return [];
    const next = given[index + 1] ?? '';
    return word.startsWith('--') && /^-\d/.test(next) ? [`${word}=${next}`] : [word];
  });

/**
 * The command line of an example: `--port 7000`, `--host 127.0.0.1`, ... with defaults, `--help`, and one clear line
 * and exit code 2 for what it does not understand.
 */
export const commandLine = <A extends Defaults>(usage: string, defaults: A): A => {
  const names = Object.keys(defaults);
  const fail = (reason: string): never => {
    console.error(`${reason}\n${usage}`);
    return process.exit(2);
  };
  const parse = (): Record<string, unknown> => {
    try {
      const options = Object.fromEntries(
        names.map((name) => [
          kebab(name),
          { type: typeof defaults[name] === 'boolean' ? 'boolean' : 'string' } as const,
        ]),
      );
      return parseArgs({
        args: joined(process.argv.slice(2)),
        options: { ...options, help: { type: 'boolean', short: 'h' } },
      }).values;
    } catch (error) {
      return fail(error instanceof Error ? error.message : String(error));
    }
  };

  const given = parse();
  if (given['help'] === true) {
    console.log(usage);
    console.log(names.map((name) => `  --${kebab(name)} (default ${JSON.stringify(defaults[name])})`).join('\n'));
    process.exit(0);
  }
  const values = names.map((name) => {
    const value = given[kebab(name)] ?? defaults[name];
    if (typeof defaults[name] !== 'number') return [name, value];
    const number = Number(value);
    const most = name.toLowerCase().endsWith('port') ? 65_535 : 1_000_000_000;
    if (value !== '' && Number.isInteger(number) && number >= 0 && number <= most) return [name, number];
    return fail(`--${kebab(name)} takes a whole number from 0 to ${most}, got ${JSON.stringify(value)}`);
  });
  return Object.fromEntries(values) as A;
};
