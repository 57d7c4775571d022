import { firstValueFrom, lastValueFrom } from 'rxjs';
import { dialWebSocket, listenWebSocket } from '../src/websocket/index.js';
import { connectionLaws } from './connection-laws.js';
import { copying } from './kit/copying.js';
import { StreamPeer } from './kit/peer.js';
import { type Sees, transport } from './kit/transport.js';
import { dialled, server, streamOf } from './kit/websocket-peer.js';

/** What ends without a close was cut: a WebSocket can tell. */
const cuts: Sees = { seesAbort: 'reset', seesUnread: 'reset', seesGone: 'reset', leaving: ['|', '#ConnectionReset'] };

/** Accepted by us, dialled by `ws`. */
const accepted = transport('WebSocket', cuts, async (options) => {
  let far: Promise<StreamPeer> | undefined;
  const near = await firstValueFrom(
    listenWebSocket({
      port: 0,
      ...options,
      onListening: ({ port }) => {
        far = dialled(`ws://127.0.0.1:${port}`).then((socket) => new StreamPeer(streamOf(socket)));
      },
    }),
  );
  const peer = (await far) as StreamPeer;
  return { near, far: peer, after: () => peer.stream.destroy() };
});

/** Dialled by us, accepted by `ws`. */
const dialling = transport('WebSocket, dialled', cuts, async (options) => {
  const { url, first, http } = await server();
  const near = await lastValueFrom(dialWebSocket(url, options));
  const peer = new StreamPeer(streamOf(await first));
  http.close();
  return { near, far: peer, after: () => peer.stream.destroy() };
});

connectionLaws(accepted);
connectionLaws(dialling);
connectionLaws(copying({ ...accepted, name: 'WebSocket, poisoned' }, 'poisoned'));
