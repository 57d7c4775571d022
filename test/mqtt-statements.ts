// The normative statements of MQTT 3.1.1 (MQTT-x.x.x-n), in our own words, and the tests that show that they hold here.
// What binds others than a broker over TCP says whom.

/** A statement, and the names of its tests, or whom it concerns instead. */
export type Statement = readonly [number: string, says: string, shown: readonly string[] | string];

/** How many statements each section of the standard has. */
export const sections: Readonly<Record<string, number>> = {
  '1.5.3': 3,
  '2.2.2': 2,
  '2.3.1': 7,
  '3.1.0': 2,
  '3.1.2': 24,
  '3.1.3': 11,
  '3.1.4': 5,
  '3.2.0': 1,
  '3.2.2': 6,
  '3.3.1': 12,
  '3.3.2': 3,
  '3.3.4': 1,
  '3.3.5': 2,
  '3.6.1': 1,
  '3.8.1': 1,
  '3.8.3': 4,
  '3.8.4': 6,
  '3.9.3': 2,
  '3.10.1': 1,
  '3.10.3': 2,
  '3.10.4': 6,
  '3.12.4': 1,
  '3.14.1': 1,
  '3.14.4': 3,
  '4.1.0': 2,
  '4.3.1': 1,
  '4.3.2': 2,
  '4.3.3': 2,
  '4.4.0': 1,
  '4.5.0': 2,
  '4.6.0': 6,
  '4.7.1': 3,
  '4.7.2': 1,
  '4.7.3': 4,
  '4.8.0': 2,
  '6.0.0': 4,
  '7.0.0': 2,
  '7.1.1': 1,
  '7.1.2': 1,
};

const CLOSES = 'a packet that is none closes the connection, and what came before it is answered';
const ANSWERED = 'a message is answered as its QoS says, and passed on once';
const TWICE =
  'a message of QoS 2 that comes again before it is released is answered and not passed on; after that its number is new';
const AGAIN =
  'what is not acknowledged is sent again after a reconnect, and only then: in order, with its number, as repeated; a PUBREL and not its message';
const WINDOW = 'so many are in flight and no more; the others wait for their turn, in order';
const LASTS = 'a lasting session is there again, with its subscriptions and what of QoS 1 and 2 came meanwhile';
const CLEAN = 'a clean session ends with its connection';
const THROWN_AWAY = 'a clean CONNECT throws the lasting session away';
const WELCOME = 'who connects is welcomed, before all else and at once';
const BROKEN_CONNECT = 'a CONNECT that breaks the standard is closed without an answer';
const NAMES =
  'names of 1 to 23 letters and digits are let in, and longer ones up to the limit; the others are answered 2';
const NO_WILL = 'a will is not published after a DISCONNECT, whatever follows it; nor is there one where none was left';
const OWN_WILL = 'a will has its own QoS, and is retained if it says so';
const LOWER = 'a message goes with the lower one of the QoS of its publisher and its subscriber, to the publisher too';
const RETAINED =
  'the last retained message of each topic comes with a new subscription, marked as retained; to those who are there it is not';
const EMPTY =
  'an empty retained message is passed on, and takes away what was retained; one that is not to be retained leaves it';
const SUBSCRIBED = 'a SUBSCRIBE is answered filter by filter, in order; what is over the limits is refused with 128';
const UNSUBSCRIBED = 'an UNSUBSCRIBE is answered once, for filters that are there and that are not, letter by letter';
const UNDONE = 'after an UNSUBSCRIBE nothing new comes, and what was begun is brought to its end';
const BYTES = 'every type of packet has the bytes that the standard draws, both ways';
const MATCHES = 'a filter matches the topics that the standard says';
const NUMBERS = 'the number of a message is one that is not in use, also when all have been used';
const ORDER = 'messages of a topic come in the order in which they were published';

