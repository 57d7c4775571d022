// Thousands of clients that come and go at random, while somebody plays with every control of the server: afterwards the
// registry, the counters and the open handles are exactly right, and whoever was left in peace has lost nothing.
import { type Socket, connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { map } from 'rxjs';
import * as assert from 'uvu/assert';
import { protocol } from '../../operators/index.js';
import { line, text } from '../../src/index.js';
import { type Client, type Server, type ServerEvent, createServer } from '../../src/server/index.js';
import { dice } from '../../src/testing/dice.js';
import { assertNoLeaks } from '../../src/testing/leaks.js';
import { suite } from '../kit/suite.js';
import { waiting } from '../kit/waiting.js';

/** How long the crowd comes and goes, in seconds. Shorter on a machine that is known to be slow. */
const SECONDS = Number(process.env['CROWD_SECONDS'] ?? (process.env['CI'] === undefined ? 20 : 10));
const CLIENTS = 5_000;

const test = suite('a crowd', undefined, { timeout: (SECONDS + 60) * 1_000 });
const roll = dice(5);

const crowded = protocol<string>({
  name: 'crowded',
  framing: line({ maxBytes: 100 }),
  message: text,
  frameDeadline: 0,
  session: (said, peer) =>
    said.pipe(
      map((word) => {
        if (word.startsWith('/room ')) peer.enter(word.slice(6));
        else if (word.startsWith('/name ')) peer.name = word.slice(6);
        return word;
      }),
    ),
});

/** What a client has gone through. */
interface Visit {
  said: number;
  heard: number;
  /** What came was not what it said, in that order. */
  wrong: boolean;
  /** Left to itself: it ended in order, and was not cut. */
  inPeace: boolean;
}

/** One client: comes, says something now and then, and leaves in one way or another. */
const visit = (port: number, number: number): Promise<Visit> =>
  new Promise((done) => {
    const seen: Visit = { said: 0, heard: 0, wrong: false, inPeace: false };
    const rude = roll(4) === 0;
    const socket: Socket = connect({ port, host: '127.0.0.1', localAddress: `127.0.0.${1 + (number % 40)}` });
    let rest = '';
    let refused = false;
    let left = 1 + roll(4);
    let next: NodeJS.Timeout | undefined;
    const say = (): void => {
      if (socket.destroyed || socket.writableEnded) return;
      if (left-- === 0) return leave();
      socket.write(roll(5) === 0 ? `/room ${roll(50)}\n` : `${++seen.said}\n`);
      next = setTimeout(say, 50 + roll(400));
    };
    const leave = (): void => {
      if (rude) socket.resetAndDestroy();
      else socket.end();
    };
    socket
      .on('connect', say)
      .on('data', (chunk: Buffer) => {
        const all = (rest + chunk.toString()).split('\n');
        rest = all.pop() as string;
        for (const word of all) {
          if (word === 'full') refused = true;
          if (/^\d+$/.test(word) && Number(word) !== ++seen.heard) seen.wrong = true;
        }
      })
      .on('end', () => {
        seen.inPeace = !rude && !refused && left < 0;
      })
      .on('error', () => {
        seen.inPeace = false;
      })
      .on('close', (broken) => {
        clearTimeout(next);
        if (broken) seen.inPeace = false;
        done(seen);
      });
  });

/** A client of those that are there. */
const anyOf = (server: Server<string>): Client | undefined => {
  let skip = roll(Math.max(1, server.clients.count));
  for (const client of server.clients) if (skip-- === 0) return client;
  return undefined;
};

/** What somebody may do to a server that runs. */
const deeds: readonly ((server: Server<string>, touched: Set<Client>) => void)[] = [
  (server) => server.pauseListening(),
  (server) => server.resumeListening(),
  (server) => server.pauseAccepting(),
  (server) => server.resumeAccepting(),
  (server) => server.setLimits({ maxConnections: 1 + roll(CLIENTS) }),
  (server) => server.setLimits({ maxConnections: 2 * CLIENTS, acceptRate: Infinity, maxPerAddress: Infinity }),
  (server) => server.setLimits({ acceptRate: 200 + roll(2_000) }),
  (server) => server.setLimits({ maxPerAddress: 20 + roll(200) }),
  (server) => server.setLimits({ whenFull: (['wait', 'refuse', 'close-idlest'] as const)[roll(3)] ?? 'wait' }),
  (server) => server.rules.deny(`127.0.0.${1 + roll(40)}`),
  (server) => {
    for (const { cidr } of server.rules.list) server.rules.forget(cidr);
  },
  (server) => void server.broadcast('to all'),
  (server) => void server.broadcast('to a room', { to: String(roll(50)), policy: 'drop-newest' }),
  (server) => {
    const client = anyOf(server);
    if (client !== undefined) server.send(client, 'to you');
  },
  (server) => {
    const client = anyOf(server);
    if (client !== undefined) server.pauseListening(client);
  },
  (server) => {
    for (const client of server.clients) server.resumeListening(client);
  },
  (server, touched) => {
    const client = anyOf(server);
    if (client === undefined) return;
    touched.add(client);
    server.disconnect(client, { reason: 'by chance', flush: roll(2) === 0 });
  },
  (server) => void server.statistics,
  (server) => anyOf(server)?.snapshot(),
];

test(
  `${CLIENTS} clients come and go for ${SECONDS} s while the server is steered`,
  assertNoLeaks(async () => {
    const counts = new Map<string, number>();
    const count = (what: string): number => counts.set(what, (counts.get(what) ?? 0) + 1).size;
    const moved = { bytesIn: 0, bytesOut: 0, messagesIn: 0, messagesOut: 0 };
    const byChance = new Set<Client>();
    const touched = new Set<Client>();
    const server = createServer('crowd', crowded, { port: 0, backlog: 4_096, farewell: 'full' });
    server.events.subscribe((event: ServerEvent) => {
      count(event.type);
      if (event.type !== 'disconnected') return;
      if (event.reason === 'by chance') byChance.add(event.client);
      else if (event.reason === 'made room for another') count('made room');
      const { statistics } = event.client;
      moved.bytesIn += statistics.bytesIn;
      moved.bytesOut += statistics.bytesOut;
      moved.messagesIn += statistics.messagesIn;
      moved.messagesOut += statistics.messagesOut;
    });
    server.clients.changes.subscribe(({ type }) => count(type));
    server.state.subscribe(() => count('state'));
    const alarms: string[] = [];
    server.alarms({ clients: 100, messagesIn: 100 }).subscribe(({ what, type }) => alarms.push(`${what} ${type}`));

    const { port } = await server.start();
    const crowding = { over: false };
    const visits: Visit[] = [];
    const crowd = Promise.all(
      Array.from({ length: CLIENTS }, async (_, number) => {
        await wait(roll(3_000));
        while (!crowding.over) {
          visits.push(await visit(port as number, number));
          await wait(roll(2_000));
        }
      }),
    );
    const until = performance.now() + SECONDS * 1_000;
    while (performance.now() < until) {
      deeds[roll(deeds.length)]?.(server, touched);
      assert.is([...server.clients].length, server.clients.count);
      await wait(5 + roll(30));
    }
    crowding.over = true;
    server.resumeAccepting();
    server.resumeListening();
    for (const client of server.clients) server.resumeListening(client);
    server.setLimits({ maxConnections: 2 * CLIENTS, acceptRate: Infinity, maxPerAddress: Infinity });
    await crowd;
    while (server.clients.count > 0) await wait(5);

    const of = (what: string): number => counts.get(what) ?? 0;
    const { accepted, refused, dialled, clients, buffered, handlerErrors, ...totals } = server.statistics;
    console.log(
      `${visits.length} visits, ${accepted} accepted, ${refused} refused, ${byChance.size} disconnected, most at once ${totals.mostClients}`,
    );
    assert.ok(accepted > CLIENTS && refused > 0 && byChance.size > 0);
    assert.equal([clients, dialled, buffered, handlerErrors], [0, 0, 0, 0]);
    assert.equal([of('connected'), of('disconnected'), of('joined'), of('left')], Array(4).fill(accepted));
    assert.is(of('refused'), refused);
    assert.is(of('message'), totals.messagesIn + totals.messagesOut);
    const { bytesIn, bytesOut, messagesIn, messagesOut } = totals;
    assert.equal({ bytesIn, bytesOut, messagesIn, messagesOut }, moved);
    for (const client of byChance) assert.ok(touched.has(client));
    assert.equal(
      [[...server.clients], [...server.clients.rooms], server.clients.at(`127.0.0.1:${port}`)],
      [[], [], undefined],
    );

    const peaceful = visits.filter(({ inPeace }) => inPeace);
    assert.ok(peaceful.length > visits.length / 4, `${peaceful.length} of ${visits.length} were left in peace`);
    const robbed = peaceful.filter(({ said, heard }) => said !== heard).length;
    const sentAway = byChance.size + of('made room');
    assert.ok(robbed <= sentAway, `${robbed} did not hear all that they said, and ${sentAway} were sent away`);
    assert.not.ok(
      visits.some(({ wrong }) => wrong),
      'everybody hears what he said, in order',
    );

    // Nobody is counted any more, at no address.
    server.setLimits({ maxPerAddress: 1, maxConnections: 1 });
    for (const { cidr } of server.rules.list) server.rules.forget(cidr);
    const last = await Promise.all(Array.from({ length: 3 }, (_, number) => visit(port as number, number)));
    assert.is(last.length, 3);

    await server.stop();
    assert.ok(alarms.includes('clients raised') && alarms.at(-1)?.endsWith('cleared'), alarms.join());
    assert.is(waiting(), 0, 'nobody waits for a moment any more');
  }),
);

test.run();
