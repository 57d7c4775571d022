// What ends a session: a NOTIFICATION that we send, or one that the peer has sent. RFC 4271 sections 4.5 and 6, and the
// subcodes of RFC 4486, 5492 and 6608.
import type { Notification } from './messages.js';

/** By code and subcode; what stands first is the code's own name, for a subcode that says nothing more. */
const names: Readonly<Record<number, readonly string[]>> = {
  1: ['MessageHeaderError', 'ConnectionNotSynchronized', 'BadMessageLength', 'BadMessageType'],
  2: [
    'OpenMessageError',
    'UnsupportedVersionNumber',
    'BadPeerAs',
    'BadBgpIdentifier',
    'UnsupportedOptionalParameter',
    'AuthenticationFailure',
    'UnacceptableHoldTime',
    'UnsupportedCapability',
  ],
  3: ['UpdateMessageError'],
  4: ['HoldTimerExpired'],
  5: ['FiniteStateMachineError', 'UnexpectedInOpenSent', 'UnexpectedInOpenConfirm', 'UnexpectedInEstablished'],
  6: [
    'Cease',
    'MaximumNumberOfPrefixesReached',
    'AdministrativeShutdown',
    'PeerDeconfigured',
    'AdministrativeReset',
    'ConnectionRejected',
    'OtherConfigurationChange',
    'ConnectionCollisionResolution',
    'OutOfResources',
  ],
};

export const nameOf = ({ code, subcode }: Notification): string =>
  names[code]?.[subcode] ?? `${names[code]?.[0] ?? `error ${code}`}, subcode ${subcode}`;

/** The session ends, and the peer is told why: by `notification`, which also gives the error its name. */
export class SessionFault extends Error {
  readonly notification: Notification;

  constructor(notification: Notification, options?: ErrorOptions) {
    super(`the session is ended: ${nameOf(notification)}`, options);
    this.notification = notification;
    this.name = nameOf(notification);
  }
}

/** The peer has ended the session, and this is why. It gets no answer. */
export class NotificationReceived extends Error {
  override readonly name = 'NotificationReceived';
  readonly notification: Notification;

  constructor(notification: Notification) {
    super(`the peer has ended the session: ${nameOf(notification)}`);
    this.notification = notification;
  }
}

const fault =
  (code: number, subcode: number) =>
  (data: readonly number[] = [], options?: ErrorOptions): SessionFault =>
    new SessionFault({ type: 'notification', code, subcode, data: Uint8Array.from(data) }, options);

export const notSynchronized = fault(1, 1);
export const badMessageLength = fault(1, 2);
export const badMessageType = fault(1, 3);
export const malformedOpen = fault(2, 0);
export const unsupportedVersion = fault(2, 1);
export const badPeerAs = fault(2, 2);
export const badIdentifier = fault(2, 3);
export const unsupportedParameter = fault(2, 4);
export const unacceptableHoldTime = fault(2, 6);
export const holdTimerExpired = fault(4, 0);
export const unexpectedMessage = (subcode: number): SessionFault => fault(5, subcode)();
export const administrativeShutdown = fault(6, 2);
export const collision = fault(6, 7);
