// FTP's times, told as stories: silence, a port that nobody uses, passwords that are wrong.
import { stat } from 'node:fs/promises';
import { Observable } from 'rxjs';
import * as assert from 'uvu/assert';
import { Files } from '../examples/ftp/files.js';
import { type FtpOptions, ftp } from '../examples/ftp/protocol.js';
import type { Connection, ListenOptions } from '../src/index.js';
import { everySplit, marbles } from '../src/testing/index.js';
import { suite } from './kit/suite.js';

const test = suite('ftp stories', undefined, { timeout: 20_000 });

const files = await Files.at(import.meta.dirname);
const options: FtpOptions = { files, accounts: { user: 'ann', password: 's3cret' } };

const hello = '220 sluice FTP server ready\r\n';
const login = 'USER ann\r\nPASS s3cret\r\n';
const welcome = '331 Password, please\r\n230 Logged in\r\n';
const late = '421 You were silent for too long\r\n';

/** Ports that nobody opens: how many are open, and have ever been. */
const ports = () => {
  const seen = { open: 0, opened: 0 };
  const listen = ({ onListening }: ListenOptions): Observable<Connection> =>
    new Observable(() => {
      seen.open++;
      seen.opened++;
      onListening?.({ name: '127.0.0.1:50000', host: '127.0.0.1', port: 50_000, path: undefined });
      return () => {
        seen.open--;
      };
    });
  return { seen, listen };
};

test(
  'a client who is silent for five minutes is told so, and let go',
  everySplit(({ serve, client, expectReceived, expectClosed }) => {
    serve(ftp(options));
    client('ann', '        -a 60s b', { a: login, b: 'NOOP\r\n' });
    expectReceived('ann', 'ha 60s b 299999ms (l|)', { h: hello, a: welcome, b: '200 Done\r\n', l: late });
    expectClosed('ann', '  -- 60s - 299999ms x', { x: 'finished' });
  }),
);

test(
  'a byte now and then is no command',
  marbles(({ serve, client, expectReceived, expectClosed }) => {
    serve(ftp({ ...options, idle: 10_000 }));
    client('ann', `        -a${' 999ms x'.repeat(20)}`, { a: login });
    expectReceived('ann', 'ha 9999ms (l|)', { h: hello, a: welcome, l: late });
    expectClosed('ann', '  -- 9999ms x', { x: 'finished' });
  }),
);

test('a port that nobody uses is closed after half a minute, and what would have used it is told', async () => {
  const { seen, listen } = ports();
  await marbles(async ({ serve, client, pass, expectReceived, expectClosed }) => {
    serve(ftp({ ...options, data: { listen } }));
    client('ann', '        -ae 29998ms - 1s r-|', { a: login, e: 'EPSV\r\n', r: 'LIST\r\nQUIT\r\n' });
    expectReceived('ann', 'hae 29998ms - 1s (r|)', {
      h: hello,
      a: welcome,
      e: '229 Listening (|||50000|)\r\n',
      r: '425 Say PASV, EPSV, PORT or EPRT first\r\n221 Goodbye\r\n',
    });
    expectClosed('ann', '  --- 29998ms - 1s --x', { x: 'finished' });
    await pass('30001ms');
    assert.is(seen.open, 1);
    await pass('2ms');
    assert.is(seen.open, 0);
  })();
  assert.equal(seen, { open: 0, opened: 1 });
});

test('sixty ports that nobody uses are one at a time, and none is left when the client goes', async () => {
  const { seen, listen } = ports();
  let most = 0;
  const counting = (given: ListenOptions): Observable<Connection> =>
    new Observable((out) => {
      const open = listen(given).subscribe(out);
      most = Math.max(most, seen.open);
      return open;
    });
  await marbles(({ serve, client, expectReceived, expectClosed }) => {
    serve(ftp({ ...options, data: { listen: counting } }));
    client('ann', '        -ap-|', { a: login, p: 'EPSV\r\n'.repeat(60) });
    expectReceived('ann', 'hap-|', { h: hello, a: welcome, p: '229 Listening (|||50000|)\r\n'.repeat(60) });
    expectClosed('ann', '  ----x', { x: 'finished' });
  })();
  assert.is(most, 1);
  assert.equal(seen, { open: 0, opened: 60 });
});

