"""Requantisation with a scale: the circuit of ``talos_ref.golden.linear.ScaledLinear``."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Shape, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.units.format import requantise, saturate, shape_of, shift_right
from hdl.units.multipliers import MultiplierBank, MultiplierPort
from talos_ref.golden.format import Rounding
from talos_ref.golden.linear import ScaledLinear as ScaledLinearSpec

__all__ = ["ScaledLinear"]


class ScaledLinear(wiring.Component):
    """``o[lane] = sat(round(wide(totals[lane]) · scale + addends[lane]))``.

    ``LATENCY`` cycles, one set of totals a cycle, no backpressure. Cycle 0: widen, multiply. Cycle 1: the words,
    combinational; the addends are read in this cycle.

    Parameters
    ----------
    spec
        ``talos_ref.golden.linear.ScaledLinear``.
    lanes
        Totals side by side.
    total_shape, addend_shape
        Shapes of Q.24 sums.

    Members
    -------
    i : In(stream), always ready: ``totals`` [lanes], ``scale`` UQ4.13
    addends : In(sums [lanes])
    o : Out(stream), always ready: words [lanes]
    multipliers : Out(MultiplierPort), lanes × 1
    """

    LATENCY = MultiplierBank.LATENCY

    def __init__(self, spec: ScaledLinearSpec, *, lanes: int, total_shape: Shape, addend_shape: Shape) -> None:
        self.spec, self.lanes = spec, lanes
        operands = data.StructLayout(
            {"totals": data.ArrayLayout(total_shape, lanes), "scale": shape_of(spec.scale_format)}
        )
        super().__init__(
            {
                "i": In(stream.Signature(operands, always_ready=True)),
                "addends": In(data.ArrayLayout(addend_shape, lanes)),
                "o": Out(stream.Signature(data.ArrayLayout(shape_of(spec.word), lanes), always_ready=True)),
                "multipliers": Out(self.port(spec, lanes)),
            }
        )

    @staticmethod
    def port(spec: ScaledLinearSpec, lanes: int) -> MultiplierPort:
        """Return the multipliers of so many lanes."""
        return MultiplierPort(lanes, 1, shape_of(spec.wide), signed(spec.scale_format.width + 1))

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        spec, word = self.spec, self.spec.word
        fraction = spec.wide.fraction + spec.scale_format.fraction
        m.d.comb += self.multipliers.valid.eq(self.i.valid)
        m.d.sync += self.o.valid.eq(self.i.valid)
        for lane in range(self.lanes):
            m.d.comb += [
                self.multipliers.a[lane][0].eq(requantise(self.i.p.totals[lane], 2 * word.fraction, spec.wide)),
                self.multipliers.b[lane][0].eq(self.i.p.scale),
            ]
            addend = self.addends[lane] << (fraction - 2 * word.fraction)
            total = Signal(signed(max(len(addend), len(self.multipliers.results[lane][0])) + 1), name=f"sum{lane}")
            m.d.comb += [
                total.eq(self.multipliers.results[lane][0] + addend),
                self.o.p[lane].eq(saturate(shift_right(total, fraction - word.fraction, Rounding.NEAREST), word)),
            ]
        return m
