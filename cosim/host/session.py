"""A board that has been found, asked who it is, and is ready to work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from cosim.host.console import system_console
from cosim.host.errors import OtherBuild
from cosim.host.machine import Identity, identify
from cosim.host.simulation import board_model, simulated_board
from cosim.host.transport import Access, Recorded, Transport
from hdl.build_cache import build_id
from hdl.core.config import CORES
from hdl.design import Design, make_design
from talos_ref.model.checkpoint import default_checkpoint

__all__ = ["DEFAULT_CORE", "TRANSPORTS", "Session", "check_identity", "open_session", "open_transport"]

TRANSPORTS = ("simulation", "system-console")
DEFAULT_CORE = "tile16"
"""What is simulated where no core is named: the one that is compiled soonest."""


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


@contextmanager
def open_transport(
    name: str, core: str | None, seconds: float, notice: Callable[[str], None] = lambda text: None
) -> Iterator[Transport]:
    """Yield a board's registers; what was started for them ends with the block.

    Parameters
    ----------
    name
        One of ``TRANSPORTS``.
    core
        Which one to simulate, ``DEFAULT_CORE`` if None; a real board has its own.
    seconds
        Wall time limit of an access.
    notice
        Told of what takes long.

    Raises what `simulated_board`, `board_model` and `system_console` raise; ValueError for an unknown transport.
    """
    if name not in TRANSPORTS:
        raise ValueError(f"transport must be one of {', '.join(TRANSPORTS)}, not {name!r}")
    with ExitStack() as stack:
        if name == "system-console":
            notice("starting System Console, some ten seconds")
            yield stack.enter_context(system_console(seconds=seconds))
            return
        model = board_model(make_design(core or DEFAULT_CORE, default_checkpoint()), notice=notice)
        yield stack.enter_context(simulated_board(model, seconds=seconds)).transport()


def check_identity(identity: Identity, core: str | None) -> tuple[Design, str | None]:
    """Return the design on the board, and a warning if it was made from something else than what is here.

    Raises OtherBuild if there is no such core here, it has another arithmetic, or is not ``core``.
    """
    if identity.core not in CORES:
        raise OtherBuild(f"the board's core must be one of {', '.join(CORES)}, not {identity.core!r}; program it again")
    design = make_design(identity.core, default_checkpoint(), clock_hz=identity.clock_hz)
    if core is not None and core != identity.core:
        raise OtherBuild(f"the board must hold {core}, not {identity.core}; program it again, or leave --core out")
    if identity.arithmetic != design.core.arithmetic_name:
        raise OtherBuild(
            f"the arithmetic of {identity.core} must be {design.core.arithmetic_name}, not {identity.arithmetic}; "
            "program the board again"
        )
    expected = build_id(design)
    if identity.build == expected:
        return design, None
    return design, (
        f"the board's build is {identity.build:08x}, these sources make {expected:08x}: its design was made from other "
        "sources, settings or weights; program it again if its bits differ"
    )


@contextmanager
def open_session(
    transport: str,
    core: str | None,
    *,
    seconds: float,
    notice: Callable[[str], None] = lambda text: None,
    record: Callable[[Access], None] | None = None,
) -> Iterator[Session]:
    """Find a board, and yield it once it is known to be ours; ``record`` is told of every access.

    Raises what `open_transport`, `identify` and `check_identity` raise.
    """
    with open_transport(transport, core, seconds, notice) as found:
        bus = found if record is None else Recorded(found, record)
        identity = identify(bus)
        design, warning = check_identity(identity, core)
        yield Session(
            bus=bus, transport=transport, identity=identity, design=design,
            seconds=seconds, warning=warning,
        )  # fmt: skip
