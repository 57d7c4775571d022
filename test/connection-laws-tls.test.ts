import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { firstValueFrom, lastValueFrom } from 'rxjs';
import { type TlsVersion, dial, listen } from '../src/index.js';
import { type Transport, connectionLaws } from './connection-laws.js';
import { certify } from './kit/certificates.js';
import { copying } from './kit/copying.js';
import { rounds } from './kit/quiet.js';
import { type TlsPeer, acceptOver, dialTls } from './kit/tls-peer.js';
import { transport } from './kit/transport.js';

const root = certify({ name: 'a root' });
const { key, cert } = certify({ name: 'localhost', hosts: ['localhost', '127.0.0.1'], by: root });

/** Node does not tell an end without `close_notify` from one with it. We do. */
const sees = {
  seesAbort: 'end',
  seesUnread: 'end',
  leaving: ['#TlsTruncated', '#ConnectionReset'],
} as const;

/** Accepted by `listen`, dialled by Node. */
const accepted = (name: string, version: TlsVersion): Transport =>
  transport(name, sees, async (options) => {
    let far: Promise<TlsPeer> | undefined;
    const connections = listen({
      port: 0,
      ...options,
      tls: { key, cert, maxVersion: version },
      onListening: ({ port = 0 }) => {
        far = dialTls({ port }, { ca: root.cert, servername: 'localhost' });
      },
    });
    const near = await firstValueFrom(connections);
    const peer = (await far) as TlsPeer;
    return { near, far: peer, after: () => peer.stream.destroy() };
  });

/** Dialled by `dial`, accepted by Node. */
const dialled = (name: string): Transport =>
  transport(name, sees, async (options) => {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepting = once(server, 'connection') as Promise<[Socket]>;
    const { port } = server.address() as AddressInfo;
    const dialling = lastValueFrom(dial({ port, ...options, tls: { ca: root.cert } }));
    const [socket] = await accepting;
    server.close();
    const [near, far] = await Promise.all([dialling, acceptOver(socket, { key, cert })]);
    // Until the tickets have come, which nobody asked for: unread, they turn whatever end there is into a reset.
    await rounds();
    return { near, far, after: () => far.stream.destroy() };
  });

connectionLaws(accepted('tls 1.3', 'TLSv1.3'));
connectionLaws(accepted('tls 1.2', 'TLSv1.2'));
connectionLaws(dialled('dialled by tls'));
connectionLaws(copying(accepted('tls, shared', 'TLSv1.3'), 'shared'));
