"""What a host needs of a board, and a record of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cosim.host.link import Link

__all__ = ["Access", "LinkTransport", "Recorded", "Transport"]


class Transport(Protocol):
    """Words of 32 bits at byte addresses that are multiples of four."""

    def read(self, address: int) -> int:
        """Return a word."""

    def read_words(self, address: int, count: int) -> list[int]:
        """Return ``count`` words from consecutive addresses."""

    def write(self, address: int, value: int) -> None:
        """Write a word."""

    def wait(self, seconds: float) -> None:
        """Let the machine work for some time; a simulated one may have less of it."""

    def close(self) -> None:
        """End the connection, and what was started for it; may be called again."""


@dataclass(frozen=True)
class Access:
    """One word on the bus."""

    kind: str
    """``read`` or ``write``."""
    address: int
    value: int

    def __str__(self) -> str:
        return f"{self.kind} {self.address:#05x} {self.value:#010x}"


class LinkTransport:
    """A board behind a line protocol; ``close`` is called once, at the end, and ``wait`` lets its time pass."""

    def __init__(
        self, link: Link, close: Callable[[], None], wait: Callable[[float], None] = time.sleep
    ) -> None:
        self.link, self.wait = link, wait
        self._close: Callable[[], None] | None = close

    def read(self, address: int) -> int:
        """Return a word; errors as `Link.ask`."""
        return self.read_words(address, 1)[0]

    def read_words(self, address: int, count: int) -> list[int]:
        """Return consecutive words; errors as `Link.ask`."""
        return [int(word, 0) for word in self.link.ask(f"read {address:#05x} {count}").split()]

    def write(self, address: int, value: int) -> None:
        """Write a word; errors as `Link.ask`."""
        self.link.ask(f"write {address:#05x} {value:#010x}")

    def close(self) -> None:
        """End the connection."""
        close, self._close = self._close, None
        if close is not None:
            close()


class Recorded:
    """A transport that hands every access on to ``record`` once it has been answered."""

    def __init__(self, transport: Transport, record: Callable[[Access], None]) -> None:
        self._transport, self._record = transport, record

    def read(self, address: int) -> int:
        """Return a word."""
        return self.read_words(address, 1)[0]

    def read_words(self, address: int, count: int) -> list[int]:
        """Return consecutive words; each is an access."""
        words = self._transport.read_words(address, count)
        for index, word in enumerate(words):
            self._record(Access("read", address + 4 * index, word))
        return words

    def write(self, address: int, value: int) -> None:
        """Write a word."""
        self._transport.write(address, value)
        self._record(Access("write", address, value))

    def wait(self, seconds: float) -> None:
        """Let the machine work."""
        self._transport.wait(seconds)

    def close(self) -> None:
        """End the connection."""
        self._transport.close()
