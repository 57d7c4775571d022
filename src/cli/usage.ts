/** What `npx sluice --help` says. */
export const usage = `sluice: TCP servers to steer

  npx sluice [options]                 a shell: build servers, watch them, talk to their clients; ? helps
  npx sluice [options] < setup.txt     runs lines one after another; the first that fails ends it with exit code 1
    --socket PATH                      lets others attach: a Unix socket that only its owner may use
    --history FILE                     where typed lines are kept ('' nowhere; also SLUICE_HISTORY)
    --keep-going                       goes on after a line that fails

  npx sluice echo|chat [options]       a server at once: what comes goes back, or to all others
  npx sluice proxy HOST PORT [options] one that hands everything on
    --port N                           where it listens (default 7000; 0 takes a free one)
    --host ADDRESS                     (default 127.0.0.1)
    --socket PATH                      as above

  npx sluice dial HOST PORT [options]  a client: sends the lines of its input, shows the frames in and out
    --frame RULE                       lines (default), u8, u16be, u16le, u32be, u32le, variable, varint, netstring,
                                       fixed:N, or hex for bytes as they come

  npx sluice attach PATH               types into the shell that has its socket there
  npx sluice top [--once]              a live table of the clients of such a shell
    --seconds N                        how often it is drawn again (default 1)
  npx sluice show|run|config|no ...    one line for such a shell: npx sluice show clients --json --socket PATH
    --socket PATH                      which one (also SLUICE_SOCKET)

  npx sluice --help, --version

Exit codes: 0 all went well, 1 something failed, 2 the command line was not understood.
docs/shell.md tells it at length.
`;
