// A proxy to another host and port, or to several that do the same work. Backpressure goes through it: while one side
// does not read, the other is not read from. A target that is down is left out for a while, and nobody notices.
import * as E from 'fp-ts/lib/Either.js';
import { mergeMap } from 'rxjs';
import { type Balancer, type Strategy, balance, listen } from 'sluice';
import { serve } from 'sluice/operators';
import { commandLine } from './arguments.js';

const { host, port, toHost, toPort, to, strategy } = commandLine(
  [
    'npm run example -- proxy [--host ADDRESS] [--port N] [--to-host ADDRESS] [--to-port N]',
    '                         [--to HOST:PORT,HOST:PORT,...] in place of these two, for several',
    '                         [--strategy round-robin|least-connections|two-choices|consistent-hash]',
  ].join('\n'),
  { host: '127.0.0.1', port: 8000, toHost: '127.0.0.1', toPort: 7000, to: '', strategy: 'round-robin' },
);

/** `127.0.0.1:7000`, `[::1]:7000`; and of the address of a peer, what is left of it without the port. */
const hostOf = (address: string): string => address.slice(0, address.lastIndexOf(':')).replaceAll(/[[\]]/g, '');
const portOf = (address: string): number => Number(address.slice(address.lastIndexOf(':') + 1));

const upstreams = (): Balancer => {
  try {
    const targets =
      to === ''
        ? [{ host: toHost, port: toPort }]
        : to.split(',').map((address) => ({ host: hostOf(address), port: portOf(address) }));
    return balance(targets, strategy as Strategy);
  } catch (error) {
    console.error(`--to takes HOST:PORT,HOST:PORT,... and --strategy a name: ${(error as Error).message}`);
    return process.exit(2);
  }
};

const upstream = upstreams();
upstream.changes.subscribe((change) => {
  if (change.type === 'ejected') console.log(`${change.target} is left out for ${change.ms / 1_000} s`);
  if (change.type === 'returned') console.log(`${change.target} is tried again`);
});

listen({ host, port, onListening: ({ name }) => console.log(`listening on ${name}`) })
  .pipe(
    serve((bytes, { peer }) =>
      // The consistent hash goes by the client's address: it has the same upstream each time.
      upstream.dial(hostOf(peer)).pipe(
        mergeMap((far) => {
          // The way up is a subscription of its own: it goes on after the way down has ended, and the other way round.
          // Where it fails, so does the way down, which is told.
          bytes.pipe(far.writes).subscribe({ error: () => {} });
          return far.reads;
        }),
      ),
    ),
  )
  .subscribe(
    E.match(
      ({ connection, error }) => console.log(`${connection.peer} failed: ${String(error)}`),
      ({ peer, statistics }) =>
        console.log(`${peer} is done: ${statistics.bytesIn} bytes up, ${statistics.bytesOut} down`),
    ),
  );