/** A world with one file in it, of which nothing is on a disk. */
const stats = await stat(import.meta.filename);
const paper = {
  stat: () => Promise.resolve(stats),
  async *list() {
    yield await Promise.resolve({ name: 'a', stats });
  },
} as unknown as Files;

const listening = '229 Listening (|||50000|)\r\n';
const announced = '150 Data connection for the list of /\r\n';

test(
  'a transfer whose data connection does not come is given up; meanwhile no silence is counted',
  everySplit(({ serve, client, expectReceived, expectClosed }) => {
    serve(ftp({ ...options, files: paper, idle: 20_000, data: ports() }));
    client('ann', '        -ael', { a: login, e: 'EPSV\r\n', l: 'LIST\r\n' });
    expectReceived('ann', 'hael 29999ms u 19999ms (t|)', {
      h: hello,
      a: welcome,
      e: listening,
      l: announced,
      u: '425 The data connection did not come\r\n',
      t: late,
    });
    expectClosed('ann', '  ---- 29999ms - 19999ms x', { x: 'finished' });
  }),
);

test('a transfer is aborted: ABOR overtakes it, STAT is answered at once, and what comes behind in its turn', async () => {
  const { seen, listen } = ports();
  await marbles(({ serve, client, expectReceived, expectClosed }) => {
    serve(ftp({ ...options, files: paper, data: { listen } }));
    client('ann', '        -aels--n--b--|', {
      a: login,
      e: 'EPSV\r\n',
      l: 'LIST\r\n',
      s: 'STAT\r\n',
      n: 'NOOP\r\n',
      b: Buffer.from('\xff\xf4\xff\xf2ABOR\r\nABOR\r\n', 'latin1'),
    });
    expectReceived('ann', 'haels-----b--|', {
      h: hello,
      a: welcome,
      e: listening,
      l: announced,
      s: '211-Status:\r\n ann, logged in as ann\r\n TYPE A, STRU F, MODE S\r\n A transfer is under way\r\n211 End\r\n',
      b: '426 Transfer aborted\r\n200 Done\r\n226 Nothing is under way\r\n226 Nothing is under way\r\n',
    });
    expectClosed('ann', '  -------------x', { x: 'finished' });
  })();
  assert.equal(seen, { open: 0, opened: 1 });
});

const wrong = 'USER ann\r\nPASS wrong\r\n';

test(
  'a wrong password is answered late, the third is the last, and then the address waits at the door',
  marbles(({ serve, client, expectReceived, expectClosed }) => {
    serve(ftp(options));
    client('ann', '        -a', { a: wrong.repeat(3) });
    expectReceived('ann', 'hp 999ms q 999ms q 999ms (r|)', {
      h: hello,
      p: '331 Password, please\r\n',
      q: '530 Login incorrect\r\n331 Password, please\r\n',
      r: '530 Login incorrect\r\n421 Too many failed logins, come back later\r\n',
    });
    expectClosed('ann', '  -- 999ms - 999ms - 999ms x', { x: 'NotAuthenticated' });
  }),
);

test(
  'who does not log in within a minute is sent away; what is asked before is answered, or refused',
  marbles(({ serve, client, expectReceived, expectClosed }) => {
    serve(ftp(options));
    client('ann', '        -a', { a: 'FEAT\r\nLIST\r\nPASS x\r\n\xff\r\nAUTH TLS\r\nOPTS UTF8 ON\r\n' });
    expectReceived('ann', 'ha 59998ms (l|)', {
      h: hello,
      a: `211-Features:\r\n EPRT\r\n EPSV\r\n MDTM\r\n MLST type*;size*;modify*;perm*;unique*;\r\n REST STREAM\r\n SIZE\r\n TVFS\r\n UTF8\r\n211 End\r\n530 Log in with USER and PASS\r\n503 USER comes first\r\n500 Not a command\r\n502 No TLS here\r\n200 Paths are UTF-8\r\n`,
      l: '421 Too slow, closing\r\n',
    });
    expectClosed('ann', '  -- 59998ms x', { x: 'NotAuthenticated' });
  }),
);

test.run();
