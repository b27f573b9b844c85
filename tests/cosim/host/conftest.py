"""What all tests of the host need."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

__all__ = ["broken_pipes"]


@pytest.fixture(autouse=True)
def broken_pipes() -> Iterator[None]:
    """Let a broken pipe be an error, as Python does; vcdvcd 2.6.0, which other tests import, has it end the process."""
    handler = signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGPIPE, handler)
