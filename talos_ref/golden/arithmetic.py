"""The two integer arithmetics, each one object that the golden model and the circuits are built from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from talos_ref.golden.attention import Attention, Exp2Attention, StepAttention
from talos_ref.golden.divide import ReciprocalDivide, TruncatingDivide
from talos_ref.golden.exp import Exp2, StepExp, WrappingExp
from talos_ref.golden.format import FORMATS, Q4_12, Format, Rounding
from talos_ref.golden.linear import Linear, ScaledLinear
from talos_ref.golden.rmsnorm import RmsNorm, RootRmsNorm, TableRmsNorm
from talos_ref.golden.sampler import BucketSampler, Exp2Sampler, Sampler
from talos_ref.model.config import ModelConfig

__all__ = ["ARITHMETICS", "ARITHMETIC_NUMBERS", "Arithmetic", "arithmetic", "talos_v2", "precise"]


@dataclass(frozen=True, kw_only=True)
class Arithmetic:
    """What every unit of the datapath computes, to the bit."""

    name: str
    word: Format
    """Weights and stored activations."""
    linear: Linear
    scaled_linear: ScaledLinear | None
    """Where a scale is deferred past a product; None if every vector is normalised before it."""
    rmsnorm: RmsNorm
    attention: Attention
    sampler: Sampler

    @property
    def deferred(self) -> bool:
        """Whether RMSNorm's scale is applied after the MLP, whose second matrix joins lm_head in the last layer."""
        return self.scaled_linear is not None

    def normalise(self, x: list[int]) -> list[int]:
        """Return ``sat(round(x · scale(x)))``."""
        scale = self.rmsnorm.scale(x)
        fraction = self.word.fraction + self.rmsnorm.scale_format.fraction
        return [self.word.requantise(value * scale, fraction) for value in x]

    def add(self, a: list[int], b: list[int]) -> list[int]:
        """Return the saturated sum of two vectors."""
        return [self.word.saturate(x + y) for x, y in zip(a, b, strict=True)]


def talos_v2(config: ModelConfig, word: Format = Q4_12) -> Arithmetic:
    """Return the arithmetic of the published TALOS-V2 RTL.

    Raises ValueError if a dimension has no shift for its root, or the word is not Q4.12.
    """
    if (word.width, word.fraction, word.signed) != (Q4_12.width, Q4_12.fraction, True):
        raise ValueError(f"word must be {Q4_12} in talos-v2, not {word}; use precise for wider words")
    word = replace(Q4_12, rounding=Rounding.FLOOR)
    return Arithmetic(
        name="talos-v2",
        word=word,
        linear=Linear(word=word),
        scaled_linear=None,
        rmsnorm=RootRmsNorm(n=config.n_embd, word=word),
        attention=StepAttention(
            word=word, head_dim=config.head_dim, exp=StepExp(), divide=TruncatingDivide(word=word)
        ),
        sampler=BucketSampler(exp=WrappingExp()),
    )


def precise(config: ModelConfig, word: Format = Q4_12) -> Arithmetic:
    """Return our arithmetic: words rounded to nearest, exact sums, interpolated functions.

    Raises ValueError if the word is none of ``FORMATS``.
    """
    word = replace(word, rounding=Rounding.NEAREST)
    if word not in [replace(format, rounding=Rounding.NEAREST) for format in FORMATS]:
        raise ValueError(f"word must be one of {', '.join(map(str, FORMATS))} in precise, not {word}")
    rmsnorm = TableRmsNorm(n=config.n_embd, word=word)
    return Arithmetic(
        name="precise",
        word=word,
        linear=Linear(word=word),
        scaled_linear=ScaledLinear(word=word, scale_format=rmsnorm.scale_format),
        rmsnorm=rmsnorm,
        attention=Exp2Attention(
            word=word, head_dim=config.head_dim, exp=Exp2(), divide=ReciprocalDivide(word=word)
        ),
        sampler=Exp2Sampler(exp=Exp2()),
    )


ARITHMETICS: dict[str, Callable[[ModelConfig, Format], Arithmetic]] = {"talos-v2": talos_v2, "precise": precise}

ARITHMETIC_NUMBERS = {"talos-v2": 0, "precise": 1, "float": 255}
"""The number of every arithmetic wherever one is a number: registers, C, Python. ``float`` is no circuit's."""


def arithmetic(name: str, config: ModelConfig, word: Format = Q4_12) -> Arithmetic:
    """Return a named arithmetic for a model and a word, of which width and fraction count: the rounding is its own.

    Raises ValueError for an unknown name, and as `talos_v2` and `precise` do.
    """
    if name not in ARITHMETICS:
        raise ValueError(f"arithmetic must be one of {', '.join(sorted(ARITHMETICS))}, not {name!r}")
    return ARITHMETICS[name](config, word)
