"""RMSNorm's scale in ``precise``: a reciprocal square root by an interpolated table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import C, Cat, Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.units.adders import adder_tree
from hdl.units.format import shape_of
from hdl.units.interpolated_table import add, look_up, multiply, terms_layout
from talos_ref.golden.format import Rounding
from talos_ref.golden.rmsnorm import TableRmsNorm

__all__ = ["TableScale"]


class TableScale(wiring.Component):
    """``scale`` of ``talos_ref.golden.rmsnorm.TableRmsNorm`` for a sum of squares, eps included, UQ4.13.

    Timing: ``LATENCY`` cycles from acceptance to the offer, one sum a cycle. Respects backpressure. ``i`` should come
    from registers. Cycle 0: normalise, read the line, multiply. Cycle 1: add, denormalise, round.

    Parameters
    ----------
    spec
        ``talos_ref.golden.rmsnorm.TableRmsNorm``.

    Members
    -------
    i : In(stream of the sum, ``spec.eps`` to the largest, Q.24)
    o : Out(stream of the scale)
    """

    LATENCY = 2
    EACH_SQUARE = False

    def __init__(self, spec: TableRmsNorm, bits_per_cycle: int = 1) -> None:
        self.spec = spec
        super().__init__(
            {
                "i": In(stream.Signature(unsigned(spec.sum_bits))),
                "o": Out(stream.Signature(shape_of(spec.scale_format))),
            }
        )

    def measure(self, m: Module, squares: Sequence[Value]) -> Value:
        """Return the sum of squares and eps, as ``i`` takes it."""
        return adder_tree(m, [*squares, C(self.spec.eps)])

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        spec, table = self.spec, self.spec.table
        low, high = spec.unit_exponent, (spec.sum_bits + 1) // 2

        # Cycle 0: e is the number of bit pairs up to the highest that is not 0; u the sixteen bits from there on.
        total = Signal(2 * high, name="total")
        m.d.comb += total.eq(self.i.payload)
        u = Signal(table.input_bits, name="u")
        shift = Signal(range(high - low + 1), name="shift")
        small = Signal(name="small")
        terms, shifts = [], []
        for e in range(low, high + 1):
            is_top = Signal(name=f"top_{e}")
            m.d.comb += is_top.eq(total[2 * e - 2 : 2 * e].any() & ~total[2 * e :].any())
            terms.append(Mux(is_top, total[2 * e - table.input_bits : 2 * e], 0))
            shifts.append(Mux(is_top, e - low, 0))
        m.d.comb += [u.eq(_any_of(terms)), shift.eq(_any_of(shifts)), small.eq(~total[2 * low - 2 :].any())]
        terms = multiply(m, table, look_up(m, table, u))

        # Cycle 1: a table's value has no rounding to do where the shift is 0.
        held_terms = Signal(terms_layout(table), name="held_terms")
        held_shift = Signal.like(shift, name="held_shift")
        held_small = Signal(name="held_small")
        doubled = Signal(table.output_bits + 1, name="doubled")
        m.d.comb += doubled.eq(Cat(C(0, 1), add(m, table, held_terms)) >> held_shift)
        carry = doubled[0] if spec.scale_format.rounding is Rounding.NEAREST else 0

        first = Signal(name="first")
        second = Signal(name="second")
        take_second = self.o.ready | ~second
        take_first = take_second | ~first
        m.d.comb += [self.i.ready.eq(take_first), self.o.valid.eq(second)]
        with m.If(take_first):
            m.d.sync += [first.eq(self.i.valid), held_terms.eq(terms), held_shift.eq(shift), held_small.eq(small)]
        rounded = Signal(table.output_bits, name="rounded")
        m.d.comb += rounded.eq(doubled[1:] + carry)
        saturated = held_small | rounded[spec.scale_format.width :].any()
        with m.If(take_second):
            m.d.sync += second.eq(first)
            m.d.sync += self.o.payload.eq(Mux(saturated, spec.scale_format.high, rounded))
        return m


def _any_of(terms: list[Any]) -> Any:
    """Return the bitwise or of ``terms``, of which at most one is not 0."""
    value = terms[0]
    for term in terms[1:]:
        value = value | term
    return value
