"""RMSNorm's scale in precise: normalised, looked up and denormalised as the golden model does."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Mux, Signal

from hdl.proof import Always, Circuit, Planted, Property
from hdl.units.table_scale import TableScale
from talos_ref.golden.format import Q4_12
from talos_ref.golden.rmsnorm import TableRmsNorm

__all__ = ["PROPERTIES"]

_SPEC = TableRmsNorm(n=16, word=Q4_12)


def _scale(circuit: Circuit) -> None:
    """Exponent and table's input by comparisons, the rounding by its formula; the table is another property's."""
    m, unit = circuit.m, TableScale(_SPEC)
    inside = circuit.unit(unit, "table_scale")
    ports: Any = unit
    low, table, high = _SPEC.unit_exponent, _SPEC.table, _SPEC.scale_format.high
    exponents = range(low, (_SPEC.sum_bits + 1) // 2 + 1)

    total, small = ports.i.payload, Signal(name="below")
    u, distance = Signal(table.input_bits, name="expected_u"), Signal(range(len(exponents)), name="distance")
    m.d.comb += small.eq(total < 1 << 2 * low - 2)
    for e in exponents:
        with m.If((total >= 1 << 2 * e - 2) & (total < 1 << 2 * e)):
            m.d.comb += [u.eq(total >> (2 * e - table.input_bits)), distance.eq(e - low)]
    circuit.always(small | (inside["u"] == u))

    # Cycle 1.
    terms = Signal.like(inside["held_terms"], name="terms")
    was_small, was_distance = Signal(name="was_small"), Signal.like(distance, name="was_distance")
    take_second = ports.o.ready | ~inside["second"]
    with m.If(ports.i.ready):
        m.d.sync += [terms.eq(inside["rsqrt_terms"]), was_small.eq(small), was_distance.eq(distance)]
    value, scale = Signal(table.output_bits, name="value"), Signal(table.output_bits + 1, name="expected")
    m.d.comb += value.eq(inside["rsqrt_total"] >> table.step_bits)
    with m.Switch(was_distance):
        for shift in range(len(exponents)):
            with m.Case(shift):
                m.d.comb += scale.eq((value + (1 << shift >> 1)) >> shift)
    circuit.always(inside["held_terms"] == terms)

    # Cycle 2.
    offered = Signal(_SPEC.scale_format.width, name="offered")
    with m.If(take_second):
        m.d.sync += offered.eq(Mux(was_small | (scale > high), high, scale))
    circuit.always(
        (inside["held_small"] == was_small) & (was_small | (inside["held_shift"] == was_distance)),
        ~ports.o.valid | (ports.o.payload == offered),
    )


PROPERTIES = (
    Property(
        name="table_scale.scale",
        statement="The scale of every sum of squares is the formula's, two cycles later, with stalls in between.",
        claim=Always(circuit=_scale, cycles=4),
        planted=Planted(
            module="hdl.units.table_scale",
            right="~total[2 * low - 2 :].any()",
            wrong="~total[2 * low - 1 :].any()",
        ),
    ),
)
