import type { Given } from '../kinds.js';
import { toServer } from './config.js';

type Of = Given<'NAME CLIENT'>;

export const disconnect = toServer<Of>((server, { CLIENT }) => server.disconnect(server.client(CLIENT)));

export const pauseListening = toServer<Of>((server, { CLIENT }) => server.server.pauseListening(server.client(CLIENT)));

export const resumeListening = toServer<Of>((server, { CLIENT }) =>
  server.server.resumeListening(server.client(CLIENT)),
);
