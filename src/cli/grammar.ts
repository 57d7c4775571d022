import * as client from './commands/client.js';
import * as config from './commands/config.js';
import * as run from './commands/run.js';
import * as show from './commands/show.js';
import { chat, echo, fixedSize, lines, proxy, variable } from './protocols.js';
import { type Row, row, shown, untilKey } from './row.js';

/**
 * Every command of the shell. A word in capitals stands for what is given there, see `kinds`.
 *
 * `config tcp-server NAME` enters the context of that server, in which a line may also be what follows those words.
 */
export const grammar: readonly Row[] = [
  // -- servers -------------------------------------------------------------------------------------------------------
  row(
    'config tcp-server NAME',
    'enters the context of a server, which is made if there is none of that name',
    config.enter,
  ),
  row('config tcp-server NAME IP PORT', 'where it listens: 127.0.0.1 40000 unless it is set', config.place),
  row(
    'config tcp-server NAME protocol echo',
    'what comes goes back, which is so unless it is set',
    config.speak(() => echo),
  ),
  row(
    'config tcp-server NAME protocol chat',
    'lines; what one says is told to all others',
    config.speak(() => chat),
  ),
  row('config tcp-server NAME protocol line', 'takes lines, and answers none', config.speak(lines)),
  row(
    'config tcp-server NAME protocol fixed SIZE',
    'takes messages of so many bytes, and answers none',
    config.speak(({ SIZE }) => fixedSize(SIZE)),
  ),
  row(
    'config tcp-server NAME protocol variable',
    'takes messages behind their length, 2 bytes, little-endian, which counts itself; answers none',
    config.speak(variable),
  ),
  row(
    'config tcp-server NAME protocol proxy HOST PORT',
    'hands everything on to another server, and its answers back',
    config.speak(({ HOST, PORT }) => proxy(HOST, PORT)),
  ),
  row('config tcp-server NAME protocol MODULE', 'a protocol or handler of your own', config.speakModule),
  row('config tcp-server NAME start', 'opens the port', config.start),
  row('config tcp-server NAME stop', 'stops in order: what was asked is answered, then all is closed', config.stop),
  row('config tcp-server NAME abort', 'stops at once, and cuts all clients off', config.abort),
  row('no tcp-server NAME', 'aborts it and forgets it', config.forget),

  // -- what a server does --------------------------------------------------------------------------------------------
  row('config tcp-server NAME disable-conn-accept', 'lets nobody in: who dials waits', config.pauseAccepting),
  row(
    'config tcp-server NAME no disable-conn-accept',
    'lets those in who wait, and all others',
    config.resumeAccepting,
  ),
  row(
    'config tcp-server NAME disable-client-listen',
    'reads nothing from any client: nothing is lost',
    config.pauseListening,
  ),
  row('config tcp-server NAME no disable-client-listen', 'reads from them again', config.resumeListening),
  row('config tcp-server NAME ka-interval SECONDS', 'sends a keep-alive after so long a silence', config.keepAlive),
  row('config tcp-server NAME no ka-interval', 'sends none, or what the protocol itself says', config.noKeepAlive),
  row('config tcp-server NAME max-clients COUNT', 'how many clients there may be at once', config.maxClients),
  row('config tcp-server NAME no max-clients', 'as many as there may be unless it is set: 10000', config.noMaxClients),
  row('config tcp-server NAME deny CIDR', 'refuses these addresses, whatever is allowed', config.deny),
  row('config tcp-server NAME no deny CIDR', 'refuses them no longer', config.forgetRule),
  row('config tcp-server NAME allow CIDR', 'takes these addresses, and none that is not allowed', config.allow),
  row('config tcp-server NAME no allow CIDR', 'takes that back', config.forgetRule),
  row('config tcp-server NAME multi-threaded-mode', 'serves from many processes: not yet', config.manyProcesses),
  row(
    'config tcp-server NAME no multi-threaded-mode',
    'serves from one process, which is always so',
    config.oneProcess,
  ),

  // -- its clients ---------------------------------------------------------------------------------------------------
  row(
    'config tcp-server NAME connect IP PORT',
    'dials a peer, again when it is lost, and treats it as a client',
    config.connect,
  ),
  row('config tcp-server NAME no connect IP PORT', 'disconnects it, and dials no more', config.noConnect),
  row('config tcp-server NAME client CLIENT disconnect', 'sends what waits for it, and closes', client.disconnect),
  row(
    'config tcp-server NAME client CLIENT disable-listen',
    'reads nothing from it: nothing is lost',
    client.pauseListening,
  ),
  row('config tcp-server NAME client CLIENT no disable-listen', 'reads from it again', client.resumeListening),
  row('run tcp-server NAME send-msg IP PORT TEXT', 'sends a message to one client', run.sendMessage),
  row('run tcp-server NAME broadcast TEXT', 'sends a message to all of its clients', run.broadcast),

  // -- what there is -------------------------------------------------------------------------------------------------
  ...shown('show tcp-server', 'all servers', show.servers),
  ...shown('show tcp-server NAME', 'one server: its address, state, figures and clients', show.server),
  ...shown('show clients', 'all clients of all servers', show.clients),
  ...shown('show clients NAME', 'the clients of one server', show.clientsOf),
  ...untilKey(shown('show events', 'what happens, until a key is pressed', show.events)),
  ...untilKey(shown('show events SECONDS', 'what happens, for so long', show.eventsFor)),
  row('show running-config', 'the commands that rebuild what there is', show.config),
  row('top', 'a live table of the clients', () => 'top'),

  // -- whoever types -------------------------------------------------------------------------------------------------
  row('wait SECONDS', 'does nothing for so long', run.wait),
  row('wait tcp-server NAME clients COUNT', 'until it has so many clients, for at most 30 s', run.waitForClients),
  row(
    'wait tcp-server NAME messages COUNT',
    'until so many messages came to it, for at most 30 s',
    run.waitForMessages,
  ),
  row('help', 'all commands; ? after the beginning of one says what may follow', (_, call) => call.session.help(call)),
  row('history', 'the lines that were typed', () => 'history'),
  row('exit', 'leaves the context of a server, or the shell', (_, call) => call.session.exit()),
  row('end', 'leaves the context of a server', (_, call) => call.session.end()),
  row('quit', 'stops all servers in order, and leaves; attached to a shell, leaves it alone', () => 'leave'),
];
