"""Twisted: frames cut by hand, all answers to what has come in one write. Echoes frames with a 2-byte length."""

import sys

from twisted.internet import epollreactor

epollreactor.install()

from twisted.internet import protocol, reactor  # noqa: E402  (the reactor has to be chosen first)

HEADER = 2


class Echo(protocol.Protocol):
    def connectionMade(self):
        self.left = b""
        self.transport.setTcpNoDelay(True)

    def dataReceived(self, data):
        if self.left:
            data = self.left + data
        at = 0
        length = len(data)
        answers = []
        while length - at >= HEADER:
            end = at + HEADER + (data[at] << 8 | data[at + 1])
            if end > length:
                break
            answers.append(self.answer(data[at:end]))
            at = end
        self.left = data[at:]
        if answers:
            self.transport.write(b"".join(answers))

    def answer(self, frame):
        return frame


factory = protocol.Factory.forProtocol(Echo)
factory.noisy = False
reactor.listenTCP(int(sys.argv[1]), factory, backlog=511, interface="127.0.0.1")
print("listening", flush=True)
reactor.run()
