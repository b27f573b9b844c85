"""One DSP block: two products, or the sum of two."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Shape, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hdl.device.target import DspMode, target_of
from talos_ref.golden.format import MULTIPLIER_BITS

__all__ = ["OPERAND", "WIDE_OPERAND", "DspBlock", "check_operands"]

OPERAND, WIDE_OPERAND = signed(MULTIPLIER_BITS - 1), signed(MULTIPLIER_BITS)
"""Operands of half a Cyclone V DSP block, 18 × 19 bits; narrower ones are extended."""


class DspBlock(wiring.Component):
    """``o = [a[0]·b[0], a[1]·b[1]]``, or ``o = [a[0]·b[0] + a[1]·b[1]]``, exact.

    Latency ``LATENCY``: 1 with the register that a block has behind products or sum, 0 without. New operands every
    cycle, no backpressure. The register has no reset. What it becomes is for the target to say
    (``hdl.device.target``): on a Cyclone V one ``cyclonev_mac``.

    Parameters
    ----------
    mode
        Pair or sum.
    a_shape, b_shape
        Signed, at most 19 and 18 bits.
    registered
        Whether the register is used.

    Raises TypeError if ``mode`` is something else; ValueError if an operand is not signed or too wide.

    Members
    -------
    a, b : In(arrays [2])
    o : Out(array [2] or [1])
    """

    def __init__(
        self, mode: DspMode, a_shape: Shape = OPERAND, b_shape: Shape = OPERAND, *, registered: bool = True
    ) -> None:
        if not isinstance(mode, DspMode):
            raise TypeError(f"mode must be a DspMode, not {mode!r}")
        check_operands(a_shape, b_shape)
        self.mode, self.registered = mode, registered
        self.LATENCY = int(registered)
        width, results = a_shape.width + b_shape.width, 2 if mode is DspMode.PAIR else 1
        super().__init__(
            {
                "a": In(data.ArrayLayout(a_shape, 2)),
                "b": In(data.ArrayLayout(b_shape, 2)),
                "o": Out(data.ArrayLayout(signed(width + 2 - results), results)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        return target_of(platform).dsp_block(self)


def check_operands(a_shape: Shape, b_shape: Shape) -> None:
    """Raise ValueError if an operand is not signed or too wide for the device's multipliers."""
    for name, shape, widest in (("a_shape", a_shape, WIDE_OPERAND), ("b_shape", b_shape, OPERAND)):
        if not shape.signed or shape.width > widest.width:
            raise ValueError(f"{name} must be signed and at most {widest.width} bits wide, not {shape!r}")
