"""The ways to a board: name -> what opens it. A way's own module is loaded when that way is taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from cosim.host.errors import HostError
from cosim.host.transport import Transport
from hdl.boards.parts.serial_protocol import BAUD
from hdl.design import Design

__all__ = ["TRANSPORTS", "Connection", "open_transport"]


@dataclass(frozen=True, kw_only=True)
class Connection:
    """What is known before a board is found."""

    design: Callable[[], Design]
    """Makes the design that is simulated; a real board has its own."""
    seconds: float
    """Wall time limit of an access."""
    notice: Callable[[str], None] = lambda text: None
    """Told of what takes long."""
    port: str | None = None
    """Serial port; the only one on USB without."""
    baud: int = BAUD
    """Bits a second on it."""


def _simulation(connection: Connection) -> AbstractContextManager[Transport]:
    try:
        from cosim.host.board.simulation import simulation
    except ImportError as error:
        raise HostError(
            f"the simulated board needs a simulator, which is not installed ({error}): "
            "use --transport system-console for a real board"
        ) from None
    return simulation(connection)


def _system_console(connection: Connection) -> AbstractContextManager[Transport]:
    from cosim.host.system_console import system_console

    connection.notice("starting System Console, some ten seconds")
    return system_console(seconds=connection.seconds)


def _serial(connection: Connection) -> AbstractContextManager[Transport]:
    try:
        from cosim.host.serial_port import serial_board
    except ImportError as error:
        raise HostError(f"a serial port needs pyserial ({error}): install it with `pip install pyserial`") from None
    return serial_board(
        connection.port, baud=connection.baud, seconds=connection.seconds, notice=connection.notice
    )


TRANSPORTS: dict[str, Callable[[Connection], AbstractContextManager[Transport]]] = {
    "simulation": _simulation,
    "system-console": _system_console,
    "serial": _serial,
}
"""Name on the command line -> what returns an open board; the first is the default."""


@contextmanager
def open_transport(name: str, connection: Connection) -> Iterator[Transport]:
    """Yield a board's registers; what was started for them ends with the block.

    Raises ValueError for an unknown transport, HostError if there is no board; and what the transport itself raises.
    """
    if name not in TRANSPORTS:
        raise ValueError(f"transport must be one of {', '.join(TRANSPORTS)}, not {name!r}")
    with TRANSPORTS[name](connection) as transport:
        yield transport
