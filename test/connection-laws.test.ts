import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { firstValueFrom, lastValueFrom } from 'rxjs';
import { type Place, dial, listen } from '../src/index.js';
import { type Transport, connectionLaws } from './connection-laws.js';
import { copying } from './kit/copying.js';
import { freshPath } from './kit/paths.js';
import { StreamPeer, dialRaw } from './kit/peer.js';
import { type Sees, resets, transport } from './kit/transport.js';

/** Accepted by `listen`, dialled by Node. */
const accepted = (name: string, sees: Sees, place: () => Place): Transport =>
  transport(name, sees, async (options) => {
    let far: Promise<StreamPeer> | undefined;
    const connections = listen({
      ...place(),
      ...options,
      onListening: ({ path, port }) => {
        far = dialRaw(path === undefined ? { port: port ?? 0 } : { path });
      },
    });
    const near = await firstValueFrom(connections);
    const peer = (await far) as StreamPeer;
    return { near, far: peer, after: () => peer.stream.destroy() };
  });

/** Dialled by `dial`, accepted by Node. */
const dialled = transport('dialled', resets, async (options) => {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepting = once(server, 'connection') as Promise<[Socket]>;
  const near = await lastValueFrom(dial({ port: (server.address() as AddressInfo).port, ...options }));
  const [socket] = await accepting;
  server.close();
  return { near, far: new StreamPeer(socket), after: () => socket.destroy() };
});

connectionLaws(accepted('tcp', resets, () => ({ port: 0 })));
connectionLaws(accepted('unix', { seesAbort: 'end', seesUnread: 'reset' }, () => ({ path: freshPath() })));
connectionLaws(dialled);
connectionLaws(
  copying(
    accepted('tcp, read into the shared buffer', resets, () => ({ port: 0 })),
    'shared',
  ),
);
connectionLaws(
  copying(
    accepted('tcp, poisoned', resets, () => ({ port: 0 })),
    'poisoned',
  ),
);
connectionLaws(copying({ ...dialled, name: 'dialled, read into the shared buffer' }, 'shared'));
