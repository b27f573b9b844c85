"""What all tests of the host need."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cosim.host import session
from cosim.host.transport import Transport
from tests.helpers.model_board import ModelBoard
from tests.helpers.plugged_boards import Plug

__all__ = ["broken_pipes", "plug"]


@pytest.fixture(autouse=True)
def broken_pipes() -> Iterator[None]:
    """Let a broken pipe be an error, as Python does; vcdvcd 2.6.0, which other tests import, has it end the process."""
    handler = signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGPIPE, handler)


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> Plug:
    """Return a function that makes a board the one that every command finds."""

    def found(board: ModelBoard) -> ModelBoard:
        @contextmanager
        def transport(*arguments: Any) -> Iterator[Transport]:
            try:
                yield board
            finally:
                board.close()

        monkeypatch.setattr(session, "open_transport", transport)
        return board

    return found
