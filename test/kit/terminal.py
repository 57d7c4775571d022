# A program at a terminal of its own: python3 terminal.py ROWS COLUMNS COMMAND ...
#
# Copies what the program shows to the standard output. Lines of JSON on the standard input say what happens there:
# {"keys": "text"}, {"size": [ROWS, COLUMNS]}, {"modes": true}: writes the modes of the terminal as `<modes ...>`.
# Ends with the program's exit code.
import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios


def resize(terminal, rows, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def modes(terminal):
    flags = termios.tcgetattr(terminal)[3]
    on = [name for name in ("ECHO", "ICANON", "ISIG") if flags & getattr(termios, name)]
    return "<modes " + " ".join(on) + ">"


rows, columns = int(sys.argv[1]), int(sys.argv[2])
child, terminal = pty.fork()
if child == 0:
    resize(0, rows, columns)
    os.execvp(sys.argv[3], sys.argv[3:])

pending = b""
reading = [terminal, sys.stdin.fileno()]
while terminal in reading:
    ready, _, _ = select.select(reading, [], [])
    if sys.stdin.fileno() in ready:
        data = os.read(sys.stdin.fileno(), 65536)
        if not data:
            reading.remove(sys.stdin.fileno())
            os.kill(child, signal.SIGHUP)
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            told = json.loads(line)
            if "keys" in told:
                os.write(terminal, told["keys"].encode())
            if "size" in told:
                resize(terminal, *told["size"])
                os.kill(child, signal.SIGWINCH)
            if "modes" in told:
                os.write(1, modes(terminal).encode())
    if terminal in ready:
        try:
            data = os.read(terminal, 65536)
        except OSError:  # Linux: the last of those at the terminal has gone
            data = b""
        if data:
            os.write(1, data)
        else:
            reading.remove(terminal)

_, status = os.waitpid(child, 0)
os.write(1, modes(terminal).encode())
sys.exit(os.waitstatus_to_exitcode(status) % 256)
