"""The table of transports: what is opened, and what the user is told."""

from __future__ import annotations

import pytest

from cosim.host.errors import NoQuartus
from cosim.host.transports import TRANSPORTS, Connection, open_transport
from hdl.design import Design


def no_design() -> Design:
    """Fail: a real board has a design of its own."""
    raise AssertionError("no design must be made")


def test_the_simulated_board_is_the_default() -> None:
    """A board is not touched unless it is asked for."""
    assert list(TRANSPORTS) == ["simulation", "system-console", "serial"]


def test_system_console(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("QUARTUS_ROOTDIR", raising=False)
    said: list[str] = []
    connection = Connection(design=no_design, seconds=1, notice=said.append)
    with pytest.raises(NoQuartus), open_transport("system-console", connection):
        pass
    assert said == ["starting System Console, some ten seconds"]


def test_an_unknown_transport() -> None:
    message = r"^transport must be one of simulation, system-console, serial, not 'usb'$"
    with pytest.raises(ValueError, match=message), open_transport("usb", Connection(design=no_design, seconds=1)):
        pass
