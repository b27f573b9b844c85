"""What a board's top has beside a core and its registers: a demo, a display and lines of text that go with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hdl.boards.parts.batch_demo import BATCH_NAMES, BatchDemo
from hdl.boards.parts.demo import Demo
from hdl.boards.parts.digest_display import DigestDisplay
from hdl.boards.parts.digest_text import DigestText
from hdl.boards.parts.hex_display import HexDisplay
from hdl.boards.parts.name_text import NameText
from hdl.core.config import CoreConfig
from talos_ref.model.config import ModelConfig

__all__ = ["Machine", "machine_of"]


@dataclass(frozen=True)
class Machine:
    """The components for a kind of core. Each is connected as that of the other kind is."""

    demo: Callable[..., Any]
    """Takes the register map and ``cycles``; its ``report`` goes to the text's."""
    display: Callable[[ModelConfig, int], Any]
    """Takes the number of digits; its ``commands`` are the system's ``display``."""
    text: Callable[[ModelConfig], Any]
    shows: str
    """What the demo shows each second, for people."""
    command: str
    """The host's command that checks a board."""
    check: str
    """The option by which it does."""


_NAMES = Machine(
    demo=Demo,
    display=lambda model, displays: HexDisplay(model.alphabet, displays=displays),
    text=lambda model: NameText(model.alphabet, letters=model.max_letters),
    shows="a name",
    command="generate",
    check=" --check",
)
_BATCHES = Machine(
    demo=BatchDemo,
    display=lambda model, displays: DigestDisplay(displays=displays),
    text=lambda model: DigestText(),
    shows=f"the end of the digest of {BATCH_NAMES:,} names",
    command="batch",
    check="",
)


def machine_of(core: CoreConfig) -> Machine:
    """Return the components for a core."""
    return _NAMES if core.streams == 1 else _BATCHES
