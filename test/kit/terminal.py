# A program at a terminal of its own: python3 terminal.py ROWS COLUMNS COMMAND ...
#
# Copies what the program shows to the standard output. Lines of JSON on the standard input say what happens there:
# {"keys": ["a", "b"]}: one after another, each once the one before has been read; {"size": [ROWS, COLUMNS]};
# {"modes": true}: writes the modes of the terminal as `<modes ...>`. The end of the input hangs the terminal up.
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
import time

TIOCGPTN = 0x80045430  # which of /dev/pts it is; Linux only


def resize(terminal, rows, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def modes(terminal):
    flags = termios.tcgetattr(terminal)[3]
    on = [name for name in ("ECHO", "ICANON", "ISIG") if flags & getattr(termios, name)]
    return "<modes " + " ".join(on) + ">"


def number(terminal, request):
    return struct.unpack("i", fcntl.ioctl(terminal, request, b"\0" * 4))[0]


class Terminal:
    def __init__(self, rows, columns, command):
        self.child, self.end = pty.fork()
        if self.child == 0:
            resize(0, rows, columns)
            os.execvp(command[0], command)
        self.open = True

    def copy(self):
        """Copies what there is to be shown."""
        try:
            data = os.read(self.end, 65536)
        except OSError:  # Linux: the last of those at the terminal has gone
            data = b""
        self.open = data != b""
        os.write(1, data)

    def unread(self):
        """Whether the program has keys to read that it has not read."""
        try:
            other = os.open(f"/dev/pts/{number(self.end, TIOCGPTN)}", os.O_RDWR | os.O_NOCTTY)
        except OSError:
            return False
        try:
            return number(other, termios.FIONREAD) > 0
        finally:
            os.close(other)

    def press(self, key):
        os.write(self.end, key.encode())
        # The key takes a moment to get to the other end: it has been read once it is not there any more.
        self.while_(lambda: not self.unread(), 0.03)
        self.while_(self.unread, 5)

    def while_(self, so, seconds):
        until = time.monotonic() + seconds
        while self.open and time.monotonic() < until and so():
            if select.select([self.end], [], [], 0.001)[0]:
                self.copy()

    def obey(self, told):
        for key in told.get("keys", []):
            self.press(key)
        if "size" in told:
            resize(self.end, *told["size"])
            os.kill(self.child, signal.SIGWINCH)
        if "modes" in told:
            os.write(1, modes(self.end).encode())


terminal = Terminal(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
pending = b""
heard = [sys.stdin.fileno()]
while terminal.open:
    ready, _, _ = select.select([terminal.end, *heard], [], [])
    if sys.stdin.fileno() in ready:
        data = os.read(sys.stdin.fileno(), 65536)
        if not data:
            heard = []
            os.kill(terminal.child, signal.SIGHUP)
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            terminal.obey(json.loads(line))
    elif terminal.end in ready:
        terminal.copy()

_, status = os.waitpid(terminal.child, 0)
os.write(1, modes(terminal.end).encode())
sys.exit(os.waitstatus_to_exitcode(status) % 256)
