// examples/resp, told as stories: what depends on time, and on who is there.
import * as assert from 'uvu/assert';
import { type RespOptions, respServer } from '../examples/resp/resp-server.js';
import type { Server } from '../src/server/index.js';
import { type Story, everySplit, marbles } from '../src/testing/index.js';
import { asked } from './kit/resp.js';
import { suite } from './kit/suite.js';

const test = suite('resp, told as stories', undefined, { timeout: 20_000 });

/** A store of the story. */
const store = ({ listen, start }: Pick<Story, 'listen' | 'start'>, options: RespOptions = {}): Server<Uint8Array> => {
  const server = respServer({ port: 7000, listen, ...options });
  start(server);
  return server;
};

/** Lines with their ends. */
const said = (...lines: readonly string[]): string => lines.map((line) => `${line}\r\n`).join('');

test(
  'a key is there until the moment at which it is over, and a time to live is told as it is left',
  everySplit((story) => {
    store(story);
    story.client('ann', '        a 997ms b-c--d', {
      a: said('SET k v PX 1000', 'SET n 1', 'EXPIRE n 10', 'GETEX k'),
      b: said('PTTL k', 'GET k'),
      c: said('PTTL k'),
      d: said('GET k', 'EXISTS k', 'PTTL k', 'TTL n', 'PERSIST n', 'TTL n'),
    });
    story.expectReceived('ann', 'a 997ms b-c--d', {
      a: said('+OK', '+OK', ':1', '$1', 'v'),
      b: said(':2', '$1', 'v'),
      c: said('$-1').replace('$-1', ':-2'),
      d: said('$-1', ':0', ':-2', ':9', ':1', ':-1'),
    });
    story.expectOpen('ann');
  }),
);

test(
  'keys that are over are let go of within a tenth of a second, though nobody asks for them',
  marbles((story) => {
    store(story);
    const sets = Array.from({ length: 1_000 }, (_, at) => said(`SET k${at} v PX 40`)).join('');
    story.client('ann', '       a 49ms b 99ms b', { a: sets + said('SET k v'), b: said('DBSIZE') });
    story.expectReceived('ann', 'a 49ms b 99ms c', { a: said('+OK').repeat(1_001), b: said(':1001'), c: said(':1') });
    story.expectOpen('ann');
  }),
);

test(
  'a transaction is not done when what it watches has changed, or is over, in between',
  everySplit((story) => {
    store(story);
    story.client('ann', '        a---b---c 99ms d', {
      a: said('SET k 1', 'WATCH k', 'MULTI', 'INCR k'),
      b: said('EXEC'),
      c: said('SET k 5 PX 50', 'WATCH k', 'MULTI', 'INCR k'),
      d: said('EXEC', 'GET k'),
    });
    story.client('bob', '        --a', { a: said('INCR k') });
    story.expectReceived('ann', 'a---b---c 99ms d', {
      a: said('+OK', '+OK', '+OK', '+QUEUED'),
      b: said('*-1'),
      c: said('+OK', '+OK', '+OK', '+QUEUED'),
      d: said('*-1', '$-1'),
    });
    story.expectReceived('bob', '--a', { a: said(':2') });
    for (const name of ['ann', 'bob']) story.expectOpen(name);
  }),
);

test(
  'what is published is heard in the same moment, by channel and by pattern, and not before or after',
  everySplit((story) => {
    store(story);
    story.client('ann', '        -a-------e-', { a: said('SUBSCRIBE news'), e: said('UNSUBSCRIBE news') });
    story.client('bob', '        -a---------', { a: said('PSUBSCRIBE n?ws') });
    story.client('cyd', '        p--p-p-p--p', { p: said('PUBLISH news hi') });
    const message = said('*3', '$7', 'message', '$4', 'news', '$2', 'hi');
    const match = said('*4', '$8', 'pmessage', '$4', 'n?ws', '$4', 'news', '$2', 'hi');
    story.expectReceived('ann', '-a-m-m-m-e-', {
      a: said('*3', '$9', 'subscribe', '$4', 'news', ':1'),
      m: message,
      e: said('*3', '$11', 'unsubscribe', '$4', 'news', ':0'),
    });
    story.expectReceived('bob', '-a-m-m-m--m', { a: said('*3', '$10', 'psubscribe', '$4', 'n?ws', ':1'), m: match });
    story.expectReceived('cyd', 'n--b-b-b--o', { n: said(':0'), b: said(':2'), o: said(':1') });
    for (const name of ['ann', 'bob', 'cyd']) story.expectOpen(name);
  }),
);

test(
  'who listens and does not read is disconnected when too much waits for him, and holds up nobody',
  marbles((story) => {
    store(story, { limited: { messages: 4 } });
    const large = 'x'.repeat(50_000);
    story.client('ann', '        a 40s -', { a: said('SUBSCRIBE c') });
    story.client('bob', '        a<', { a: said('SUBSCRIBE c') });
    story.client('cyd', '        --pppppppp-', { p: said(`PUBLISH c ${large}`) });
    story.expectReceived('ann', 'a-mmmmmmmm', {
      a: said('*3', '$9', 'subscribe', '$1', 'c', ':1'),
      m: said('*3', '$7', 'message', '$1', 'c', '$50000', large),
    });
    story.expectReceived('cyd', '--ppppppqq', { p: said(':2'), q: said(':1') });
    story.expectHeard('bob', said('*3', '$9', 'subscribe', '$1', 'c', ':1'));
    story.expectEnding('bob', 'PeerTooSlow');
    for (const name of ['ann', 'cyd']) story.expectOpen(name);
  }),
);

