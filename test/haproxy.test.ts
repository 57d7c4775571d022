// The PROXY protocol beside who invented it: a real HAProxy in front of us, and behind us, in both versions.
import { mergeMap, of, startWith } from 'rxjs';
import { flow } from 'fp-ts/lib/function.js';
import * as assert from 'uvu/assert';
import { proxyProtocol } from '../operators/proxy-protocol.js';
import { sendProxyHeader } from '../operators/send-proxy-header.js';
import { serve } from '../operators/serve.js';
import { type Connection, type ProxyHeader, dial } from '../src/index.js';
import { bytes } from './kit/bytes.js';
import { certify } from './kit/certificates.js';
import { haproxy } from './kit/haproxy.js';
import { loopback } from './kit/loopback.js';
import { dialRaw } from './kit/peer.js';
import { freePort, installed } from './kit/program.js';
import { suite } from './kit/suite.js';
import { carrierTo, over } from './kit/tls-peer.js';

const test = suite('haproxy', undefined, { timeout: 15_000 });
const there = installed('haproxy');
if (!there) console.log('haproxy is not installed (apt-get install haproxy): its tests are skipped');
const tried = there ? test : (name: string): void => test.skip(name);

const server = { host: '127.0.0.1' };

for (const [version, sends] of [
  [1, 'send-proxy'],
  [2, 'send-proxy-v2 proxy-v2-options crc32c,unique-id'],
] as const) {
  tried(`in front of us, version ${version}: its client's address is the connection's`, async () => {
    const connections: Connection[] = [];
    const noted = serve((heard, connection) => {
      connections.push(connection);
      return heard.pipe(startWith(bytes('hello ')));
    });
    const ours = await loopback(flow(proxyProtocol({ trusted: ['127.0.0.0/8'] }), noted));
    const port = await freePort();
    const stop = await haproxy(
      port,
      `listen in
        mode tcp
        bind 127.0.0.1:${port}
        unique-id-format id-%pid-%rt
        server ours 127.0.0.1:${ours.port} ${sends}`,
    );
    const before = connections.length;
    const ann = (await dialRaw({ ...server, port })).read();
    const { name } = ann;
    ann.send('there');
    ann.end();
    assert.is(await ann.over, 'end');
    assert.is(ann.text, 'hello there');
    const connection = connections.slice(before).find(({ peer }) => peer === name);
    assert.ok(connection !== undefined, `${name} among ${connections.map(({ peer }) => peer).join()}`);
    assert.is(connection.local, `127.0.0.1:${port}`);
    assert.is(connection.proxy?.version, version);
    assert.is(connection.proxy?.tlvs?.crc32c, version === 2 ? true : undefined);
    const id = connection.proxy?.tlvs?.uniqueId;
    if (version === 2) assert.match(Buffer.from(id ?? []).toString(), /^id-\d+-\d+$/);
    await stop();
    await ours.stop();
  });

  tried(`behind us, version ${version}: it takes the address that we say for its client's`, async () => {
    const port = await freePort();
    const stop = await haproxy(
      port,
      `frontend out
        mode http
        bind 127.0.0.1:${port} accept-proxy
        http-request return status 200 content-type text/plain lf-string "from %[src]:%[src_port] to %[dst]:%[dst_port] for %[fc_pp_authority]|"`,
    );
    const header: ProxyHeader = {
      version,
      command: 'proxy',
      source: { host: '2001:db8::7', port: 4_711 },
      destination: { host: '198.51.100.2', port: 443 },
      ...(version === 2 ? { tlvs: { crc32c: true, authority: 'example.com' } } : {}),
    };
    const heard = await new Promise<string>((done, failed) => {
      let said = '';
      dial({ port })
        .pipe(
          sendProxyHeader(header),
          mergeMap((connection) => {
            of(bytes('GET / HTTP/1.0\r\n\r\n')).pipe(connection.writes).subscribe({ error: failed });
            return connection.reads;
          }),
        )
        .subscribe({
          next: (chunk) => (said += Buffer.from(chunk).toString()),
          error: failed,
          complete: () => done(said),
        });
    });
    const authority = version === 2 ? 'example.com' : '';
    assert.match(heard, new RegExp(`from 2001:db8::7:4711 to ::ffff:198\\.51\\.100\\.2:443 for ${authority}\\|`));
    await stop();
  });
}

tried('in front of a TLS server: the header comes first, whether it passes TLS on or speaks it itself', async () => {
  const root = certify({ name: 'a root' });
  const { key, cert } = certify({ name: 'localhost', hosts: ['localhost', '127.0.0.1'], by: root });
  const noted = serve((heard, { peer, tls }) => heard.pipe(startWith(bytes(`${peer} ${tls?.protocol} `))));
  const ours = await loopback(flow(proxyProtocol({ trusted: ['127.0.0.0/8'], tls: { key, cert } }), noted));
  const [passing, speaking] = [await freePort(), await freePort()];
  const stop = await haproxy(
    passing,
    `listen passing
        mode tcp
        bind 127.0.0.1:${passing}
        server ours 127.0.0.1:${ours.port} send-proxy-v2
     listen speaking
        mode tcp
        bind 127.0.0.1:${speaking}
        server ours 127.0.0.1:${ours.port} send-proxy-v2 ssl verify none`,
  );
  const carrier = await carrierTo({ port: passing });
  const { localPort } = carrier.socket;
  const ann = (await over(carrier, { ca: root.cert, servername: 'localhost' })).read();
  const bob = (await dialRaw({ ...server, port: speaking })).read();
  const { name } = bob;
  for (const peer of [ann, bob]) {
    peer.send('there');
    peer.end();
    assert.is(await peer.over, 'end');
  }
  assert.is(ann.text, `127.0.0.1:${localPort} TLSv1.3 there`);
  assert.is(bob.text, `${name} TLSv1.3 there`);
  ann.leave();
  await stop();
  await ours.stop();
});

test.run();
