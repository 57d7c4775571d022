// All commands by their verbs. Each takes an argument and gives replies; those that move data are in moving.ts.
import type { Stats } from 'node:fs';
import { of } from 'rxjs';
import { type Command, FEATURES, type Reply, UNREADABLE, quoted, reply, utf8Option } from './control.js';
import { type Place, extendedPortArgument, passiveAnswer, portArgument, sameHost } from './data.js';
import { inside } from './files.js';
import { chosenFacts, factsLine, longLine, nameLine, timeValue, withoutOptions } from './listings.js';
import { list, listHere, retrieve, store } from './moving.js';
import type { Answer, Client } from './session.js';

type Deed = (client: Client, argument: string) => Answer;

// ── about the session ───────────────────────────────────────────────────────────────────────────────────────────────

export const status = ({ address, user, type, transferring }: Client): Reply =>
  reply(
    211,
    'Status:',
    `${address}, logged in as ${user}`,
    `TYPE ${type}, STRU F, MODE S`,
    transferring ? 'A transfer is under way' : 'No transfer is under way',
    'End',
  );

const help = (verb: string): Reply => {
  if (verb === '') return reply(214, 'Commands:', Object.keys(deeds).join(' '), 'End');
  return Object.hasOwn(deeds, verb.toUpperCase()) ? reply(214, `${verb} is known`) : reply(502, 'No such command');
};

const options = (client: Client, argument: string): Reply => {
  const mlst = /^MLST(?: (.*))?$/i.exec(argument);
  if (mlst === null) return utf8Option(argument) ?? reply(501, 'No such option');
  client.facts = chosenFacts(mlst[1] ?? '');
  return reply(200, `MLST OPTS ${client.facts.map((name) => `${name};`).join('')}`);
};

const setType = (client: Client, argument: string): Reply => {
  if (!/^(?:a(?: n)?|i|l 8)$/i.test(argument)) return reply(504, 'TYPE is A or I');
  client.type = /^a/i.test(argument) ? 'A' : 'I';
  return reply(200, `TYPE is ${client.type}`);
};

/** MODE and STRU, of which there is one each. */
const only = (letter: string, argument: string): Reply =>
  argument.toUpperCase() === letter ? reply(200, `It is ${letter}`) : reply(504, `It is ${letter} and nothing else`);

const restart = (client: Client, argument: string): Reply => {
  if (!/^\d{1,15}$/.test(argument)) return reply(501, 'REST takes a number');
  client.restart = Number(argument);
  return reply(350, `The next transfer begins at ${client.restart}`);
};

// ── data connections ────────────────────────────────────────────────────────────────────────────────────────────────

const EXTENDED_ONLY = reply(501, 'You have said EPSV ALL');

const passive = async ({ data, extendedOnly }: Client): Promise<Reply> => {
  if (extendedOnly) return EXTENDED_ONLY;
  if (passiveAnswer(data.here, 0) === undefined) return reply(425, 'PASV is for IPv4: say EPSV');
  return reply(227, `Listening ${passiveAnswer(data.here, await data.passive())}`);
};

const extendedPassive = async (client: Client, argument: string): Promise<Reply> => {
  if (/^all$/i.test(argument)) {
    client.extendedOnly = true;
    return reply(200, 'EPSV and nothing else');
  }
  const family = client.data.here.includes(':') ? '2' : '1';
  if (argument !== '' && argument !== family) return reply(522, `Not that protocol, use (${family})`);
  return reply(229, `Listening (|||${await client.data.passive()}|)`);
};

const active = ({ data, extendedOnly }: Client, place: Place | undefined): Reply => {
  if (extendedOnly) return EXTENDED_ONLY;
  if (place === undefined) return reply(501, 'No such address');
  if (!sameHost(place.host, data.peer)) return reply(501, 'Data goes to your own address only');
  data.active(place);
  return reply(200, 'That is where data goes');
};

// ── folders and files ───────────────────────────────────────────────────────────────────────────────────────────────

const enter = async (client: Client, argument: string): Promise<Reply> => {
  const path = inside(client.cwd, argument);
  if (!(await client.files.stat(path)).isDirectory()) return reply(550, 'That is no folder');
  client.cwd = path;
  return reply(250, `You are in ${quoted(path)}`);
};

/** What is known of a plain file. */
const fact = async ({ cwd, files }: Client, argument: string, shown: (stats: Stats) => string): Promise<Reply> => {
  const stats = await files.stat(inside(cwd, argument));
  return stats.isFile() ? reply(213, shown(stats)) : reply(550, 'That is no plain file');
};

const facts = async ({ cwd, files, facts: chosen, writable }: Client, argument: string): Promise<Reply> => {
  const name = inside(cwd, argument);
  return reply(250, 'Facts:', factsLine({ name, stats: await files.stat(name) }, chosen, writable), 'End');
};

