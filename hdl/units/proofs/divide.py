"""The digit recurrence of `Divide`: quotient, time and handshake."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Mux, Signal

from hdl.proof import Always, Circuit, Planted, Property
from hdl.units.divide import Divide
from hdl.units.exp2_weights import Exp2Weights
from talos_ref.golden.arithmetic import arithmetic
from talos_ref.model.config import MICROGPT

__all__ = ["PROPERTIES"]


def _quotient(circuit: Circuit, widths: tuple[int, int, int], bits_per_cycle: int) -> None:
    """``quotient · denominator + remainder = numerator`` and ``remainder < denominator``, for operands that fit.

    The product is made beside the unit, by shifts and additions of the digits as they come.
    """
    m, unit = circuit.m, Divide(*widths, bits_per_cycle)
    inside = circuit.unit(unit, "divide")
    operands: Any = unit.i.p
    latency, width = unit.LATENCY, sum(widths[1:])
    digits = latency * bits_per_cycle
    circuit.assume(operands.numerator >> unit.quotient_width < operands.denominator)

    accept, left, bits = inside["first"], inside["left"], inside["bits"]
    numerator, denominator = Signal(digits + widths[1], name="numerator"), Signal(widths[1], name="denominator")
    before, product = Signal(width, name="before"), Signal(width, name="product")
    earlier, quotient = Signal(unit.quotient_width, name="earlier"), Signal(unit.quotient_width, name="quotient")
    cycle = Signal(range(latency + 1), name="cycle")
    made, found = before, earlier
    for place in reversed(range(bits_per_cycle)):
        made, found = (made << 1) + Mux(bits[place], denominator, 0), Cat(bits[place], found)
    m.d.comb += [product.eq(made), quotient.eq(found)]
    with m.If(accept):
        m.d.sync += [numerator.eq(operands.numerator), denominator.eq(operands.denominator)]
        m.d.sync += [before.eq(0), earlier.eq(0), cycle.eq(1)]
    with m.Elif(left != 0):
        m.d.sync += [before.eq(product), earlier.eq(quotient), cycle.eq(cycle + 1)]
    with m.Elif(unit.o.valid & unit.o.ready):
        m.d.sync += cycle.eq(0)

    # The numerator as far as its digits have been divided.
    seen = Signal(width, name="seen")
    with m.Switch(cycle):
        for number in range(1, latency + 1):
            with m.Case(number):
                m.d.comb += seen.eq(numerator >> (digits - number * bits_per_cycle))
    working = (left != 0) | unit.o.valid
    circuit.always(
        ~((left != 0) & unit.o.valid), left < max(latency, 2), (cycle != 0) == working,
        ~working | (cycle + left == latency), numerator >> widths[0] == 0,
        ~working | (inside["divisor"] == denominator), ~working | (inside["remainder"] < denominator),
        ~working | (seen == product + inside["remainder"]),
        ~unit.o.valid | ((unit.o.payload == quotient) & (numerator == product + inside["remainder"])),
    )  # fmt: skip
    for number in range(1, latency + 1):
        done = number * bits_per_cycle
        circuit.always((cycle != number) | ((bits[:done] == quotient) & (bits[done:] == numerator[: digits - done])))
        # The digits before the quotient's first are zeros.
        circuit.always((cycle != number) | (quotient >> (done + unit.quotient_width - digits) == 0))


def _inverse(circuit: Circuit) -> None:
    """As `_quotient`, in the widths that `Exp2Weights` divides with."""
    precise = arithmetic("precise", MICROGPT)
    spec: Any = precise.sampler
    divide = Exp2Weights(spec, precise.word, 1, _BITS_PER_CYCLE).divide
    _quotient(circuit, (divide.numerator_width, divide.denominator_width, divide.quotient_width), _BITS_PER_CYCLE)


_BITS_PER_CYCLE = 3
_PLANTED = Planted(
    module="hdl.units.divide",
    right="rest = Mux(difference[-1], above[:width], difference[:width])",
    wrong="rest = Mux(difference[-1], above[:width], difference[:width] | (digit == 1))",
)

PROPERTIES = (
    Property(
        name="divide.small",
        statement="Quotient and remainder of 6 by 4 bits are right, for all operands that fit, in the latency.",
        claim=Always(circuit=lambda circuit: _quotient(circuit, (6, 4, 4), 2), cycles=6),
        planted=_PLANTED,
        quick=True,
    ),
    Property(
        name="divide.scale",
        statement="Quotient and remainder of RMSNorm's division in talos-v2 are right, for all operands that fit.",
        claim=Always(circuit=lambda circuit: _quotient(circuit, (25, 16, 15), 3), cycles=3),
        planted=_PLANTED,
    ),
    Property(
        name="divide.attention",
        statement="Quotient and remainder of attention's division in talos-v2 are right, for all operands that fit.",
        claim=Always(circuit=lambda circuit: _quotient(circuit, (33, 17, 16), 3), cycles=3),
        planted=_PLANTED,
    ),
    Property(
        name="divide.temperature",
        statement="The inverse of a temperature in precise is right, for all operands that fit.",
        claim=Always(circuit=_inverse, cycles=3),
        planted=_PLANTED,
    ),
)
