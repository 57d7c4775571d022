import { fromDuplex, memory } from '../src/index.js';
import { RecordedConnection } from '../src/testing/recorded-connection.js';
import { connectionLaws } from './connection-laws.js';
import { copying } from './kit/copying.js';
import { duplexPair } from './kit/duplex-pair.js';
import { MemoryPeer, StreamPeer } from './kit/peer.js';
import { resets, transport } from './kit/transport.js';

const inMemory = transport('memory', resets, (options) => {
  const [near, far] = memory(options);
  return Promise.resolve({ near, far: new MemoryPeer(far), after: () => far.abort() });
});

const overDuplex = transport('fromDuplex', { seesAbort: 'end', seesUnread: 'end' }, (options) => {
  const [near, far] = duplexPair();
  far.allowHalfOpen = true;
  return Promise.resolve({ near: fromDuplex(near, options), far: new StreamPeer(far) });
});

const unheard = { chunk: () => {}, mark: () => {}, closed: () => {} };

/** One that is recorded keeps the laws of the one that it stands for. */
const recorded = transport('recorded', resets, (options) => {
  const [near, far] = memory(options);
  return Promise.resolve({
    near: new RecordedConnection(near, unheard),
    far: new MemoryPeer(far),
    after: () => far.abort(),
  });
});

connectionLaws(inMemory);
connectionLaws(copying({ ...inMemory, name: 'memory, poisoned' }, 'poisoned'));
connectionLaws(overDuplex);
connectionLaws(recorded);