const makeFolder = async ({ cwd, files }: Client, argument: string): Promise<Reply> => {
  const path = inside(cwd, argument);
  await files.makeFolder(path);
  return reply(257, `${quoted(path)} is made`);
};

const removeFolder = async ({ cwd, files }: Client, argument: string): Promise<Reply> => {
  await files.removeFolder(inside(cwd, argument));
  return reply(250, 'Removed');
};

const remove = async ({ cwd, files }: Client, argument: string): Promise<Reply> => {
  await files.remove(inside(cwd, argument));
  return reply(250, 'Deleted');
};

const renameFrom = async (client: Client, argument: string): Promise<Reply> => {
  const path = inside(client.cwd, argument);
  if (!(await client.files.has(path))) return reply(550, 'No such file or folder');
  client.renamed = path;
  return reply(350, 'And its new name?');
};

const renameTo = async ({ cwd, files, renamed }: Client, argument: string): Promise<Reply> => {
  if (renamed === undefined) return reply(503, 'RNFR comes first');
  await files.rename(renamed, inside(cwd, argument));
  return reply(250, 'Renamed');
};

// ── the table ───────────────────────────────────────────────────────────────────────────────────────────────────────

const deeds: Readonly<Record<string, Deed>> = {
  QUIT: () => of(reply(221, 'Goodbye')),
  USER: () => of(reply(530, 'You are logged in')),
  PASS: () => of(reply(503, 'You are logged in')),
  NOOP: () => of(reply(200, 'Done')),
  SYST: () => of(reply(215, 'UNIX Type: L8')),
  FEAT: () => of(FEATURES),
  OPTS: (client, argument) => of(options(client, argument)),
  STAT: (client, argument) => (argument === '' ? of(status(client)) : listHere(client, withoutOptions(argument))),
  HELP: (_, argument) => of(help(argument)),
  ABOR: () => of(reply(226, 'Nothing is under way')),
  ALLO: () => of(reply(202, 'There is no need')),

  TYPE: (client, argument) => of(setType(client, argument)),
  MODE: (_, argument) => of(only('S', argument)),
  STRU: (_, argument) => of(only('F', argument)),
  REST: (client, argument) => of(restart(client, argument)),

  PASV: passive,
  EPSV: extendedPassive,
  PORT: (client, argument) => of(active(client, portArgument(argument))),
  EPRT: (client, argument) => of(active(client, extendedPortArgument(argument))),

  PWD: ({ cwd }) => of(reply(257, quoted(cwd))),
  CWD: enter,
  CDUP: (client) => enter(client, '..'),
  LIST: (client, argument) => list(client, withoutOptions(argument), (entry) => longLine(entry)),
  NLST: (client, argument) => list(client, withoutOptions(argument), (entry, folder) => nameLine(folder, entry)),
  MLSD: (client, argument) => list(client, argument, (entry) => factsLine(entry, client.facts, client.writable), true),
  MLST: facts,
  SIZE: (client, argument) =>
    client.type === 'A' ? of(reply(550, 'SIZE works with TYPE I')) : fact(client, argument, ({ size }) => String(size)),
  MDTM: (client, argument) => fact(client, argument, ({ mtime }) => timeValue(mtime)),
  RETR: retrieve,

  STOR: (client, argument) => store(client, argument, client.restart),
  APPE: (client, argument) => store(client, argument, 'end'),
  DELE: remove,
  MKD: makeFolder,
  RMD: removeFolder,
  RNFR: renameFrom,
  RNTO: renameTo,
};

/** Those that change something, those that make no sense without an argument, and those that use up what REST has said. */
const writing = new Set(['STOR', 'APPE', 'DELE', 'MKD', 'RMD', 'RNFR', 'RNTO']);
const demanding = new Set(['CWD', 'SIZE', 'MDTM', 'RETR', ...writing]);
const moving = new Set(['LIST', 'NLST', 'MLSD', 'RETR', 'STOR', 'APPE']);

export const perform = (client: Client, { verb, argument }: Command): Answer => {
  const deed = Object.hasOwn(deeds, verb) ? deeds[verb] : undefined;
  if (deed === undefined)
    return of(verb === UNREADABLE.verb ? reply(500, 'Not a command') : reply(502, 'No such command'));
  if (argument === '' && demanding.has(verb)) return of(reply(501, `${verb} takes a path`));
  if (writing.has(verb) && !client.writable) return of(reply(550, 'Reading only'));
  return deed(client, argument);
};

/** What a command was said for, once the next one is over: REST is for a transfer, RNFR for the very next command. */
export const forget = (client: Client, { verb }: Command): void => {
  if (moving.has(verb)) client.restart = 0;
  if (verb !== 'RNFR') client.renamed = undefined;
};
