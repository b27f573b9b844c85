"""RMSNorm: sum of squares, the scale from it, and the scaled vector."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.units.format import saturate, shape_of, shift_right
from hdl.units.multipliers import MultiplierBank
from hdl.units.registry import rms_scale_of
from talos_ref.golden.rmsnorm import RmsNorm as RmsNormSpec

__all__ = ["RmsNorm"]


class RmsNorm(wiring.Component):
    """``scale = spec.scale(x)`` and ``y = sat(round(x · scale))``, in the rounding of ``spec.word``.

    Timing: ``LATENCY`` cycles from acceptance to the offer; the next vector can be accepted in the cycle that takes the
    result. Respects backpressure. ``x`` should come from registers; it is kept inside. One bank of ``n`` multipliers
    makes the squares and, later, the products. Cycles, with ``s`` for the latency of the scale:

        0: squares    1: sum    2 to 1 + s: scale    2 + s: products    3 + s: round and saturate

    so that ``LATENCY`` is ``4 + s``, or ``2 + s`` without ``normalise``.

    Parameters
    ----------
    spec
        An RMSNorm of ``talos_ref.golden.rmsnorm`` that ``hdl.units.registry`` has a scale for.
    normalise
        Whether to make ``y``; without, the result is the scale alone.
    bits_per_cycle
        Digits a cycle of a square root and a division; a table has none.

    Raises TypeError if ``spec`` is something else.

    Members
    -------
    i : In(stream): ``x``, n words
    o : Out(stream): ``scale`` and, with ``normalise``, ``y``, n words
    """

    def __init__(self, spec: RmsNormSpec, normalise: bool = True, bits_per_cycle: int = 3) -> None:
        self.scale = rms_scale_of(spec)(spec, bits_per_cycle)
        self.spec = spec
        self.normalise = normalise
        self.LATENCY = 2 + self.scale.LATENCY + (2 if normalise else 0)
        words = data.ArrayLayout(shape_of(spec.word), spec.n)
        result = {"scale": shape_of(spec.scale_format), **({"y": words} if normalise else {})}
        super().__init__(
            {
                "i": In(stream.Signature(data.StructLayout({"x": words}))),
                "o": Out(stream.Signature(data.StructLayout(result))),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.scale = scale = self.scale
        spec, x = self.spec, self.i.p.x
        wide = max(spec.word.width, spec.scale_format.width + 1) if self.normalise else spec.word.width
        m.submodules.bank = bank = MultiplierBank(spec.n, 1, shape_of(spec.word), signed(wide))
        products = [bank.port.products[k][0] for k in range(spec.n)]

        accept = Signal(name="accept")
        taken = Signal(name="taken")
        busy = Signal(name="busy")
        m.d.comb += [
            taken.eq(self.o.valid & self.o.ready),
            self.i.ready.eq(~busy | taken),
            accept.eq(self.i.valid & self.i.ready),
            self.o.p.scale.eq(scale.o.payload),
        ]
        m.d.sync += busy.eq(accept | (busy & ~taken))

        # Cycle 1: a square has its sign bit to spare.
        squared = Signal(name="squared")
        m.d.sync += [squared.eq(accept), scale.i.valid.eq(squared)]
        squares = [product[: 2 * spec.word.width - 1] for product in products]
        m.d.sync += scale.i.payload.eq(scale.measure(m, squares))

        if not self.normalise:
            for k in range(spec.n):
                m.d.comb += [bank.port.a[k][0].eq(x[k]), bank.port.b[k][0].eq(x[k])]
            m.d.comb += [self.o.valid.eq(scale.o.valid), scale.o.ready.eq(self.o.ready)]
            return m

        # Cycle 2 + s: the only one in which the bank does not look at the input.
        held = Signal(x.shape(), name="held")
        multiplied = Signal(name="multiplied")
        rounded = Signal(name="rounded")
        apply = Signal(name="apply")
        m.d.comb += apply.eq(scale.o.valid & ~multiplied)
        for k in range(spec.n):
            m.d.comb += [
                bank.port.a[k][0].eq(Mux(apply, held[k], x[k])),
                bank.port.b[k][0].eq(Mux(apply, scale.o.payload, x[k])),
            ]
        with m.If(accept):
            m.d.sync += held.eq(x)

        # Cycle 3 + s. The scale is held by its unit until the result is taken.
        fraction = spec.word.fraction + spec.scale_format.fraction
        for k in range(spec.n):
            scaled = shift_right(products[k], fraction - spec.word.fraction, spec.word.rounding)
            wide_y = Signal(scaled.shape(), name=f"wide_y_{k}")
            m.d.comb += wide_y.eq(scaled)
            with m.If(multiplied & ~rounded):
                m.d.sync += self.o.p.y[k].eq(saturate(wide_y, spec.word))
        m.d.sync += [multiplied.eq(scale.o.valid & ~taken), rounded.eq(multiplied & ~taken)]
        m.d.comb += [self.o.valid.eq(rounded), scale.o.ready.eq(taken)]
        return m
