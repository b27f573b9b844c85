"""The integer arithmetics by name: one line of the registry each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from talos_ref.golden.datapath import Arithmetic
from talos_ref.golden.folded import folded
from talos_ref.golden.format import FORMATS, Q4_12, Format
from talos_ref.golden.precise import precise
from talos_ref.golden.talos_v2 import talos_v2
from talos_ref.model.config import ModelConfig

__all__ = [
    "ARITHMETICS",
    "ARITHMETIC_NUMBERS",
    "Arithmetic",
    "NamedArithmetic",
    "arithmetic",
    "folded",
    "precise",
    "talos_v2",
]


@dataclass(frozen=True, kw_only=True)
class NamedArithmetic:
    """An arithmetic before its model is known."""

    number: int
    """What stands for it wherever it is a number: in registers, in C, in Python."""
    words: tuple[Format, ...]
    """Formats that its words may have, the narrowest first."""
    make: Callable[[ModelConfig, Format], Arithmetic]
    """Raises ValueError if it is not defined for the model or the word."""


ARITHMETICS = {
    "talos-v2": NamedArithmetic(number=0, words=(Q4_12,), make=talos_v2),
    "precise": NamedArithmetic(number=1, words=FORMATS, make=precise),
    "folded": NamedArithmetic(number=2, words=FORMATS, make=folded),
}

ARITHMETIC_NUMBERS = {name: named.number for name, named in ARITHMETICS.items()} | {"float": 255}
"""Name -> number; ``float`` is no circuit's: float64 in the golden model, float32 in host_c."""


def arithmetic(name: str, config: ModelConfig, word: Format = Q4_12) -> Arithmetic:
    """Return a named arithmetic for a model and a word, of which width and fraction count: the rounding is its own.

    Raises ValueError for an unknown name, and if the arithmetic is not defined for the model or the word.
    """
    if name not in ARITHMETICS:
        raise ValueError(f"arithmetic must be one of {', '.join(sorted(ARITHMETICS))}, not {name!r}")
    return ARITHMETICS[name].make(config, word)
