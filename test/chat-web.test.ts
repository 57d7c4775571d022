// The page of the chat in a real browser, while somebody else sits at a terminal. The browser is driven over its own
// DevTools protocol, which is messages over a WebSocket.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { WebSocket } from 'ws';
import { type Program, client, example, installed, portOf, start } from './kit/program.js';
import { suite } from './kit/suite.js';
import { dialled } from './kit/websocket-peer.js';

const test = suite('the chat in a browser', undefined, { timeout: 60_000 });

/** A page in a browser without a window. */
class Page {
  readonly #socket: WebSocket;
  readonly #answers = new Map<number, (answer: { readonly result?: { readonly value?: unknown } }) => void>();
  /** What is asked for to close the tab. */
  readonly #closing: string;
  #asked = 0;

  constructor(socket: WebSocket, closing: string) {
    this.#socket = socket;
    this.#closing = closing;
    socket.on('message', (message) => {
      const { id, result } = JSON.parse((message as Buffer).toString()) as {
        id?: number;
        result?: { result?: object };
      };
      if (id !== undefined) this.#answers.get(id)?.(result as never);
    });
  }

  /** What an expression is in the page. */
  async value(expression: string): Promise<unknown> {
    const id = ++this.#asked;
    const answered = new Promise<{ readonly result?: { readonly value?: unknown } }>((resolve) => {
      this.#answers.set(id, resolve);
    });
    const params = { expression, returnByValue: true };
    this.#socket.send(JSON.stringify({ id, method: 'Runtime.evaluate', params }));
    return (await answered).result?.value;
  }

  /** Waits until what is said in the page matches. */
  async hears(pattern: RegExp): Promise<void> {
    for (;;) {
      const text = String(await this.value("document.getElementById('said')?.textContent"));
      if (pattern.test(text)) return;
      await new Promise((resolve) => {
        setTimeout(resolve, 50);
      });
    }
  }

  /** Types a line, and Enter. */
  async says(line: string): Promise<void> {
    await this.value(`document.forms[0].line.value = ${JSON.stringify(line)}; document.forms[0].requestSubmit()`);
  }

  /** Closes the tab. */
  async close(): Promise<void> {
    this.#socket.terminate();
    await fetch(this.#closing);
  }
}

const browser = (directory: string): Program =>
  start('chromium', [
    ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
    ...['--disable-background-networking', '--disable-component-update', '--disable-dev-shm-usage'],
    ...['--remote-debugging-port=0', `--user-data-dir=${directory}`, 'about:blank'],
  ]);

const pageAt = async (devTools: string, url: string): Promise<Page> => {
  const { host } = new URL(devTools);
  const opened = await fetch(`http://${host}/json/new?${encodeURIComponent(url)}`, { method: 'PUT' });
  const { id, webSocketDebuggerUrl: tab } = (await opened.json()) as { readonly [key: string]: string };
  return new Page(await dialled(tab as string, []), `http://${host}/json/close/${id}`);
};

const inTheBrowser = async (): Promise<void> => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-browser-'));
  const chat = example('chat', '--port', '0', '--web', '0', '--drain', '1000');
  const chromium = browser(directory);
  try {
    const port = await portOf(chat);
    const [, web = ''] = await chat.printed(/^or open (http:\S+)$/m);
    const [, devTools = ''] = await chromium.printed(/DevTools listening on (ws:\S+)/);
    const ann = await client(port);
    ann.send('/nick ann\n');
    await ann.heard(/you are now ann/);
    const bob = await pageAt(devTools, web);
    await bob.hears(/welcome, 127\.0\.0\.1:\d+; 1 others are here/);
    await bob.says('/nick Bób');
    await ann.heard(/is now Bób\n/);
    await bob.says('hello from a browser 🙂');
    await ann.heard(/Bób: hello from a browser 🙂\n/);
    ann.send('hello from a terminal, ünd more\n');
    await bob.hears(/ann: hello from a terminal, ünd more/);
    assert.is(await bob.value('document.title'), 'chat');
    const cyd = await pageAt(devTools, web);
    await cyd.hears(/welcome/);
    await ann.heard(/has joined\n[^]*has joined\n/);
    await cyd.close();
    await ann.heard(/has left\n/);
    chat.signal('SIGINT');
    await bob.hears(/the server is stopping, goodbye[^]*the connection is closed/);
    await chat.printed(/drained in \d+ ms: \d ended/);
    await bob.close();
    assert.is(await chat.exited, 0);
  } finally {
    chromium.signal('SIGKILL');
    chat.signal('SIGKILL');
    await chromium.exited;
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  }
};

if (installed('chromium')) test('it talks with a terminal, and is told goodbye', inTheBrowser);
else test.skip('it talks with a terminal, and is told goodbye (chromium is not installed)', () => {});

test.run();
