"""A line there, a line back: answers, errors, silence and an end, over pipes."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from cosim.host.errors import BoardError, BoardTimeout, HostError
from cosim.host.link import Link
from cosim.host.transport import LinkTransport


class Peer:
    """The other end of a link, which says what it is told to beforehand."""

    def __init__(self, mark: str = "") -> None:
        self.heard, self._host_writes = os.pipe()
        self._host_reads, self.says = os.pipe()
        self.link = Link(
            lambda: os.read(self._host_reads, 1000), lambda data: os.write(self._host_writes, data),
            peer="the peer", seconds=0.2, mark=mark,
        )  # fmt: skip
        self._open = {self.heard, self.says}

    def say(self, text: str) -> None:
        os.write(self.says, text.encode())

    def close(self, descriptor: int) -> None:
        os.close(descriptor)
        self._open.remove(descriptor)

    def end(self) -> None:
        for descriptor in list(self._open):
            self.close(descriptor)
        assert self.link.join(5)
        os.close(self._host_reads)
        os.close(self._host_writes)


@pytest.fixture
def peer() -> Iterator[Peer]:
    found = Peer()
    yield found
    found.end()


def test_answers(peer: Peer) -> None:
    peer.say("ok 0x1 2\r\nok\n")
    assert peer.link.ask("read 0 2") == "0x1 2"
    assert peer.link.ask("write 0 1") == ""
    assert os.read(peer.heard, 100) == b"read 0 2\nwrite 0 1\n"


def test_errors(peer: Peer) -> None:
    peer.say("error no such port\ntimeout no answer\nwhat?\n")
    with pytest.raises(BoardError, match=r"^the peer: no such port$"):
        peer.link.ask("set a 1")
    with pytest.raises(BoardTimeout, match=r"^the peer: no answer$"):
        peer.link.ask("read 0")
    with pytest.raises(BoardError, match=r"^the peer answered 'what\?'$"):
        peer.link.ask("read 0")


def test_silence(peer: Peer) -> None:
    peer.say("ok 0x")
    with pytest.raises(BoardTimeout, match=r"^the peer must answer `read 0` within 0.2 s, and did not; see --timeout$"):
        peer.link.ask("read 0")


def test_the_end(peer: Peer) -> None:
    peer.close(peer.says)
    with pytest.raises(HostError, match=r"^the peer ended in mid-session$"):
        peer.link.ask("read 0")
    peer.close(peer.heard)
    with pytest.raises(HostError, match=r"^the peer ended in mid-session$"):
        peer.link.ask("read 0")


def test_lines_without_the_mark_are_kept() -> None:
    peer = Peer("@board ")
    peer.say("Welcome\n% \n@board ok 5\nTcl error\n")
    assert peer.link.ask("read 0") == "5"
    peer.close(peer.says)
    with pytest.raises(HostError, match=r"^the peer ended in mid-session\nWelcome\n% \nTcl error$"):
        peer.link.ask("read 0")
    peer.end()


def test_transport(peer: Peer) -> None:
    closed: list[bool] = []
    transport = LinkTransport(peer.link, lambda: closed.append(True))
    peer.say("ok 0x12 0xffffffff\nok 7\nok\n")
    assert transport.read_words(0x100, 2) == [0x12, 0xFFFFFFFF]
    assert transport.read(0x60) == 7
    transport.write(0x28, 0x0A02)
    assert os.read(peer.heard, 100) == b"read 0x100 2\nread 0x060 1\nwrite 0x028 0x00000a02\n"
    transport.close()
    transport.close()
    assert closed == [True]
