"""A request a line and an answer a line, over any two ends that carry bytes, with a time limit."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

from cosim.host.errors import BoardError, BoardTimeout, HostError

__all__ = ["Link"]

_SLICE_SECONDS = 0.2
"""How long the main thread waits at once: on Windows, Ctrl-C is heeded only between two waits."""


class Link:
    """The host's end of a board's line protocol (`cosim.host.board.server`).

    A thread of its own reads, since Windows can wait for bytes with a time limit on sockets alone.

    Parameters
    ----------
    read
        Returns some bytes as soon as there are any, and none at the end; an OSError is an end too.
    write
        Sends bytes.
    peer
        What is at the other end, for messages.
    seconds
        Time limit of an answer.
    mark
        What an answer begins with; other lines, such as a tool's own messages, are kept in ``heard``.
    """

    def __init__(
        self,
        read: Callable[[], bytes],
        write: Callable[[bytes], object],
        *,
        peer: str,
        seconds: float,
        mark: str = "",
    ) -> None:
        self._read, self._write, self._mark = read, write, mark
        self.peer, self.seconds = peer, seconds
        self.heard: list[str] = []
        self._rest = b""
        self._received: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    def ask(self, request: str) -> str:
        """Send a request and return what follows ``ok`` in the answer.

        Raises BoardError for an answer that is an error, BoardTimeout if none comes in time or the bus does not
        answer, HostError if the other end is gone.
        """
        try:
            self._write(request.encode() + b"\n")
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

    def join(self, seconds: float) -> bool:
        """Wait for the end of what the other end says; return whether it came, so that the ends can be closed."""
        self._reader.join(seconds)
        return not self._reader.is_alive()

    def _listen(self) -> None:
        received = b"-"
        while received:
            try:
                received = self._read()
            except OSError:
                received = b""
            self._received.put(received)

    def _line(self, what: str, until: float, seconds: float) -> str:
        while b"\n" not in self._rest:
            left = until - time.monotonic()
            try:
                received = self._received.get(timeout=max(0.0, min(left, _SLICE_SECONDS)))
            except queue.Empty:
                if left <= 0:
                    raise BoardTimeout(
                        f"{self.peer} must answer {what} within {seconds:g} s, and did not; see --timeout"
                    ) from None
                continue
            if not received:
                # For whoever asks next.
                self._received.put(b"")
                raise self._gone()
            self._rest += received
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode("utf-8", "replace").rstrip("\r")

    def _gone(self) -> HostError:
        said = "".join(f"\n{line}" for line in self.heard[-10:])
        return HostError(f"{self.peer} ended in mid-session{said}")
