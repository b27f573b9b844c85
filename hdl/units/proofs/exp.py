"""The exponentials, beside the golden model: all differences that can come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amaranth.hdl import Module, Mux, Value, signed

from hdl.exhaustive import compare
from hdl.proof import Circuit, Everywhere, Exhaustive, Planted, Property
from hdl.units.exp import exp2_align, step_exp, wrapping_exp
from talos_ref.golden.exp import Exp2, StepExp, WrappingExp

__all__ = ["PROPERTIES"]

# A score less the largest; a logit less the largest, doubled by the temperature.
_DIFFERENCES, _TEMPERED = range(-(1 << 16) + 1, 512), range(-(1 << 17) + 2, 1 << 17)


def _exhaustive(build: Callable[[Module, Value], Any], golden: Callable[[int], int], deltas: range) -> Exhaustive:
    def differences() -> list[str]:
        return compare([signed(18)], build, ((delta,) for delta in deltas), golden)

    return Exhaustive(cases=len(deltas), differences=differences)


def _align(circuit: Circuit) -> None:
    mantissa, below = circuit.free(17, "mantissa"), circuit.free(24, "below")
    distance = Mux(below > 31, 31, below)[:5]
    circuit.always(exp2_align(circuit.m, Exp2(), mantissa, below) == mantissa >> distance)


PROPERTIES = (
    Property(
        name="exp.step",
        statement="Attention's weight in talos-v2 is the golden model's for every difference of two scores.",
        claim=_exhaustive(lambda m, delta: step_exp(m, StepExp(), delta), StepExp().compute, _DIFFERENCES),
        planted=Planted(module="hdl.units.exp", right="below.eq(511 - Value.cast(delta))",
                        wrong="below.eq(512 - Value.cast(delta))"),
    ),
    Property(
        name="exp.wrapping",
        statement="The sampler's weight in talos-v2, both wraps included, is the golden model's for every difference.",
        claim=_exhaustive(
            lambda m, delta: wrapping_exp(m, WrappingExp(), delta), WrappingExp().compute, _TEMPERED
        ),
        planted=Planted(module="hdl.units.exp", right="below.eq(127 - delta)", wrong="below.eq(128 - delta)"),
    ),
    Property(
        name="exp.align",
        statement="A mantissa is shifted right by its distance from the largest exponent, 31 places at most.",
        claim=Everywhere(circuit=_align),
        planted=Planted(module="hdl.units.exp", right="Mux(distance[5:].any(), 0,", wrong="Mux(distance[6:].any(), 0,"),
        quick=True,
    ),
)  # fmt: skip
