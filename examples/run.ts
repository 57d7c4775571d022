// npm run example -- NAME [options]: runs examples/NAME.ts, or examples/NAME/main.ts. Without a name, or with --help, it lists them.
import { existsSync } from 'node:fs';

const examples: Record<string, string> = {
  echo: 'three lines: what comes goes back',
  chat: 'the main job: a chat for nc, with names and graceful shutdown',
  lobby: 'the chat as a server to steer: it prints what happens, and takes commands',
  calculator: 'length-prefixed JSON, checked by io-ts',
  students: 'a fixed-size C struct, answered by a struct',
  pingpong: 'a server that shows one after another, or all at once',
  'pingpong-client': 'its client: ten pings each',
  broadcast: 'what one says goes to all others',
  'broadcast-client': 'its client: a pid and a text each second',
  proxy: 'to another host and port, or several, with backpressure through it',
  heartbeat: 'keep-alives at 10 s, a hold time of 15 s',
  people: 'Protocol Buffers over varint frames',
  resp: 'a small store that Redis clients take for Redis',
  ftp: 'files, for every FTP client',
  mqtt: 'an MQTT 3.1.1 broker',
  bgp: 'a BGP speaker: sessions with hold times and keep-alives, up to Established',
};

const [name, ...rest] = process.argv.slice(2);
const file = [`./${name}.js`, `./${name}/main.js`]
  .map((path) => new URL(path, import.meta.url))
  .find((url) => existsSync(url));

if (name !== undefined && Object.hasOwn(examples, name) && file !== undefined) {
  process.argv.splice(2, process.argv.length - 2, ...rest);
  await import(file.href);
} else {
  const asked = name === undefined || name === '--help' || name === '-h';
  const list = Object.entries(examples).map(([key, what]) => `  ${key.padEnd(18)}${what}`);
  const text = ['npm run example -- NAME [--port N ...]', ...list, 'npm run example -- NAME --help lists its options.'];
  if (asked) console.log(text.join('\n'));
  else console.error([`there is no example ${JSON.stringify(name)}`, ...text].join('\n'));
  process.exitCode = asked ? 0 : 2;
}
