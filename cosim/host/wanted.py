"""What a board has to hold, by the options of a command, and whether it does."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from cosim.host.errors import OtherBuild
from cosim.host.machine import Identity
from hdl.build_cache import build_id
from hdl.build_note import BUILD_FILE, read_build
from hdl.core.cores import core_config
from hdl.design import Design, make_design
from hdl.options import EVERY_CORE, Choice, bound_core
from talos_ref.golden.arithmetic import ARITHMETICS, arithmetic
from talos_ref.golden.format import Q4_12, Format
from talos_ref.model.checkpoint import Checkpoint, load, weights_path
from talos_ref.model.config import ModelConfig

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
    folder_build: int | None = None
    """What a board answered that was made from the design's folder when that was written."""

    def resolve(self, identity: Identity) -> Design:
        """Return the design that the board has to hold, with its own core, clock and format where none is wanted.

        Raises OtherBuild if the board's model, or a core or format of its own, cannot be that of the options.
        """
        if self.design is not None:
            return self.design
        _refuse(_model_differences(identity, self.checkpoint), self)
        core = self.core or identity.core
        if core not in EVERY_CORE:
            raise OtherBuild(f"the board's core must be one of {', '.join(EVERY_CORE)}, not {core!r}; give {_FOLDER}")
        try:
            if self.format is not None:
                config = bound_core(core, self.checkpoint, self.format)
            else:
                known = identity.arithmetic in ARITHMETICS
                name = identity.arithmetic if known else core_config(core).arithmetic_name
                word = _format_of(identity.word, name, self.checkpoint.config)
                config = core_config(core, self.checkpoint.config, word)
        except ValueError as error:
            raise OtherBuild(f"the board's core {core} cannot be of {self.origin} ({error}): {_remedy(self)}") from None
        return make_design(config, self.checkpoint, clock_hz=identity.clock_hz)


def _format_of(logit: str, arithmetic_name: str, model: ModelConfig) -> Format:
    """Return the format of words whose logits have the format ``logit``; OtherBuild if none has."""
    formats = {}
    for word in ARITHMETICS[arithmetic_name].words:
        with contextlib.suppress(ValueError):
            formats[str(arithmetic(arithmetic_name, model, word).logit)] = word
    if formats and logit not in formats:
        known = ", ".join(formats)
        raise OtherBuild(f"the board's logits must be of {known}, not of {logit}; program it again")
    # A model that the arithmetic is not defined for is refused with its core.
    return formats.get(logit, Q4_12)


def wanted_by(choice: Choice) -> Wanted:
    """Return what is chosen; OSError or ValueError, naming the file, if a file of it cannot be used."""
    if choice.design is not None:
        design = Design.load(Path(choice.design))
        return Wanted(
            checkpoint=design.checkpoint, origin=choice.design, given=True, design=design,
            folder_build=_folder_build(Path(choice.design)),
        )  # fmt: skip
    path = weights_path(choice.weights)
    given = choice.weights is not None or bool(os.environ.get("TALOS_WEIGHTS"))
    origin = str(path) if given else "the default checkpoint"
    return Wanted(checkpoint=load(path), origin=origin, given=given, core=choice.core, format=choice.format)


def _folder_build(design: Path) -> int | None:
    """Return the build that a Quartus folder notes beside its design, None without or if it is no such note."""
    try:
        return read_build(design.with_name(BUILD_FILE))
    except (OSError, ValueError):
        return None


def check_identity(identity: Identity, expected: Wanted) -> tuple[Design, str | None]:
    """Return the design on the board, and a warning if it was made from something else than what is here.

    Raises OtherBuild, with everything that differs and can be read from the board, if it holds another design.
    """
    design = expected.resolve(identity)
    _refuse(_model_differences(identity, design.checkpoint) + _core_differences(identity, design), expected)
    build = build_id(design)
    if identity.build == build:
        return design, None
    reason = "its design was made from other weights, settings or sources; --check says whether its bits differ"
    if identity.clock_hz != design.clock_hz:
        reason = f"its clock is {identity.clock_hz / 1e6:g} MHz, not {design.clock_hz / 1e6:g} MHz, or more differs"
    elif identity.build == expected.folder_build:
        reason = "it holds what that folder was made for, by other sources than these"
    return design, (
        f"the board's build is {identity.build:08x}, not {build:08x}, which these sources make of {expected.origin}: "
        f"{reason}"
    )


def _refuse(differences: list[str], expected: Wanted) -> None:
    """Raise OtherBuild, with the remedy, if there are differences."""
    if differences:
        raise OtherBuild(f"{'; '.join(differences)}: {_remedy(expected)}")


def _model_differences(identity: Identity, checkpoint: Checkpoint) -> list[str]:
    """Return what the board says of its model and is not so of the checkpoint's."""
    model = checkpoint.config
    return _unequal(
        ("number of tokens", model.vocab_size, identity.vocab_size),
        ("number of positions", model.block_size, identity.block_size),
    )


def _core_differences(identity: Identity, design: Design) -> list[str]:
    """Return what else the board says of itself and is not so in the design."""
    return _unequal(
        ("core", design.name, identity.core),
        ("number of streams", design.core.streams, identity.streams),
        ("arithmetic", design.core.arithmetic_name, identity.arithmetic),
        ("format of logits", str(design.arithmetic.logit), identity.word),
    )


def _unequal(*pairs: tuple[str, object, object]) -> list[str]:
    return [f"the board's {what} must be {wanted}, not {found}" for what, wanted, found in pairs if wanted != found]


def _remedy(expected: Wanted) -> str:
    if expected.design is not None:
        return f"program it with the folder of {expected.origin}, or give {_FOLDER}"
    if expected.given:
        return f"program it again, give its weights in place of {expected.origin}, or give {_FOLDER}"
    return f"program it again, or give --weights FILE of its weights in place of {expected.origin}, or {_FOLDER}"
