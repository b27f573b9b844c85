"""RMSNorm: sum of squares, the scale from it, and the scaled vector."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.units.format import saturate, shape_of, shift_right
from hdl.units.multipliers import MultiplierPort, bank_of, share
from hdl.units.registry import rms_scale_of
from talos_ref.golden.rmsnorm import RmsNorm as RmsNormSpec

__all__ = ["RmsNorm"]


class RmsNorm(wiring.Component):
    """``scale = spec.scale(x)`` and ``y = sat(round(x · scale))``, in the rounding of ``spec.word``.

    Timing: ``LATENCY`` cycles from acceptance to the offer; the next vector can be accepted in the cycle that takes the
    result. Respects backpressure. ``x`` should come from registers; it is kept inside. One bank of ``n`` multipliers
    makes the squares and, later, the products; where only sums of squares are wanted, it sums them in pairs. Cycles,
    with ``s`` for the latency of the scale:

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

    @staticmethod
    def port(spec: RmsNormSpec, normalise: bool) -> MultiplierPort:
        """Return the multipliers: a column where every product is wanted, a row where only sums of squares are."""
        word = shape_of(spec.word)
        if not normalise and not rms_scale_of(spec).EACH_SQUARE:
            return MultiplierPort(1, spec.n, word, word)
        wide = max(spec.word.width, spec.scale_format.width + 1) if normalise else spec.word.width
        return MultiplierPort(spec.n, 1, word, signed(wide))

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.scale = scale = self.scale
        spec, x = self.spec, self.i.p.x
        port = self.port(spec, self.normalise).create(path=("multipliers",))
        m.submodules.bank = bank = bank_of([port])
        share(m, bank, [port])
        rows, columns = port.signature.rows, port.signature.columns
        places = [(row, column) for row in range(rows) for column in range(columns)]
        results = [port.results[row][j] for row in range(rows) for j in range(-(-columns // 2))]

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

        # Cycle 1: a square has its sign bit to spare, and the sum of two fills it.
        squared = Signal(name="squared")
        m.d.sync += [squared.eq(accept), scale.i.valid.eq(squared)]
        squares = [result[: 2 * spec.word.width - (columns == 1)] for result in results]
        m.d.sync += scale.i.payload.eq(scale.measure(m, squares))

        if not self.normalise:
            for k, (row, column) in enumerate(places):
                m.d.comb += [port.a[row][column].eq(x[k]), port.b[row][column].eq(x[k])]
            m.d.comb += [self.o.valid.eq(scale.o.valid), scale.o.ready.eq(self.o.ready)]
            return m

        # Cycle 2 + s: the only one in which the bank does not look at the input.
        held = Signal(x.shape(), name="held")
        multiplied = Signal(name="multiplied")
        rounded = Signal(name="rounded")
        # A register, for it chooses the operands of every multiplier; the scale's first cycle is the one that matters.
        apply = Signal(name="apply")
        m.d.sync += apply.eq(accept | (apply & ~scale.o.valid))
        for k in range(spec.n):
            m.d.comb += [
                port.a[k][0].eq(Mux(apply, held[k], x[k])),
                port.b[k][0].eq(Mux(apply, scale.o.payload, x[k])),
            ]
        with m.If(accept):
            m.d.sync += held.eq(x)

        # Cycle 3 + s. The scale is held by its unit until the result is taken.
        fraction = spec.word.fraction + spec.scale_format.fraction
        for k in range(spec.n):
            scaled = shift_right(results[k], fraction - spec.word.fraction, spec.word.rounding)
            wide_y = Signal(scaled.shape(), name=f"wide_y_{k}")
            m.d.comb += wide_y.eq(scaled)
            with m.If(multiplied & ~rounded):
                m.d.sync += self.o.p.y[k].eq(saturate(wide_y, spec.word))
        m.d.sync += [multiplied.eq(scale.o.valid & ~taken), rounded.eq(multiplied & ~taken)]
        m.d.comb += [self.o.valid.eq(rounded), scale.o.ready.eq(taken)]
        return m
