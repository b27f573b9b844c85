"""Attention's division in ``precise``: by the reciprocal of each head's sum of weights."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Shape, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.units.format import saturate, shape_of, shift_right
from hdl.units.interpolated_table import add, line_layout, look_up, multiply, table_words, terms_layout
from hdl.units.lent_rom import LentRom, lent_address, show
from hdl.units.multipliers import MultiplierPort
from talos_ref.golden.divide import ReciprocalDivide
from talos_ref.golden.format import Rounding

__all__ = ["ReciprocalAttentionDivide"]


class ReciprocalAttentionDivide(wiring.Component):
    """``o[d] = ReciprocalDivide(numerators[d], denominators[head of d])``: one table and reciprocal a head, one
    multiplier a lane.

    ``LATENCY`` cycles from an accepted input to a valid output, whatever the data; one division at a time; respects
    backpressure. The denominators must be at the port one cycle before the input is valid.

    Cycle -1: normalise a denominator, read its line. Cycle 0: the reciprocal; normalise the numerators; multiply. Cycle
    1: the rounded product is offered, and kept until it is taken. With ``registered`` denominators cycle -1 has room
    for the partial products of slope and step, too.

    Members
    -------
    i : In(stream): ``operands_layout``
    o : Out(stream): words [lanes]
    multipliers : Out(MultiplierPort), lanes × 1
    """

    LATENCY = 1
    EARLY_DENOMINATORS = True
    """Denominators are read in the cycle before the input is valid."""
    lent: LentRom | None = None

    def __init__(
        self, spec: ReciprocalDivide, operands: data.StructLayout, bits_per_cycle: int, *, registered: bool = False
    ) -> None:
        self.spec, self.word, self.registered = spec, spec.word, registered
        numerators, self.denominators = operands["numerators"].shape, operands["denominators"].shape
        self.lanes, self.heads = numerators.length, self.denominators.length
        super().__init__(
            {
                "i": In(stream.Signature(operands)),
                "o": Out(stream.Signature(data.ArrayLayout(shape_of(spec.word), self.lanes))),
                "multipliers": Out(self.port(spec, self.lanes)),
            }
        )

    @staticmethod
    def port(spec: ReciprocalDivide, lanes: int) -> MultiplierPort:
        """Return the multipliers of so many lanes."""
        return MultiplierPort(lanes, 1, signed(spec.word.width + spec.guard), signed(spec.table.output_bits + 1))

    @staticmethod
    def rom(spec: ReciprocalDivide) -> tuple[int, int]:
        """Return words and bits of the table of reciprocals."""
        line = line_layout(spec.table)
        return 1 << spec.table.index_bits, line.size - line["step"].width

    def lend(self) -> list[LentRom]:
        """As of ``Lender``: the tables of all heads, which hold the same, side by side."""
        copies = sum(1 << (head * self.rom(self.spec)[1]) for head in range(self.heads))
        self.lent = LentRom("reciprocals", (word * copies for word in table_words(self.spec.table)))
        return [self.lent]

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        table, guard, shown = self.spec.table, self.spec.guard, []
        accept = Signal(name="accept")
        fresh = Signal(name="fresh")
        held = Signal(self.o.payload.shape(), name="held")
        m.d.comb += [
            self.i.ready.eq(~self.o.valid | self.o.ready),
            accept.eq(self.i.valid & self.i.ready),
        ]
        m.d.sync += fresh.eq(accept)
        m.d.comb += self.multipliers.valid.eq(accept)
        with m.If(accept):
            m.d.sync += self.o.valid.eq(1)
        with m.Elif(self.o.ready):
            m.d.sync += self.o.valid.eq(0)

        largest = Shape.cast(self.denominators.elem_shape).width - table.input_bits
        for head in range(self.heads):
            denominator = self.i.p.denominators[head]
            # Cycle -1: e from 0 to ``largest``; the highest bit of the denominator decides.
            e = Signal(range(largest + 1), name=f"e{head}")
            u = Signal(table.input_bits, name=f"u{head}")
            m.d.comb += u.eq(denominator)
            for shift in range(1, largest + 1):
                with m.If(denominator[shift + table.input_bits - 1]):
                    m.d.comb += [e.eq(shift), u.eq(denominator >> shift)]
            exponent = Signal.like(e, name=f"exponent{head}")
            at: Value = u
            if self.lent is not None:
                at = Cat(u[: table.step_bits], lent_address(self.lent, u[table.step_bits :]))
            found = look_up(m, table, at)
            if not self.registered or self.lent is not None:
                line = Signal(line_layout(table), name=f"line{head}")
                m.d.sync += line.eq(found)
                shown += [line.base, line.slope]
            if self.registered:
                terms = Signal(terms_layout(table), name=f"terms{head}")
                m.d.sync += terms.eq(multiply(m, table, found))
            else:
                terms = multiply(m, table, line)
            m.d.sync += exponent.eq(e)

            # Cycle 0.
            reciprocal = Signal(table.output_bits, name=f"reciprocal{head}")
            m.d.comb += reciprocal.eq(add(m, table, terms))
            for lane in range(head * self.lanes // self.heads, (head + 1) * self.lanes // self.heads):
                wide = Signal(signed(self.word.width + guard), name=f"wide{lane}")
                with m.Switch(exponent):
                    for shift in range(largest + 1):
                        with m.Case(shift):
                            m.d.comb += wide.eq(self.i.p.numerators[lane] >> (shift + table.input_bits - guard))

                m.d.comb += [self.multipliers.a[lane][0].eq(wide), self.multipliers.b[lane][0].eq(reciprocal)]

                # Cycle 1.
                product = self.multipliers.results[lane][0]
                word = saturate(shift_right(product, table.fraction + guard, Rounding.NEAREST), self.word)
                m.d.comb += self.o.p[lane].eq(Mux(fresh, word, held[lane]))
        with m.If(fresh):
            m.d.sync += held.eq(self.o.payload)
        show(m, self.lent, *shown)
        return m