export const statements: readonly Statement[] = [
  // ── texts and first bytes ─────────────────────────────────────────────────────────────────────────────────────────
  [
    '1.5.3-1',
    'a text is well-formed UTF-8, or the connection is closed',
    ['a text that is not UTF-8 is refused', 'half a surrogate pair is refused', CLOSES],
  ],
  ['1.5.3-2', 'a text has no U+0000, or the connection is closed', ['U+0000 in a text is refused', BROKEN_CONNECT]],
  [
    '1.5.3-3',
    'a byte order mark is kept as a character',
    ['a byte order mark is a character like any other', 'names of the wire are names and nothing else'],
  ],
  [
    '2.2.2-1',
    'reserved flags have the values of the table',
    [
      BYTES,
      'wrong flags of a CONNECT are refused by its first byte',
      'wrong flags of a PUBACK are refused by its first byte',
    ],
  ],
  ['2.2.2-2', 'other flags close the connection', [CLOSES, 'wrong flags of a PINGREQ are refused by its first byte']],
  [
    '2.3.1-1',
    'SUBSCRIBE, UNSUBSCRIBE and PUBLISH above QoS 0 have an identifier that is not 0',
    ['packet identifier 0 is refused', 'a PUBLISH without its identifier is refused', CLOSES],
  ],
  ['2.3.1-2', 'a new packet of a client has an identifier that is not in use', 'binds clients'],
  ['2.3.1-3', 'what a client sends again has its old identifier', 'binds clients'],
  ['2.3.1-4', 'the same two hold for what a server publishes above QoS 0', [NUMBERS, AGAIN]],
  ['2.3.1-5', 'a PUBLISH of QoS 0 has no identifier', [BYTES, LOWER]],
  ['2.3.1-6', 'PUBACK, PUBREC and PUBREL have the identifier of their PUBLISH', [ANSWERED, WINDOW]],
  ['2.3.1-7', 'SUBACK and UNSUBACK have the identifier of what they answer', [SUBSCRIBED, UNSUBSCRIBED]],

  // ── CONNECT ───────────────────────────────────────────────────────────────────────────────────────────────────────
  [
    '3.1.0-1',
    'the first packet of a client is a CONNECT',
    [
      'a first packet that is no CONNECT closes the connection',
      'the first packet has to be a CONNECT, and a small one',
    ],
  ],
  ['3.1.0-2', 'a second CONNECT is a violation and closes the connection', ['a second CONNECT closes the connection']],
  [
    '3.1.2-1',
    'another protocol name is not served as this protocol',
    ['another protocol name is refused', BROKEN_CONNECT],
  ],
  [
    '3.1.2-2',
    'another level is answered with code 1, and closed',
    [
      'another version of the protocol is answered 1 and closed',
      'mosquitto: its other versions are told that they are not spoken here',
    ],
  ],
  [
    '3.1.2-3',
    'the reserved flag of a CONNECT is looked at, and is 0',
    ['a CONNECT with its reserved flag set is refused', BROKEN_CONNECT],
  ],
  [
    '3.1.2-4',
    'without CleanSession an old session goes on, or a new one begins; it outlasts the connection',
    [LASTS, 'npm: a lasting session over a connection that breaks: what is published meanwhile comes, and each once'],
  ],
  [
    '3.1.2-5',
    'such a session stores what comes for it with QoS 1 and 2 while its client is away',
    [LASTS, 'mosquitto: a session lasts, and has what came meanwhile'],
  ],
  [
    '3.1.2-6',
    'with CleanSession the old session is thrown away, and the new one is not used again',
    [CLEAN, THROWN_AWAY, 'a clean session that is taken over is gone, whoever takes it over'],
  ],
  [
    '3.1.2-7',
    'retained messages are not part of a session',
    ['what is retained outlasts the session of who published it'],
  ],
  [
    '3.1.2-8',
    'a will is stored and published when the connection ends without a DISCONNECT',
    [
      'a will is published after a reset',
      'a will is published after a FIN without a DISCONNECT',
      'a will is published after a packet that is none',
      'a will is published after the keep-alive has run out, and after a take-over',
      NO_WILL,
    ],
  ],
  [
    '3.1.2-9',
    'with the will flag, topic and payload of the will are there, and its QoS and retain flag count',
    ['a will that is announced and missing is refused', OWN_WILL],
  ],
  ['3.1.2-10', 'a will is gone once it was published, or a DISCONNECT came', [NO_WILL, OWN_WILL]],
  [
    '3.1.2-11',
    'without the will flag there is nothing of a will',
    ['a QoS of no will is refused', 'a retain flag of no will is refused', 'a will that is not announced is refused'],
  ],
  ['3.1.2-12', 'without the will flag no will is published', [NO_WILL]],
  ['3.1.2-13', 'without the will flag the QoS of the will is 0', ['a QoS of no will is refused']],
  ['3.1.2-14', 'the QoS of a will is not 3', ['a will of QoS 3 is refused']],
  ['3.1.2-15', 'without the will flag its retain flag is 0', ['a retain flag of no will is refused', BROKEN_CONNECT]],
  ['3.1.2-16', 'a will that is not to be retained is published as such', [OWN_WILL]],
  ['3.1.2-17', 'a will that is to be retained is published as such', [OWN_WILL]],
  ['3.1.2-18', 'without the user name flag there is no user name', ['a user name that is not announced is refused']],
  ['3.1.2-19', 'with the user name flag there is one', ['a user name that is announced and missing is refused']],
  ['3.1.2-20', 'without the password flag there is no password', ['a password that is not announced is refused']],
  ['3.1.2-21', 'with the password flag there is one', ['a password that is announced and missing is refused']],
  [
    '3.1.2-22',
    'there is no password without a user name',
    ['a password without a user name is refused', BROKEN_CONNECT],
  ],
  ['3.1.2-23', 'a client is not silent for longer than its keep-alive', 'binds clients'],
  [
    '3.1.2-24',
    'a client that is silent for one and a half times that is disconnected',
    [
      'who is silent for one and a half times its keep-alive is closed',
      'any packet keeps it alive, and half a packet does not; what it is sent neither',
      'a keep-alive of 0 is for ever, and the longest 27 hours',
      'npm: a client with a keep-alive of two seconds stays',
    ],
  ],
  ['3.1.3-1', 'the fields of a CONNECT come in their order', [BYTES]],
  [
    '3.1.3-2',
    'the client identifier is what a session is found by',
    [LASTS, 'names of the wire are names and nothing else'],
  ],
  ['3.1.3-3', 'it is there, and the first field', [BYTES, 'a CONNECT without a client identifier is refused']],
  ['3.1.3-4', 'it is UTF-8', ['a client identifier that is not UTF-8 is refused']],
  ['3.1.3-5', '1 to 23 letters and digits are let in', [NAMES]],
  ['3.1.3-6', 'who has an empty one is given a unique one', ['who has no name is given one of its own']],
  ['3.1.3-7', 'who has an empty one sets CleanSession', 'binds clients'],
  ['3.1.3-8', 'an empty one without CleanSession is answered with code 2, and closed', [NAMES]],
  ['3.1.3-9', 'one that is rejected is answered with code 2, and closed', [NAMES]],
  [
    '3.1.3-10',
    'the topic of a will is UTF-8',
    ['a text that is not UTF-8 is refused', 'a will for a topic with a wildcard is refused'],
  ],
  ['3.1.3-11', 'a user name is UTF-8', ['a user name that is not UTF-8 is refused']],
  ['3.1.4-1', 'a CONNECT that breaks the standard is closed without an answer', [BROKEN_CONNECT]],
  [
    '3.1.4-2',
    'a client that is connected already is disconnected',
    [
      'a client that is here already is closed, and its session goes on over the new connection',
      'npm: the same client again closes the one that was there, and its will comes',
    ],
  ],
  ['3.1.4-3', 'CleanSession is then done as it says', [CLEAN, LASTS, THROWN_AWAY]],
  ['3.1.4-4', 'and answered with a CONNACK of code 0', [WELCOME]],
  [
    '3.1.4-5',
    'nothing is done of what follows a CONNECT that is rejected',
    ['who is not let in is not heard, and leaves no session, no message and no will'],
  ],
  ['3.2.0-1', 'the first packet of a server is a CONNACK', [WELCOME, LASTS]],
  ['3.2.2-1', 'with CleanSession no session is said to be present', [THROWN_AWAY]],
  ['3.2.2-2', 'without it one is said to be present if there is one', [LASTS]],
  ['3.2.2-3', 'and not if there is none', [CLEAN, THROWN_AWAY]],
  ['3.2.2-4', 'a CONNACK that refuses says that none is present', ['a CONNACK that refuses has no session', NAMES]],
  [
    '3.2.2-5',
    'and the connection is closed after it',
    [NAMES, 'another version of the protocol is answered 1 and closed'],
  ],
  ['3.2.2-6', 'where no code fits, it is closed without one', [BROKEN_CONNECT]],

  // ── PUBLISH ───────────────────────────────────────────────────────────────────────────────────────────────────────
  ['3.3.1-1', 'DUP is set on what is sent again', [AGAIN]],
  ['3.3.1-2', 'DUP is not set with QoS 0', ['DUP of a PUBLISH of QoS 0 is refused by its first byte', LOWER]],
  [
    '3.3.1-3',
    'the DUP of what comes in says nothing about what goes out',
    ['a message of QoS 1 that comes again is a new one, and is not passed on as a repeated one'],
  ],
  ['3.3.1-4', 'QoS 3 closes the connection', ['a PUBLISH of QoS 3 is refused by its first byte', CLOSES]],
  ['3.3.1-5', 'a message with RETAIN is stored with its QoS for those who subscribe later', [RETAINED]],
  [
    '3.3.1-6',
    'who subscribes gets the last one of each topic',
    [
      RETAINED,
      'retained messages wait for a client that reads slowly, and none is lost',
      'retained messages of QoS 1 and 2 come as there is room in flight, however many they are; an UNSUBSCRIBE ends that',
    ],
  ],
  [
    '3.3.1-7',
    'one of QoS 0 takes the place of the one before',
    [RETAINED, 'mosquitto: a message is retained, replaced and taken away'],
  ],
  ['3.3.1-8', 'RETAIN is set on what is sent because of a new subscription', [RETAINED]],
  ['3.3.1-9', 'and not on what is sent to one that was there', [RETAINED]],
  ['3.3.1-10', 'an empty one is passed on and takes away the one before', [EMPTY]],
  ['3.3.1-11', 'and is not stored', [EMPTY]],
  ['3.3.1-12', 'a message without RETAIN changes nothing of what is stored', [EMPTY]],
  ['3.3.2-1', 'the topic is the first field, and UTF-8', [BYTES, 'a text that is not UTF-8 is refused']],
  ['3.3.2-2', 'it has no wildcards', ['a topic with a wildcard is refused', CLOSES]],
  [
    '3.3.2-3',
    'what a client is sent matches a filter of it',
    [MATCHES, 'wildcards match what the standard says, and topics that begin with $ only by name'],
  ],
  ['3.3.4-1', 'a PUBLISH is answered as its QoS says', [ANSWERED]],
  [
    '3.3.5-1',
    'of filters that overlap the highest QoS counts',
    ['who is subscribed more than once gets a message once, with the highest QoS'],
  ],
  [
    '3.3.5-2',
    'a PUBLISH that is not allowed is acknowledged, or the connection closed',
    ['what a client publishes under $ is acknowledged, and goes nowhere'],
  ],
  [
    '3.6.1-1',
    'other flags of a PUBREL than 2 close the connection',
    ['wrong flags of a PUBREL are refused by its first byte'],
  ],

  // ── SUBSCRIBE and UNSUBSCRIBE ─────────────────────────────────────────────────────────────────────────────────────
  [
    '3.8.1-1',
    'other flags of a SUBSCRIBE than 2 close the connection',
    ['wrong flags of a SUBSCRIBE are refused by its first byte'],
  ],
  ['3.8.3-1', 'filters are UTF-8', ['a text that is not UTF-8 is refused']],
  ['3.8.3-2', 'a server that knows no wildcards refuses them', 'binds servers without wildcards'],
  ['3.8.3-3', 'a SUBSCRIBE has a filter or more', ['a SUBSCRIBE without a filter is refused', CLOSES]],
  [
    '3.8.3-4',
    'reserved bits, and a QoS above 2, close the connection',
    ['a SUBSCRIBE of QoS 3 is refused', 'a SUBSCRIBE with reserved bits is refused', CLOSES],
  ],
  ['3.8.4-1', 'a SUBSCRIBE is answered with a SUBACK', [SUBSCRIBED]],
  ['3.8.4-2', 'of the same identifier', [SUBSCRIBED]],
  [
    '3.8.4-3',
    'the same filter takes the place of the old subscription, and what is retained is sent again',
    ['the same filter again takes the place of the old subscription, and what is retained comes again', SUBSCRIBED],
  ],
  ['3.8.4-4', 'many filters are as many SUBSCRIBEs, with one answer', [SUBSCRIBED, RETAINED]],
  ['3.8.4-5', 'which has a code for each: what was granted, or that it was not', [SUBSCRIBED]],
  [
    '3.8.4-6',
    'a message comes with the lower one of its QoS and what was granted',
    [LOWER, 'mosquitto: every QoS of a publisher with every one of a subscriber'],
  ],
  ['3.9.3-1', 'codes are in the order of the filters', [SUBSCRIBED]],
  ['3.9.3-2', 'there are no codes but 0, 1, 2 and 128', [SUBSCRIBED, 'a SUBACK with a reserved code is refused']],
  [
    '3.10.1-1',
    'other flags of an UNSUBSCRIBE than 2 close the connection',
    ['wrong flags of an UNSUBSCRIBE are refused by its first byte'],
  ],
  ['3.10.3-1', 'its filters are UTF-8', ['an UNSUBSCRIBE with a filter that is not UTF-8 is refused']],
  ['3.10.3-2', 'it has a filter or more', ['an UNSUBSCRIBE without a filter is refused', CLOSES]],
  ['3.10.4-1', 'its filters are compared character by character', [UNSUBSCRIBED]],
  ['3.10.4-2', 'nothing new is added for the client', [UNDONE]],
  ['3.10.4-3', 'what was begun is brought to its end', [UNDONE]],
  ['3.10.4-4', 'it is answered, with the same identifier', [UNSUBSCRIBED]],
  [
    '3.10.4-5',
    'also where there is nothing to delete',
    [UNSUBSCRIBED, 'npm: publishes and subscribes with every QoS, with wildcards, retained messages and UNSUBSCRIBE'],
  ],
  ['3.10.4-6', 'many filters are as many UNSUBSCRIBEs, with one answer', [UNSUBSCRIBED]],

  // ── PINGREQ and DISCONNECT ────────────────────────────────────────────────────────────────────────────────────────
  ['3.12.4-1', 'a PINGREQ is answered', ['who is silent for one and a half times its keep-alive is closed']],
  [
    '3.14.1-1',
    'other flags of a DISCONNECT than 0 close the connection',
    ['wrong flags of a DISCONNECT are refused by its first byte'],
  ],
  ['3.14.4-1', 'a client closes the connection after its DISCONNECT', 'binds clients'],
  ['3.14.4-2', 'and sends nothing more', 'binds clients'],
  ['3.14.4-3', 'a server throws the will away without publishing it', [NO_WILL]],

  // ── how it works ──────────────────────────────────────────────────────────────────────────────────────────────────
  [
    '4.1.0-1',
    'the state of a session is there for as long as the session',
    [
      LASTS,
      AGAIN,
      'what was received with QoS 2 is known after a reconnect, and a PUBREL of what is not known is answered',
    ],
  ],
  [
    '4.1.0-2',
    'which is at least as long as its connection',
    [
      CLEAN,
      'where there are too many sessions the one that has been away longest makes room; where all are here nobody more is let in',
    ],
  ],
  ['4.3.1-1', 'QoS 0 goes out once, without DUP', [ANSWERED, LOWER]],
  ['4.3.2-1', 'QoS 1 goes out with a new identifier, and is not done before its PUBACK', [WINDOW, AGAIN, NUMBERS]],
  [
    '4.3.2-2',
    'QoS 1 that comes in is answered with PUBACK; the same identifier again is a new message',
    [ANSWERED, 'a message of QoS 1 that comes again is a new one, and is not passed on as a repeated one'],
  ],
  [
    '4.3.3-1',
    'QoS 2 goes out with a new identifier, is released after its PUBREC, not sent again then, and done with its PUBCOMP',
    [WINDOW, AGAIN, NUMBERS],
  ],
  [
    '4.3.3-2',
    'QoS 2 that comes in is answered with PUBREC, as often as it comes, and passed on once; PUBREL with PUBCOMP, and then the identifier is new',
    [TWICE, 'what was received with QoS 2 is known after a reconnect, and a PUBREL of what is not known is answered'],
  ],
  ['4.4.0-1', 'after a reconnect, what is not acknowledged is sent again, with its identifier', [AGAIN, LASTS]],
  ['4.5.0-1', 'a message goes into the sessions of those whose filters match', [LASTS, MATCHES]],
  ['4.5.0-2', 'a client acknowledges what comes, whatever it does with it', 'binds clients'],
  ['4.6.0-1', 'what is sent again is in its old order', [AGAIN]],
  ['4.6.0-2', 'PUBACKs are in the order of their PUBLISHes', [WINDOW]],
  [
    '4.6.0-3',
    'PUBRECs are too',
    [
      'mosquitto: a thousand lines with QoS 2 come once each, and in order',
      'a message of QoS 2 that comes again before it is released is answered and not passed on; after that its number is new',
    ],
  ],
  [
    '4.6.0-4',
    'PUBRELs are in the order of their PUBRECs',
    ['mosquitto: a thousand lines with QoS 2 come once each, and in order'],
  ],
  ['4.6.0-5', 'the order of a topic is kept unless somebody says otherwise', [ORDER]],
  [
    '4.6.0-6',
    'a subscriber gets the messages of a client, of one topic and QoS, in their order',
    [ORDER, WINDOW, 'npm: a thousand messages of QoS 1 at once, to three who listen'],
  ],
  [
    '4.7.1-1',
    'wildcards are for filters, not for topics',
    [
      'a topic has a character or more and no wildcards; slashes and spaces are characters',
      'a topic with a wildcard is refused',
    ],
  ],
  [
    '4.7.1-2',
    '# is alone on the last level',
    [
      'a wildcard of a filter is a level of its own, and # the last',
      'a SUBSCRIBE with a wrong filter is refused',
      CLOSES,
    ],
  ],
  ['4.7.1-3', '+ is alone on its level', ['a wildcard of a filter is a level of its own, and # the last', MATCHES]],
  [
    '4.7.2-1',
    'a filter that begins with a wildcard does not match a topic that begins with $',
    [
      MATCHES,
      'wildcards match what the standard says, and topics that begin with $ only by name',
      'mosquitto: $SYS tells how it stands, and # does not',
    ],
  ],
  [
    '4.7.3-1',
    'topics and filters have a character or more',
    ['an empty topic is refused', 'a wildcard of a filter is a level of its own, and # the last', CLOSES],
  ],
  ['4.7.3-2', 'and no U+0000', ['U+0000 in a text is refused']],
  ['4.7.3-3', 'and 65,535 bytes at most', ['what has no bytes is a RangeError']],
  [
    '4.7.3-4',
    'they are compared as they are: nothing is normalised',
    [MATCHES, 'names of the wire are names and nothing else'],
  ],
  [
    '4.8.0-1',
    'a violation closes the connection on which it came',
    [
      CLOSES,
      'a second CONNECT closes the connection',
      'a PUBACK of a message of QoS 2 closes the connection',
      'more messages of QoS 2 than the limit that are not released close the connection',
    ],
  ],
  [
    '4.8.0-2',
    'so does a passing failure while a packet is dealt with',
    ['a judge that fails or takes more than 10 s is answered 3, and told to the program'],
  ],

  // ── other transports, and who conforms ────────────────────────────────────────────────────────────────────────────
  ['6.0.0-1', 'packets come in binary frames', 'binds WebSocket'],
  ['6.0.0-2', 'which are cut anywhere', ['packets are the same wherever the network has cut them']],
  ['6.0.0-3', 'a client offers the subprotocol mqtt', 'binds WebSocket'],
  ['6.0.0-4', 'a server chooses it', 'binds WebSocket'],
  ['7.0.0-1', 'a server that is a client of others is both', 'binds bridges'],
  [
    '7.0.0-2',
    'no extensions are needed to be understood',
    [
      'mosquitto: every QoS of a publisher with every one of a subscriber',
      'npm: publishes and subscribes with every QoS, with wildcards, retained messages and UNSUBSCRIBE',
    ],
  ],
  [
    '7.1.1-1',
    'a server speaks over an ordered and lossless stream',
    ['npm: a thousand messages of QoS 1 at once, to three who listen'],
  ],
  ['7.1.2-1', 'and so does a client', 'binds clients'],
];
