"""What the circuits of every arithmetic have in common, part by part; ``hdl.units.registry`` tells which is whose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from amaranth.hdl import Module, Shape, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.units.format import shape_of
from hdl.units.lent_rom import Lender
from hdl.units.multipliers import MultiplierPort
from talos_ref.golden.format import Format
from talos_ref.golden.sampler import TEMPERATURE

__all__ = [
    "RNG_BITS", "UNIFORM_BITS", "AttentionDivide", "RmsScale", "SamplerWeights", "Softmax", "operands_layout",
    "weights_signature",
]  # fmt: skip

RNG_BITS, UNIFORM_BITS = 32, 24
"""Widths of a random state and of the uniform number of a draw."""


class Softmax(Protocol):
    """From scores to attention weights, all combinational.

    ``score`` is made of an exact ``q·k``. What ``store`` makes of it is kept until the largest ``key`` is known;
    ``weight`` is made of both.
    """

    def __init__(self, spec: Any) -> None: ...

    score_shape: Any
    key_shape: Shape
    stored_shape: Any

    def score(self, total: Value) -> Value:
        """Return the score of an exact sum of products of words."""

    def key(self, score: Value) -> Value:
        """Return the part of a score that is compared to find the largest."""

    def store(self, m: Module, score: Value) -> Any:
        """Return what is kept of a score, as ``stored_shape``."""

    def weight(self, m: Module, stored: Any, top: Value) -> Value:
        """Return the weight where the largest key is ``top``."""


class AttentionDivide(Lender, Protocol):
    """The division at the end of attention: every weighted sum by its head's sum of weights.

    A component. One division at a time, ``LATENCY`` cycles from an
    accepted input to a valid output. With ``EARLY_DENOMINATORS``, the denominators are read in the cycle before the
    input is valid, and else in that cycle; ``registered`` says that they come from registers, so that more can be made
    of them at once.

    Members
    -------
    i : In(stream): ``operands_layout``
    o : Out(stream): words [lanes]
    multipliers : Out(MultiplierPort), lanes × 1
        Only if it multiplies.
    """

    def __init__(
        self, spec: Any, operands: data.StructLayout, bits_per_cycle: int, *, registered: bool = False
    ) -> None: ...

    LATENCY: int
    EARLY_DENOMINATORS: bool
    i: Any
    o: Any
    multipliers: Any

    @staticmethod
    def port(spec: Any, lanes: int) -> MultiplierPort | None:
        """Return the signature of ``multipliers``; None if it does not multiply."""

    @staticmethod
    def rom(spec: Any) -> tuple[int, int] | None:
        """Return words and bits of each head's ROM that is read into a register; None if there is none."""


class RmsScale(Protocol):
    """The scale of RMSNorm: a component that takes ``LATENCY`` cycles.

    Members
    -------
    i : In(stream): what ``measure`` returns
    o : Out(stream): scale
    """

    def __init__(self, spec: Any, bits_per_cycle: int) -> None: ...

    LATENCY: int
    EACH_SQUARE: bool
    """Whether ``measure`` wants every square; else it takes sums of some of them as well."""
    i: Any
    o: Any

    def measure(self, m: Module, squares: Sequence[Value]) -> Value:
        """Return the input for the exact squares of all elements, combinational."""


class SamplerWeights(Protocol):
    """The weights of a sampler: a component that takes ``LATENCY`` cycles from logits to weights; ``top``, the largest
    logit of all, is there a cycle after the first of them.

    The ports are those of ``weights_signature``, and those for multipliers.
    """

    def __init__(self, spec: Any, word: Format, lanes: int, bits_per_cycle: int) -> None: ...

    LATENCY: int
    SETTLE: int
    """Cycles that a temperature takes to have effect."""
    temperature: Any
    settled: Any
    greedy: Any
    logits: Any
    top: Any
    weights: Any

    @staticmethod
    def turns(spec: Any, word: Format, lanes: int) -> dict[str, MultiplierPort]:
        """Return port -> signature of multipliers that are used in the cycles of the logits alone, lanes × 1."""

    @staticmethod
    def apart(spec: Any, word: Format) -> dict[str, MultiplierPort]:
        """Return port -> signature of multipliers that are used in any cycle."""

    @staticmethod
    def random_factor(spec: Any) -> int | None:
        """Return the constant whose product with the random state is drawn with, modulo 2^32; None for the state."""

    @staticmethod
    def sum_width(spec: Any, vocab_size: int) -> int:
        """Return the width of the sum of ``vocab_size`` weights."""


def operands_layout(lanes: int, heads: int, numerator: Shape, denominator: Shape) -> data.StructLayout:
    """Return the payload of a division: ``numerators`` [lanes], ``denominators`` [heads]."""
    return data.StructLayout(
        {"numerators": data.ArrayLayout(numerator, lanes), "denominators": data.ArrayLayout(denominator, heads)}
    )


def weights_signature(word: Format, lanes: int, weight: Shape) -> wiring.Signature:
    """Return the ports that both kinds of weights share.

    Members
    -------
    temperature : In(stream), UQ8.8
    settled : Out(1)
        The temperature has taken effect.
    greedy : Out(1)
        The temperature asks for the argmax.
    logits : In(words [lanes])
    top : In(word)
        The largest logit, one cycle after the first of the logits or earlier, and until the last weights.
    weights : Out(weights [lanes])
        ``LATENCY`` cycles after their logits.
    """
    return wiring.Signature(
        {
            "temperature": In(stream.Signature(shape_of(TEMPERATURE))),
            "settled": Out(1),
            "greedy": Out(1),
            "logits": In(data.ArrayLayout(shape_of(word), lanes)),
            "top": In(shape_of(word)),
            "weights": Out(data.ArrayLayout(weight, lanes)),
        }
    )
