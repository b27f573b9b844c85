"""What the command is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Order"]


@dataclass(frozen=True, kw_only=True)
class Order:
    """A word list, and what is to be made of it."""

    word_list: Path
    out: Path
    """Folder of everything that is made."""
    steps: int
    """Of training."""
    training_seed: int
    """Of ``random.Random``, which shuffles the words and draws the first weights."""
    truncate: bool = False
    """Whether words that are too long for the block are cut, as by the published trainer."""
    alphabet: str | None = None
    """Letters by token number; None for those of the words, sorted."""
    dimensions: Mapping[str, int] = field(default_factory=dict)
    """Fields of ModelConfig that differ from its defaults."""
    format: str | None = None
    """Name of a number format, or ``auto``."""
    cores: tuple[str, ...] = ()
    """Named cores to be simulated; none for those that the command picks."""
    count: int = 10
    """Names to show."""
    temperature: float = 0.5
    limit: int = 500
    """Words, the first ones, that NLL is measured on."""
    names: int = 100
    """Names that every core makes in Verilator."""
    icarus_names: int = 3
    """Names that every core makes in Icarus."""