test(
  'QUIT is answered, and nothing after it',
  everySplit((story) => {
    store(story);
    story.client('ann', '        --a', { a: said('PING', 'QUIT', 'SET k v') });
    story.expectReceived('ann', '--(a|)', { a: said('+PONG', '+OK') });
    story.expectClosed('ann', '  --x', { x: 'finished' });
    story.client('bob', '        ----a', { a: said('EXISTS k') });
    story.expectReceived('bob', '----a', { a: said(':0') });
    story.expectOpen('bob');
  }),
);

test(
  'what is no request is answered, and the connection ended',
  everySplit((story) => {
    store(story);
    story.client('ann', '        --a', { a: `${said('PING')}*1\r\n:4\r\n${said('SET k v')}` });
    story.expectReceived('ann', '--(a|)', { a: said('+PONG', `-ERR Protocol error: expected '$', got ':'`) });
    story.expectClosed('ann', '  --x', { x: 'finished' });
    story.client('bob', '        --a', { a: said('PING "a') });
    story.expectReceived('bob', '--(a|)', { a: said('-ERR Protocol error: unbalanced quotes in request') });
    story.expectClosed('bob', '  --x', { x: 'finished' });
  }),
);

test(
  'HTTP is cut off before any command runs',
  everySplit((story) => {
    store(story);
    story.client('ann', '        a', { a: said('POST /x HTTP/1.1', 'Host: 127.0.0.1', '', 'SET k v') });
    story.expectReceived('ann', '|');
    story.expectClosed('ann', '  x', { x: 'CrossProtocolRequest' });
    story.client('bob', '        a', { a: said('GET / HTTP/1.1', 'Host: 127.0.0.1', 'SET k v') });
    story.expectReceived('bob', '(a|)', { a: said(`-ERR wrong number of arguments for 'get' command`) });
    story.expectClosed('bob', '  x', { x: 'CrossProtocolRequest' });
    story.client('cyd', '        -a', { a: said('EXISTS k') });
    story.expectReceived('cyd', '-a', { a: said(':0') });
    story.expectOpen('cyd');
  }),
);

test(
  'CLIENT KILL cuts off who is meant, and itself last',
  marbles((story) => {
    store(story);
    story.client('ann', '        a---b-----', { a: said('CLIENT SETNAME ann'), b: said('CLIENT KILL TYPE pubsub') });
    story.client('bob', '        -a', { a: said('SUBSCRIBE c') });
    story.client('cyd', '        -----b-c', {
      b: said('CLIENT KILL TYPE normal SKIPME yes'),
      c: said('CLIENT KILL cyd', 'SET k v'),
    });
    story.expectReceived('ann', 'a---b#', { a: said('+OK'), b: said(':1') });
    story.expectReceived('bob', '-a--#', { a: said('*3', '$9', 'subscribe', '$1', 'c', ':1') });
    story.expectReceived('cyd', '-----b-(c|)', { b: said(':1'), c: said('+OK') });
    story.expectClosed('ann', '-----x', { x: 'ConnectionAborted' });
    story.expectClosed('bob', '----x', { x: 'ConnectionAborted' });
    story.expectClosed('cyd', '-------x', { x: 'finished' });
  }),
);

test(
  'a request that never gets done is given up',
  marbles((story) => {
    store(story, { requestDeadline: 5_000 });
    story.client('ann', '        a 5s -', { a: '*2\r\n$3\r\nGET' });
    story.expectReceived('ann', '5s |');
    story.expectClosed('ann', '  5s x', { x: 'FrameTooSlow' });
    story.client('bob', '        6s a', { a: said('PING') });
    story.expectReceived('bob', '6s a', { a: said('+PONG') });
    story.expectOpen('bob');
  }),
);

test(
  'who asks for much and reads nothing is not read from, and given up; another is answered meanwhile',
  marbles((story) => {
    const server = store(story, { writeDeadline: 2_000 });
    const set = asked(['SET', 'k', 'x'.repeat(40_000)]).toString();
    const gets = asked(...Array.from({ length: 3_000 }, () => ['GET', 'k'])).toString();
    story.client('ann', '        <ab', { a: set, b: gets });
    story.expectEnding('ann', 'WriteStalled');
    story.expectHeard('ann', '');
    story.client('bob', '        1s a 4s -', { a: said('PING') });
    story.expectReceived('bob', '1s a', { a: said('+PONG') });
    story.expectOpen('bob');
    server.events.subscribe((event) => {
      if (event.type !== 'disconnected') return;
      // One answer, and what was under way: not three thousand.
      assert.ok(event.client.statistics.messagesIn < 10, `${event.client.statistics.messagesIn} were answered`);
    });
  }),
);

test.run();
