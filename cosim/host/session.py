"""A board that has been found, asked who it is, and is ready to work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from cosim.host.errors import OtherBuild
from cosim.host.machine import Identity, identify
from cosim.host.transport import Access, Recorded, Transport
from cosim.host.transports import Connection, open_transport
from cosim.host.wanted import check_identity, wanted_by
from hdl.boards.parts.serial_protocol import BAUD
from hdl.core.config import BARRELS
from hdl.design import Design
from hdl.options import Choice
from hdl.registers.map import RegisterMap
from hdl.registers.maps import registers_of

__all__ = ["Session", "open_session"]

_OTHER = {
    True: "batches of names, of which no letter leaves it: use `python -m cosim.host batch`",
    False: "one name at a time: use `python -m cosim.host generate` or another command",
}
"""What a core makes, and the commands for it."""

@dataclass(frozen=True, kw_only=True)
class Session:
    """A machine to be used, and what it is known to be."""

    bus: Transport
    transport: str
    identity: Identity
    design: Design
    seconds: float
    """Wall time limit of a name or step."""
    warning: str | None
    """What the user should know of this board."""

    @property
    def registers(self) -> RegisterMap:
        """Where the board has what."""
        return registers_of(self.design.core)


@contextmanager
def open_session(
    transport: str,
    choice: Choice,
    *,
    seconds: float,
    batches: bool | None = None,
    port: str | None = None,
    baud: int = BAUD,
    notice: Callable[[str], None] = lambda text: None,
    record: Callable[[Access], None] | None = None,
) -> Iterator[Session]:
    """Find a board, and yield it once it is known to be what was chosen; ``record`` is told of every access.

    ``port`` and ``baud`` are of the serial transport; ``batches`` says whether the machine has to make batches, or has
    to make single names; None if that is all the same.

    Raises OSError or ValueError, before a board is looked for, if a file of the choice cannot be used or is of another
    kind of machine; HostError if the board is; and what `open_transport`, `identify` and `check_identity` raise.
    """
    expected = wanted_by(choice)
    if expected.design is not None and (reason := _of_another_kind(expected.design.core.streams, batches)):
        raise ValueError(f"--design must be of another core than {expected.design.name}, which makes {reason}")
    made: list[Design] = []

    def design() -> Design:
        made.append(choice.resolve(next(iter(BARRELS)) if batches else None))
        return made[0]

    connection = Connection(design=design, seconds=seconds, notice=notice, port=port, baud=baud)
    with open_transport(transport, connection) as found:
        if made:
            # What was made for the simulation is what has to be there.
            expected = replace(expected, design=made[0])
        bus = found if record is None else Recorded(found, record)
        identity = identify(bus)
        if reason := _of_another_kind(identity.streams, batches):
            raise OtherBuild(f"the board's core must be another than {identity.core}, which makes {reason}")
        on_board, warning = check_identity(identity, expected)
        yield Session(
            bus=bus, transport=transport, identity=identity, design=on_board, seconds=seconds, warning=warning
        )


def _of_another_kind(streams: int, batches: bool | None) -> str:
    """Return what a machine makes, and with which commands, if it is not what is wanted."""
    return "" if batches is None or (streams > 1) == batches else _OTHER[streams > 1]
