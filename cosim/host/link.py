"""A request a line and an answer a line, over two file descriptors, with a time limit."""

from __future__ import annotations

import os
import select
import time

from cosim.host.errors import BoardError, BoardTimeout, HostError

__all__ = ["Link"]

_CHUNK = 65536


class Link:
    """The host's end of a board's line protocol (`cosim.host.board.server`).

    Parameters
    ----------
    reader, writer
        File descriptors; whoever made them closes them.
    peer
        What is at the other end, for messages.
    seconds
        Time limit of an answer.
    mark
        What an answer begins with; other lines, such as a tool's own messages, are kept in ``heard``.
    """

    def __init__(self, reader: int, writer: int, *, peer: str, seconds: float, mark: str = "") -> None:
        self._reader, self._writer, self._mark = reader, writer, mark
        self.peer, self.seconds = peer, seconds
        self.heard: list[str] = []
        self._rest = b""

    def ask(self, request: str) -> str:
        """Send a request and return what follows ``ok`` in the answer.

        Raises BoardError for an answer that is an error, BoardTimeout if none comes in time or the bus does not
        answer, HostError if the other end is gone.
        """
        try:
            os.write(self._writer, request.encode() + b"\n")
        except OSError:
            raise self._gone() from None
        return self.answer(f"`{request}`", self.seconds)

    def answer(self, what: str, seconds: float) -> str:
        """Return what follows ``ok`` in the next answer; errors as `ask`."""
        until = time.monotonic() + seconds
        while True:
            line = self._line(what, until, seconds)
            if not line.startswith(self._mark):
                self.heard.append(line)
                continue
            kind, _, text = line.removeprefix(self._mark).strip().partition(" ")
            if kind == "ok":
                return text
            if kind == "timeout":
                raise BoardTimeout(f"{self.peer}: {text}")
            raise BoardError(f"{self.peer}: {text}" if kind == "error" else f"{self.peer} answered {line[:80]!r}")

    def _line(self, what: str, until: float, seconds: float) -> str:
        while b"\n" not in self._rest:
            ready, _, _ = select.select([self._reader], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise BoardTimeout(f"{self.peer} must answer {what} within {seconds:g} s, and did not; see --timeout")
            try:
                received = os.read(self._reader, _CHUNK)
            except OSError:
                raise self._gone() from None
            if not received:
                raise self._gone()
            self._rest += received
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode("utf-8", "replace").rstrip("\r")

    def _gone(self) -> HostError:
        said = "".join(f"\n{line}" for line in self.heard[-10:])
        return HostError(f"{self.peer} ended in mid-session{said}")
