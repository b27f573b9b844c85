"""What a board has to hold, by the options of a command, and whether it does."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cosim.host.errors import OtherBuild
from cosim.host.machine import Identity
from hdl.build_cache import build_id
from hdl.core.config import CORES
from hdl.design import Design, make_design
from hdl.options import Choice, bound_core
from talos_ref.golden.format import FORMATS
from talos_ref.model.checkpoint import Checkpoint, load, weights_path

__all__ = ["Wanted", "check_identity", "wanted_by"]

_FOLDER = "--design FOLDER/design.json of the Quartus folder that the board was programmed from"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the options say; a board's own core, clock and format are taken where they say nothing."""

    checkpoint: Checkpoint
    origin: str
    """Where the checkpoint comes from, for messages."""
    given: bool
    """Whether the user named a checkpoint or a design, rather than leave it at the default."""
    core: str | None = None
    format: str | None = None
    """Name of a number format, or ``auto``."""
    design: Design | None = None

    def resolve(self, identity: Identity) -> Design:
        """Return the design that the board has to hold, at the board's clock and with its format.

        Raises OtherBuild if the options say nothing of the core and the board's is none that is known here.
        """
        if self.design is not None:
            return self.design
        core = self.core or identity.core
        if core not in CORES:
            raise OtherBuild(f"the board's core must be one of {', '.join(CORES)}, not {core!r}; give {_FOLDER}")
        own = identity.word if identity.word in map(str, FORMATS) else None
        config = bound_core(core, self.checkpoint, self.format or own)
        return make_design(config, self.checkpoint, clock_hz=identity.clock_hz)


def wanted_by(choice: Choice) -> Wanted:
    """Return what is chosen; OSError or ValueError, naming the file, if a file of it cannot be used."""
    if choice.design is not None:
        design = Design.load(Path(choice.design))
        return Wanted(checkpoint=design.checkpoint, origin=choice.design, given=True, design=design)
    path = weights_path(choice.weights)
    given = choice.weights is not None or bool(os.environ.get("TALOS_WEIGHTS"))
    origin = str(path) if given else "the default checkpoint"
    return Wanted(checkpoint=load(path), origin=origin, given=given, core=choice.core, format=choice.format)


def check_identity(identity: Identity, expected: Wanted) -> tuple[Design, str | None]:
    """Return the design on the board, and a warning if it was made from something else than what is here.

    Raises OtherBuild, with everything that differs and can be read from the board, if it holds another design.
    """
    design = expected.resolve(identity)
    if differences := _differences(identity, design):
        raise OtherBuild(f"{'; '.join(differences)}: {_remedy(expected)}")
    build = build_id(design)
    if identity.build == build:
        return design, None
    return design, (
        f"the board's build is {identity.build:08x}, not {build:08x}, which these sources make of {expected.origin}: "
        "its design was made from other weights, settings or sources; --check says whether its bits differ"
    )


def _differences(identity: Identity, design: Design) -> list[str]:
    """Return what the board says of itself and is not so in the design."""
    pairs = (
        ("core", design.name, identity.core),
        ("arithmetic", design.core.arithmetic_name, identity.arithmetic),
        ("number of tokens", design.model.vocab_size, identity.vocab_size),
        ("number of positions", design.model.block_size, identity.block_size),
        ("format", str(design.word), identity.word),
    )
    return [f"the board's {what} must be {wanted}, not {found}" for what, wanted, found in pairs if wanted != found]


def _remedy(expected: Wanted) -> str:
    if expected.design is not None:
        return f"program it with the folder of {expected.origin}, or give {_FOLDER}"
    if expected.given:
        return f"program it again, give its weights in place of {expected.origin}, or give {_FOLDER}"
    return f"program it again, or give --weights FILE of its weights, or {_FOLDER}"
