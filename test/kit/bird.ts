import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Program, installed, start } from './program.js';

/** Where Debian has it, which is not on everybody's path. */
const command = installed('bird') ? 'bird' : '/usr/sbin/bird';

/** Whether the BIRD routing daemon, version 2, is installed here. */
export const birdInstalled = (): boolean => installed(command);

/** Where BIRD is to listen, whom it is to talk to, and what else its BGP protocol is to be told. */
export interface BirdOptions {
  readonly port: number;
  readonly neighbour: number;
  readonly holdTime: number;
  readonly more?: string;
}

/**
 * A real BIRD of AS 65002 with one BGP session, over loopback, which announces one route; and how to end it. It changes no
 * routing table of the system: there is no kernel protocol in its configuration.
 */
export const bird = ({
  port,
  neighbour,
  holdTime,
  more = '',
}: BirdOptions): { readonly program: Program; readonly end: () => Promise<void> } => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bird-'));
  const file = join(folder, 'bird.conf');
  writeFileSync(
    file,
    `log stderr all;
     router id 10.0.0.2;
     debug protocols { states, events };
     protocol device { disabled; }
     protocol static { ipv4; route 192.0.2.0/24 blackhole; }
     protocol bgp peer {
       local 127.0.0.1 port ${port} as 65002;
       neighbor 127.0.0.1 port ${neighbour} as 65001;
       multihop;
       hold time ${holdTime};
       connect delay time 1;
       connect retry time 1;
       error wait time 1, 1;
       ${more}
       ipv4 { import none; export all; };
     }
    `,
  );
  const program = start(command, ['-f', '-c', file, '-s', join(folder, 'control'), '-P', join(folder, 'pid')]);
  return {
    program,
    end: async () => {
      program.signal('SIGKILL');
      await program.exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
