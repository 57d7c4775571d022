// The finite state machine of a session (RFC 4271, section 8) as a value: a state and what happens give the next state and
// what is said, or the fault that ends the session. It knows no sockets and no time.
import * as E from 'fp-ts/lib/Either.js';
import type { Opener } from 'sluice/server';
import {
  NotificationReceived,
  type SessionFault,
  badIdentifier,
  badPeerAs,
  unacceptableHoldTime,
  unexpectedMessage,
  unsupportedParameter,
  unsupportedVersion,
} from './faults.js';
import {
  type Message,
  type Open,
  VERSION,
  asOf,
  fourOctetAs,
  idNumber,
  ipv4Unicast,
  keepalive,
  twoOctetAs,
} from './messages.js';

/** Who we are, and whom we expect. */
export interface Speaker {
  /** Our AS number: 1 to 4,294,967,295. */
  readonly as: number;
  /** Our identifier: `10.0.0.1`. */
  readonly id: string;
  /** The hold time that we offer, in seconds: 0 for none, or 3 to 65,535. */
  readonly hold: number;
  /** The AS number that the peer must have (default: any). */
  readonly peerAs?: number;
}

/** What the two OPENs have come to: who the peer is, and how long either side may be silent, in seconds (0: for ever). */
export interface Agreed {
  readonly as: number;
  readonly id: string;
  readonly hold: number;
}

/**
 * Where a session is. RFC 4271 has one more, Active, in which it waits to be dialled: here that is a port that listens,
 * and a session begins when somebody comes.
 */
export type State =
  | { readonly name: 'Idle' | 'Connect' | 'OpenSent' }
  | { readonly name: 'OpenConfirm' | 'Established'; readonly agreed: Agreed };

export type StateName = State['name'];

/** What can happen to a session: it is connected, or a message comes. */
export type Happening = { readonly type: 'connected' } | Message;

export interface Step {
  readonly state: State;
  readonly says: readonly Message[];
}

const openOf = ({ as, id, hold }: Speaker): Open => ({
  type: 'open',
  version: VERSION,
  as: twoOctetAs(as),
  hold,
  id,
  capabilities: [ipv4Unicast, fourOctetAs(as)],
  others: [],
});

/** Judges the peer's OPEN as RFC 4271, section 6.2, asks; what an identifier may be is in RFC 6286. */
const judge = (speaker: Speaker, open: Open): E.Either<SessionFault, Agreed> => {
  const as = asOf(open);
  const { id, hold } = open;
  if (open.version !== VERSION) return E.left(unsupportedVersion([0, VERSION]));
  if (as === 0 || as !== (speaker.peerAs ?? as)) return E.left(badPeerAs());
  if (idNumber(id) === 0 || (as === speaker.as && idNumber(id) === idNumber(speaker.id)))
    return E.left(badIdentifier());
  if (open.others.length > 0) return E.left(unsupportedParameter());
  if (hold === 1 || hold === 2) return E.left(unacceptableHoldTime());
  return E.right({ as, id, hold: Math.min(hold, speaker.hold) });
};

const UNEXPECTED: Readonly<Record<StateName, number>> = {
  Idle: 0,
  Connect: 0,
  OpenSent: 1,
  OpenConfirm: 2,
  Established: 3,
};

const goOn = (state: State, ...says: readonly Message[]): E.Either<never, Step> => E.right({ state, says });

/**
 *     Idle, Connect  connected  OpenSent     says OPEN
 *     OpenSent       OPEN       OpenConfirm  says KEEPALIVE
 *     OpenConfirm    KEEPALIVE  Established
 *     Established    KEEPALIVE, UPDATE       as it was
 *     any            NOTIFICATION            the peer has ended it
 *     any            all else                a fault
 */
export const step = (
  speaker: Speaker,
  state: State,
  happening: Happening,
): E.Either<SessionFault | NotificationReceived, Step> => {
  const { name } = state;
  const { type } = happening;
  if (type === 'notification') return E.left(new NotificationReceived(happening));
  if (type === 'connected' && (name === 'Idle' || name === 'Connect'))
    return goOn({ name: 'OpenSent' }, openOf(speaker));
  if (type === 'open' && name === 'OpenSent') {
    return E.map((agreed: Agreed): Step => ({ state: { name: 'OpenConfirm', agreed }, says: [keepalive] }))(
      judge(speaker, happening),
    );
  }
  if (type === 'keepalive' && name === 'OpenConfirm') return goOn({ name: 'Established', agreed: state.agreed });
  if ((type === 'keepalive' || type === 'update') && name === 'Established') return goOn(state);
  return E.left(unexpectedMessage(UNEXPECTED[name]));
};

/**
 * Which of two sessions with the same peer stays, when the second has sent its OPEN: the one whose connection was opened by
 * the speaker with the higher identifier (RFC 4271, section 6.8), or the higher AS number where they are the same (RFC 6286);
 * and always one that is established.
 */
export const isNewerKept = (
  speaker: Speaker,
  older: { readonly state: State; readonly opener: Opener },
  newer: { readonly agreed: Agreed; readonly opener: Opener },
): boolean => {
  if (older.state.name === 'Established' || older.opener === newer.opener) return false;
  const { id, as } = newer.agreed;
  const difference = (idNumber(speaker.id) ?? 0) - (idNumber(id) ?? 0) || speaker.as - as;
  return newer.opener === (difference > 0 ? 'active' : 'passive');
};
