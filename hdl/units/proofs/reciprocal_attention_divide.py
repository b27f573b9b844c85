"""Attention's division in precise: operands normalised, the product rounded, the word kept until it is taken."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Mux, Signal, signed, unsigned

from hdl.proof import Always, Circuit, Planted, Property
from hdl.units.reciprocal_attention_divide import ReciprocalAttentionDivide
from hdl.units.variants import operands_layout
from talos_ref.golden.divide import ReciprocalDivide
from talos_ref.golden.format import Q4_12

__all__ = ["PROPERTIES"]

_SPEC = ReciprocalDivide(word=Q4_12)
_NUMERATOR, _DENOMINATOR = signed(37), unsigned(21)


def _quotient(circuit: Circuit) -> None:
    """The multiplier's operands by the formula, for any result of it the rounded word; the table is another property's.

    A numerator is at most a word times its denominator, which is the sum of the weights.
    """
    m, layout = circuit.m, operands_layout(1, 1, _NUMERATOR, _DENOMINATOR)
    unit = ReciprocalAttentionDivide(_SPEC, layout, 1)
    inside = circuit.unit(unit, "divide")
    ports: Any = unit
    numerator, table, guard = ports.i.p.numerators[0], _SPEC.table, _SPEC.guard
    denominator = Signal(_DENOMINATOR, name="denominator")
    m.d.sync += denominator.eq(ports.i.p.denominators[0])
    accept = ports.i.valid & ports.i.ready
    largest = denominator << (Q4_12.width - 1)
    circuit.assume(~accept | ((denominator >= 1 << 15) & (numerator <= largest) & (numerator >= -largest)))

    u, wide = Signal(table.input_bits, name="u"), Signal(signed(_NUMERATOR.width), name="wide")
    normal = ports.i.p.denominators[0]
    for e in range(_DENOMINATOR.width - table.input_bits + 1):
        with m.If((normal >= 1 << (15 + e)) & (normal < 1 << (16 + e))):
            m.d.comb += u.eq(normal >> e)
        with m.If((denominator >= 1 << (15 + e)) & (denominator < 1 << (16 + e))):
            m.d.comb += wide.eq(numerator >> (e + 16 - guard))
    line = Signal.like(inside["line0"], name="line")
    m.d.sync += line.eq(inside["reciprocal_line"])
    port = ports.multipliers
    circuit.always(
        (normal < 1 << 15) | (inside["u0"] == u),
        inside["line0"] == line,
        port.valid == accept,
        ~accept | ((port.a[0][0] == wide) & (port.b[0][0] == inside["reciprocal0"])),
    )

    fresh, before = Signal(name="was_accepted"), Signal(signed(16), name="before")
    waits = Signal(name="waits")
    m.d.sync += [fresh.eq(accept), before.eq(ports.o.p[0]), waits.eq(ports.o.valid & ~ports.o.ready)]
    half = 1 << (15 + guard)
    rounded = (port.results[0][0] + half) >> (16 + guard)
    low, high = Q4_12.low, Q4_12.high
    word = Mux(rounded < low, low, Mux(rounded > high, high, rounded))
    circuit.always(
        ports.o.valid == (fresh | waits),
        ~fresh | (ports.o.p[0] == word),
        fresh | ~waits | (ports.o.p[0] == before),
    )


PROPERTIES = (
    Property(
        name="reciprocal_attention_divide.quotient",
        statement="Any sum of weights from 2^15 on is normalised, any product rounded and kept until it is taken.",
        claim=Always(circuit=_quotient, depth=2, cycles=4),
        planted=Planted(
            module="hdl.units.reciprocal_attention_divide",
            right="self.i.p.numerators[lane] >> (shift + table.input_bits - guard)",
            wrong="self.i.p.numerators[lane] >> (max(shift, 1) + table.input_bits - guard)",
        ),
    ),
)
