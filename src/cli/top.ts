import { emitKeypressEvents } from 'node:readline';
import type { ReadStream, WriteStream } from 'node:tty';
import { setTimeout } from 'node:timers/promises';
import type { Shell } from './shell.js';
import { type ClientShown, type ServerShown, clientFlags, serverFlags } from './snapshot.js';
import { lasting, plain, short, tableOf } from './table.js';

/** One way to sort: by what, and the key that asks for it. */
interface Sorting {
  readonly key: string;
  readonly name: string;
  readonly by: (client: ClientShown) => number;
}

const SORTINGS: readonly Sorting[] = [
  { key: 'i', name: 'in', by: ({ statistics }) => statistics.rates.bytesIn.s1 },
  { key: 'o', name: 'out', by: ({ statistics }) => statistics.rates.bytesOut.s1 },
  { key: 'm', name: 'messages', by: ({ statistics: { rates } }) => rates.messagesIn.s1 + rates.messagesOut.s1 },
  { key: 'b', name: 'buffered', by: ({ statistics }) => statistics.buffered },
  { key: 'd', name: 'dropped', by: ({ statistics }) => statistics.dropped },
  { key: 'a', name: 'age', by: ({ statistics }) => -statistics.connectedSince },
];

const COLUMNS = [
  { title: 'id', right: true },
  { title: 'server' },
  { title: 'address' },
  { title: 'name' },
  { title: 'in/s', right: true },
  { title: 'out/s', right: true },
  { title: 'msg in/s', right: true },
  { title: 'msg out/s', right: true },
  { title: 'buffered', right: true },
  { title: 'dropped', right: true },
  { title: 'age', right: true },
  { title: 'state' },
];

/** What there is at one moment. */
export interface Moment {
  readonly servers: readonly ServerShown[];
  readonly clients: readonly ClientShown[];
}

const headOf = ({ name, address, state, statistics }: ServerShown): string => {
  const { clients, bytesIn, bytesOut, dropped } = statistics;
  const moved = `bytes in ${short(bytesIn)}  out ${short(bytesOut)}  dropped ${short(dropped)}`;
  return plain(`${name}  ${address}  ${serverFlags(state)}  clients ${clients}  ${moved}`);
};

const rowOf = (client: ClientShown, now: number): readonly string[] => {
  const { rates, buffered, dropped, connectedSince } = client.statistics;
  return [
    String(client.id),
    client.server,
    client.address,
    client.name === client.address ? '' : client.name,
    short(rates.bytesIn.s1),
    short(rates.bytesOut.s1),
    short(rates.messagesIn.s1),
    short(rates.messagesOut.s1),
    short(buffered),
    short(dropped),
    lasting(now - connectedSince),
    clientFlags(client),
  ];
};

/** The table at one moment: a line for each server, and for each client as far as `most` lines go. */
const tableAt = ({ servers, clients }: Moment, { by }: Sorting, most = Infinity): readonly string[] => {
  const now = Date.now();
  const sorted = clients.toSorted((a, b) => by(b) - by(a) || a.id - b.id);
  const rows = sorted.slice(0, Math.max(0, most - servers.length - 2)).map((client) => rowOf(client, now));
  return [...servers.map(headOf), '', ...tableOf(COLUMNS, rows)].slice(0, most);
};

/** What the keys do, and which of them was pressed last. */
const keysLine = (sorting: Sorting): string => {
  const keys = SORTINGS.map((one) => (one === sorting ? `[${one.key} ${one.name}]` : `${one.key} ${one.name}`));
  return `sorted by ${keys.join('  ')}  q quits`;
};

/** Asks a shell for what there is. */
const momentOf = async (shell: Shell, signal: AbortSignal): Promise<Moment> => {
  const ask = async (line: string): Promise<unknown> => {
    let text = '';
    const print = (more: string): void => {
      text += more;
    };
    await shell.run(line, { print, full: () => false, signal });
    return JSON.parse(text);
  };
  return {
    servers: (await ask('show tcp-server --json')) as readonly ServerShown[],
    clients: (await ask('show clients --json')) as readonly ClientShown[],
  };
};

/** The table once, as plain lines. */
export const topOnce = async (shell: Shell, signal: AbortSignal): Promise<readonly string[]> =>
  tableAt(await momentOf(shell, signal), SORTINGS[0] as Sorting);

/** Where the live table is shown. */
export interface TopOptions {
  readonly input: ReadStream;
  readonly output: WriteStream;
  /** How often it is drawn again. */
  readonly seconds: number;
  readonly signal: AbortSignal;
}

const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';

/** Draws over what is there, line by line, so that nothing flickers. */
const drawing = (lines: readonly string[], width: number): string =>
  `\u001b[H${lines.map((line) => `${line.slice(0, width)}\u001b[K`).join('\r\n')}\u001b[J`;

/**
 * The live table, on the terminal's other screen, until `q`, Ctrl-C or the signal: a key sorts it by another column.
 * Leaves the terminal as it was.
 */
export const topScreen = async (shell: Shell, { input, output, seconds, signal }: TopOptions): Promise<void> => {
  const quit = new AbortController();
  const ended = AbortSignal.any([quit.signal, signal, shell.over]);
  let sorting = SORTINGS[0] as Sorting;
  let moment: Moment = { servers: [], clients: [] };
  const draw = (): void => {
    if (ended.aborted) return;
    const lines = [...tableAt(moment, sorting, output.rows - 1), keysLine(sorting)];
    output.write(drawing(lines, output.columns));
  };
  const pressed = (text: string | undefined, key: { readonly name?: string; readonly ctrl?: boolean }): void => {
    if (text === 'q' || key.name === 'escape' || (key.ctrl === true && (key.name === 'c' || key.name === 'd')))
      return quit.abort();
    sorting = SORTINGS.find((one) => one.key === text) ?? sorting;
    draw();
  };
  emitKeypressEvents(input);
  input.setRawMode(true);
  input.on('keypress', pressed).resume();
  output.on('resize', draw);
  output.write(ENTER);
  try {
    while (!ended.aborted) {
      moment = await momentOf(shell, ended);
      draw();
      await setTimeout(seconds * 1000, undefined, { signal: ended }).catch(() => {});
    }
  } finally {
    output.off('resize', draw).write(LEAVE);
    input.off('keypress', pressed).pause();
    input.setRawMode(false);
  }
};
