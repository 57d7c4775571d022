import { isIP } from 'node:net';
import { parseArgs } from 'node:util';
import { filter } from 'rxjs';
import { aborted } from './aborting.js';
import { Misuse, print, wholeNumber } from './command-line.js';
import { eventLine } from './events.js';
import { type Spoken, chat, echo, proxy } from './protocols.js';
import { whileOpen } from './run-shell.js';
import { Servers } from './servers.js';

/** What is told of: not each message, and not each sign of life. */
const TOLD = new Set(['connected', 'disconnected', 'refused', 'accept-failed', 'handler-error', 'failed']);

const spokenAs = (word: 'echo' | 'chat' | 'proxy', words: readonly string[]): Spoken => {
  if (word !== 'proxy') {
    if (words.length > 0) throw new Misuse(`sluice ${word} takes no ${JSON.stringify(words[0])}`);
    return word === 'echo' ? echo : chat;
  }
  const [host, port, ...more] = words;
  if (host === undefined || port === undefined || more.length > 0) throw new Misuse('sluice proxy takes HOST PORT');
  return proxy(host, wholeNumber('PORT', port, 1, 65_535));
};

/** `npx sluice echo|chat|proxy`: one server, at once, until it is interrupted. */
export const runServer = (word: 'echo' | 'chat' | 'proxy', args: readonly string[]): Promise<number> => {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      port: { type: 'string', default: '7000' },
      host: { type: 'string', default: '127.0.0.1' },
      socket: { type: 'string' },
    },
  });
  if (isIP(values.host) === 0) throw new Misuse(`--host must be an address, got ${JSON.stringify(values.host)}`);
  const settings = {
    ip: values.host,
    port: wholeNumber('--port', values.port, 0, 65_535),
    spoken: spokenAs(word, positionals),
  };
  const servers = new Servers();
  const server = servers.make(word);
  server.change(settings);
  return whileOpen(servers, values.socket, async (_, { asked }) => {
    await server.start();
    print(`listening on ${server.server.address?.name}`);
    const telling = servers.events
      .pipe(filter(({ type }) => TOLD.has(type)))
      .subscribe((event) => print(eventLine(event, new Date())));
    await aborted(asked);
    telling.unsubscribe();
    return 0;
  });
};
