import type { Asked } from '../../src/cli/row.js';
import { Servers } from '../../src/cli/servers.js';
import { Session } from '../../src/cli/session.js';
import type { PlainClient } from '../../src/testing/plain-client.js';
import { client } from './program.js';

/** A shell without a terminal, and clients of its servers. */
export class ShellRig {
  readonly servers = new Servers();
  readonly session = new Session(this.servers);
  asked: Asked | undefined;

  /** Runs lines, and gives what the last of them said. Rejects at the first that fails. */
  async run(...lines: readonly string[]): Promise<string> {
    let said: string[] = [];
    for (const line of lines) {
      said = [];
      const print = (text: string): void => void said.push(text);
      this.asked = await this.session.run(line, { print, full: () => false, signal: this.stop.signal });
    }
    return said.join('\n');
  }

  /** Stops what runs until it is stopped. */
  stop = new AbortController();

  /** What is wrong with a line. */
  async complaint(line: string): Promise<string> {
    try {
      await this.run(line);
    } catch (error) {
      return (error as Error).message;
    }
    return 'nothing is wrong';
  }

  /** A server of this name on a free port, which speaks this. */
  async serve(name: string, protocol = 'echo'): Promise<number> {
    const at = `config tcp-server ${name}`;
    await this.run(`${at} 127.0.0.1 0`, `${at} protocol ${protocol}`, `${at} start`);
    return this.port(name);
  }

  port(name: string): number {
    return this.servers.get(name).server.address?.port as number;
  }

  /** A plain client of a server, once it is one of its clients. */
  async dial(name: string): Promise<{ readonly plain: PlainClient; readonly address: string }> {
    const plain = await client(this.port(name));
    const address = `127.0.0.1:${plain.socket.localPort}`;
    await this.until(() => this.servers.get(name).server.clients.at(address) !== undefined);
    return { plain, address };
  }

  /** Waits until something is so. */
  async until(so: () => boolean): Promise<void> {
    while (!so()) await new Promise((done) => void setTimeout(done, 2));
  }

  async close(): Promise<void> {
    this.stop.abort();
    await Promise.all([...this.servers].map(({ server }) => server.abort()));
  }
}
