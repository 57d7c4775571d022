// What clients do to a server, and what can be seen of it from outside. The tests assert it, and bench/flow.ts prints it.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Report, ServerOptions } from './flow-server.js';

export const MB = 1024 * 1024;
const CHUNK = Buffer.alloc(64 * 1024, 0x61);

/** A server in a process of its own. */
export interface Server {
  readonly port: number;
  report(): Promise<Report>;
  /** Measures from here on. */
  begin(): Promise<void>;
  stop(): void;
}

export const startServer = async (options: ServerOptions): Promise<Server> => {
  const script = fileURLToPath(new URL('./flow-server.js', import.meta.url));
  const child: ChildProcess = fork(script, [JSON.stringify(options)], {
    execArgv: ['--conditions=sluice-unbundled', '--expose-gc', '--enable-source-maps'],
  });
  const [{ port }] = (await once(child, 'message')) as [{ readonly port: number }];
  const ask = async (what: 'report' | 'begin'): Promise<Report> => {
    child.send(what);
    const [answer] = (await once(child, 'message')) as [Report];
    return answer;
  };
  return {
    port,
    report: () => ask('report'),
    begin: async () => void (await ask('begin')),
    stop: () => void child.kill(),
  };
};

/** A client, by Node's own socket. */
export interface Client {
  readonly socket: Socket;
  /** Bytes that the system has taken from it so far, give or take a chunk. */
  readonly taken: number;
  readonly closed: boolean;
}

/** A client that sends `size` bytes as fast as it can, and then its end, and reads nothing. */
export const pushing = async (port: number, size: number): Promise<Client> => {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).pause();
  let closed = false;
  let left = size;
  socket.on('error', () => {}).on('close', () => (closed = true));
  const push = (): void => {
    while (left > 0 && !socket.destroyed) {
      left -= CHUNK.length;
      if (!socket.write(CHUNK)) return;
    }
    socket.end();
  };
  await once(socket, 'connect');
  socket.on('drain', push);
  push();
  return {
    socket,
    get taken() {
      return Math.max(0, socket.bytesWritten - socket.writableLength);
    },
    get closed() {
      return closed;
    },
  };
};

/** How long each of some requests of another client takes, in milliseconds. */
export const answersTo = async (port: number, count: number, apart: number): Promise<number[]> => {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  const took: number[] = [];
  for (let at = 0; at < count; at++) {
    const asked = performance.now();
    socket.write('request');
    for (let got = 0; got < 7;) got += ((await once(socket, 'data')) as [Buffer])[0].length;
    took.push(performance.now() - asked);
    await pause(apart);
  }
  socket.destroy();
  return took;
};

/** (a) A client pushes all it can at a handler that takes a millisecond for each KiB. */
export const flood = async (program: ServerOptions['program'], clients = 1, ms = 1_000) => {
  const server = await startServer({ program });
  try {
    const all = await Promise.all(Array.from({ length: clients }, () => pushing(server.port, 256 * MB)));
    await pause(ms);
    const taken = all.reduce((sum, client) => sum + client.taken, 0);
    const report = await server.report();
    for (const { socket } of all) socket.destroy();
    return { taken, ...report };
  } finally {
    server.stop();
  }
};

/** Sends `size` bytes to an echo and reads them again, so that it has what a server at work has. */
const warmUp = async (port: number, size: number): Promise<void> => {
  const { socket } = await pushing(port, size);
  let got = 0;
  await new Promise<void>((done) => {
    socket.on('data', (chunk: Buffer) => {
      if ((got += chunk.length) >= size) done();
    });
    socket.resume();
  });
  socket.destroy();
};

/** (b) Clients of an echo send all they can and never read, while another asks and is answered. */
export const silentReaders = async (clients: number, writeDeadline: number) => {
  const server = await startServer({ program: 'echo', writeDeadline });
  try {
    await warmUp(server.port, 48 * MB);
    await server.begin();
    const began = performance.now();
    const all = await Promise.all(Array.from({ length: clients }, () => pushing(server.port, 256 * MB)));
    const took = await answersTo(server.port, Math.floor(writeDeadline / 30), 10);
    const during = await server.report();
    while (all.some(({ closed }) => !closed) && performance.now() - began < 3 * writeDeadline) await pause(10);
    const closedAfter = performance.now() - began;
    await pause(20);
    const after = await server.report();
    const taken = all.reduce((sum, client) => sum + client.taken, 0);
    return { taken, took, during, after, closed: all.filter(({ closed }) => closed).length, closedAfter };
  } finally {
    server.stop();
  }
};

/** (c) A proxy whose far end reads nothing for a while, and then everything. */
export const stalledProxy = async (size: number) => {
  const accepted: Socket[] = [];
  const far = createServer({ pauseOnConnect: true }, (socket) => accepted.push(socket)).listen(0, '127.0.0.1');
  await once(far, 'listening');
  const server = await startServer({ program: 'proxy', far: (far.address() as AddressInfo).port });
  try {
    const near = await pushing(server.port, size);
    let taken = -1;
    for (let rounds = 0; taken !== near.taken && rounds < 20; rounds++) {
      taken = near.taken;
      await pause(300);
    }
    const stopped = near.taken === taken;
    const report = await server.report();
    let received = 0;
    for (const socket of accepted) {
      for await (const chunk of socket) received += (chunk as Buffer).length;
    }
    near.socket.destroy();
    return { stopped, taken, received, ...report };
  } finally {
    server.stop();
    far.close();
    for (const socket of accepted) socket.destroy();
  }
};

/** Requests in one go, while another client asks and is answered. */
export const pipeline = async (count: number) => {
  const server = await startServer({ program: 'requests' });
  try {
    const socket = connect(server.port, '127.0.0.1');
    let expected = 0;
    let wrong = 0;
    let rest = '';
    const began = performance.now();
    const all = new Promise<number>((done) => {
      socket.setEncoding('latin1').on('data', (text: string) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) if (Number(line) !== 1_000_000 + expected++) wrong++;
        if (expected >= count) done(performance.now() - began);
      });
    });
    socket.write(Array.from({ length: count }, (_, at) => 1_000_000 + at).join(''));
    const others = await answersTo(server.port, 20, 10);
    const took = await all;
    const report = await server.report();
    socket.destroy();
    return { took, wrong, others, ...report };
  } finally {
    server.stop();
  }
};
