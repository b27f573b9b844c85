"""Attention's division in ``talos-v2``: a digit-recurrence divider a lane, towards zero."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Shape, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.units.divide import Divide
from hdl.units.format import saturate, shape_of
from hdl.units.lent_rom import LentRom
from talos_ref.golden.divide import TruncatingDivide

__all__ = ["TruncatingAttentionDivide"]


class TruncatingAttentionDivide(wiring.Component):
    """``o[d] = sat(trunc(numerators[d] / denominators[head of d]))``, one digit-recurrence divider a lane.

    ``LATENCY`` cycles from an accepted input to a valid output, whatever the data; one division at a time; respects
    backpressure. Requires ``low <= numerators[d] / denominators[d] <= high`` of a word, as in a mean of words.

    Members
    -------
    i : In(stream): ``operands_layout``
    o : Out(stream): words [lanes]
    """

    EARLY_DENOMINATORS = False
    """As of ``ReciprocalAttentionDivide``."""

    def __init__(
        self, spec: TruncatingDivide, operands: data.StructLayout, bits_per_cycle: int, *, registered: bool = False
    ) -> None:
        self.spec, self.word = spec, spec.word
        numerators, denominators = operands["numerators"].shape, operands["denominators"].shape
        self.lanes, self.heads = numerators.length, denominators.length
        self.dividers = [
            Divide(
                numerator_width=Shape.cast(numerators.elem_shape).width,
                denominator_width=Shape.cast(denominators.elem_shape).width,
                quotient_width=spec.word.width,
                bits_per_cycle=bits_per_cycle,
            )
            for _ in range(self.lanes)
        ]
        self.LATENCY = self.dividers[0].LATENCY
        super().__init__(
            {
                "i": In(stream.Signature(operands)),
                "o": Out(stream.Signature(data.ArrayLayout(shape_of(spec.word), self.lanes))),
            }
        )

    @staticmethod
    def port(spec: TruncatingDivide, lanes: int) -> None:
        """Return nothing: a recurrence does not multiply."""

    @staticmethod
    def rom(spec: TruncatingDivide) -> None:
        """Return nothing: a recurrence has no table."""

    def lend(self) -> list[LentRom]:
        """As of ``Lender``: a recurrence has no table."""
        return []

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.d.comb += [self.i.ready.eq(self.dividers[0].i.ready), self.o.valid.eq(self.dividers[0].o.valid)]
        for lane, divider in enumerate(self.dividers):
            m.submodules[f"divider{lane}"] = divider
            numerator = self.i.p.numerators[lane]
            negative = Signal(name=f"negative{lane}")
            with m.If(self.i.valid & self.i.ready):
                m.d.sync += negative.eq(numerator < 0)
            quotient = divider.o.payload
            m.d.comb += [
                divider.i.valid.eq(self.i.valid),
                divider.i.p.numerator.eq(Mux(numerator < 0, -numerator, numerator)),
                divider.i.p.denominator.eq(self.i.p.denominators[lane * self.heads // self.lanes]),
                divider.o.ready.eq(self.o.ready),
                self.o.p[lane].eq(saturate(Mux(negative, -quotient, quotient), self.word)),
            ]
        return m
