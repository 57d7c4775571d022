export type { WebSocketDialOptions } from '../connection/dial-websocket.js';
export { dialWebSocket } from '../connection/dial-websocket.js';
export type { WebSocketListenOptions } from '../connection/listen-websocket.js';
export { listenWebSocket } from '../connection/listen-websocket.js';
