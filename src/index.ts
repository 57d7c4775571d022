export type { ListenAddress, ListenEvent, ListenOptions } from './connection/listen.js';
export { listen } from './connection/listen.js';
export type { DialOptions, DialState, Reconnect } from './connection/dial.js';
export { dial } from './connection/dial.js';
export type { MemoryOptions } from './connection/memory.js';
export { memory } from './connection/memory.js';
export type { DuplexOptions } from './connection/from-duplex.js';
export { fromDuplex } from './connection/from-duplex.js';
export type { Connection, ConnectionOptions, ConnectionStatistics } from './connection/connection.js';
export type { Place } from './connection/address.js';

export type { Failure, Handled, Handler, Outcome } from './server/outcome.js';

export { fromAsyncIterable } from './source/from-async-iterable.js';
export { fromReadable } from './source/from-readable.js';
export type { PausableOptions } from './source/pausable.js';
export { pausable } from './source/pausable.js';
export { signals } from './source/signals.js';
export type { SlowPolicy, StreamOptions, Subscribed, TopicOptions, TopicStatistics } from './source/topic.js';
export { Topic, topic } from './source/topic.js';

export * from './errors.js';
