"""RMSNorm's scale in ``talos-v2``: a square root, then a division."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import C, Cat, Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.units.adders import adder_tree
from hdl.units.divide import Divide
from hdl.units.format import shape_of
from hdl.units.square_root import SquareRoot
from talos_ref.golden.rmsnorm import RootRmsNorm

__all__ = ["RootScale"]


class RootScale(wiring.Component):
    """``scale = spec.scale_of_mean(mean_square)``, UQ3.12: a square root, then a division.

    Timing: ``LATENCY = SquareRoot.LATENCY + Divide.LATENCY`` cycles from acceptance to the offer, one more where the
    scale before was taken in the very cycle that has the root. Respects backpressure. ``i`` should come from registers.

    Parameters
    ----------
    spec
        ``talos_ref.golden.rmsnorm.RootRmsNorm``.
    bits_per_cycle
        Digits a cycle of both recurrences.

    Members
    -------
    i : In(stream of the mean square, 1 to ``spec.max_mean_square``)
    o : Out(stream of the scale)
    """

    EACH_SQUARE = True

    def __init__(self, spec: RootRmsNorm, bits_per_cycle: int) -> None:
        self.spec = spec
        fraction = spec.word.fraction
        self.mean_width = spec.max_mean_square.bit_length()
        self.square_root = SquareRoot(self.mean_width + fraction, bits_per_cycle)
        self.divide = Divide(
            2 * fraction + 1, self.square_root.root_width, spec.scale_format.width, bits_per_cycle
        )
        self.LATENCY = self.square_root.LATENCY + self.divide.LATENCY
        super().__init__(
            {
                "i": In(stream.Signature(unsigned(self.mean_width))),
                "o": Out(stream.Signature(shape_of(spec.scale_format))),
            }
        )

    def measure(self, m: Module, squares: Sequence[Value]) -> Value:
        """Return the mean square, as ``i`` takes it."""
        total = adder_tree(m, [square[self.spec.word.fraction :] for square in squares])
        return (total >> self.spec.log2_n) + 1

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.square_root = square_root = self.square_root
        m.submodules.divide = divide = self.divide
        fraction, high = self.spec.word.fraction, self.spec.scale_format.high
        root = square_root.o.payload
        # The divider's condition for a quotient that fits is also where the scale leaves its range.
        largest = Signal(name="largest")
        with m.If(divide.i.valid & divide.i.ready):
            m.d.sync += largest.eq(root <= 1 << (2 * fraction - self.spec.scale_format.width))
        m.d.comb += [
            square_root.i.valid.eq(self.i.valid),
            self.i.ready.eq(square_root.i.ready),
            square_root.i.payload.eq(Cat(C(0, fraction), self.i.payload)),
            # Not in the cycle that takes the scale before: what is ready then would be a path through both recurrences.
            divide.i.valid.eq(square_root.o.valid & ~divide.o.valid),
            square_root.o.ready.eq(divide.i.ready & ~divide.o.valid),
            divide.i.p.numerator.eq(1 << 2 * fraction),
            divide.i.p.denominator.eq(root),
            self.o.valid.eq(divide.o.valid),
            divide.o.ready.eq(self.o.ready),
            self.o.payload.eq(Mux(largest, high, divide.o.payload)),
        ]
        return m
