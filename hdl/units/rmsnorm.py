"""RMSNorm: sum of squares, the scale from it, and the scaled vector."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import C, Cat, Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.units.adders import adder_tree
from hdl.units.divide import Divide
from hdl.units.format import saturate, shape_of, shift_right
from hdl.units.interpolated_table import add, look_up, multiply, terms_layout
from hdl.units.multipliers import MultiplierBank
from hdl.units.square_root import SquareRoot
from talos_ref.golden.format import Rounding
from talos_ref.golden.rmsnorm import RmsNorm as RmsNormSpec
from talos_ref.golden.rmsnorm import RootRmsNorm, TableRmsNorm

__all__ = ["RmsNorm", "RootScale", "TableScale"]


class RootScale(wiring.Component):
    """``scale = spec.scale_of_mean(mean_square)``, UQ3.12: a square root, then a division.

    Timing: ``LATENCY = SquareRoot.LATENCY + Divide.LATENCY`` cycles from acceptance to the offer. Respects
    backpressure. ``i`` should come from registers.

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

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.square_root = square_root = self.square_root
        m.submodules.divide = divide = self.divide
        fraction, high = self.spec.word.fraction, self.spec.scale_format.high
        root = square_root.o.payload
        # The divider's condition for a quotient that fits is also where the scale leaves its range.
        largest = Signal()
        with m.If(divide.i.valid & divide.i.ready):
            m.d.sync += largest.eq(root <= 1 << (2 * fraction - self.spec.scale_format.width))
        m.d.comb += [
            square_root.i.valid.eq(self.i.valid),
            self.i.ready.eq(square_root.i.ready),
            square_root.i.payload.eq(Cat(C(0, fraction), self.i.payload)),
            divide.i.valid.eq(square_root.o.valid),
            square_root.o.ready.eq(divide.i.ready),
            divide.i.p.numerator.eq(1 << 2 * fraction),
            divide.i.p.denominator.eq(root),
            self.o.valid.eq(divide.o.valid),
            divide.o.ready.eq(self.o.ready),
            self.o.payload.eq(Mux(largest, high, divide.o.payload)),
        ]
        return m


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

    def __init__(self, spec: TableRmsNorm) -> None:
        self.spec = spec
        super().__init__(
            {
                "i": In(stream.Signature(unsigned(spec.sum_bits))),
                "o": Out(stream.Signature(shape_of(spec.scale_format))),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        spec, table = self.spec, self.spec.table
        low, high = spec.unit_exponent, (spec.sum_bits + 1) // 2

        # Cycle 0: e is the number of bit pairs up to the highest that is not 0; u the sixteen bits from there on.
        total = Signal(2 * high)
        m.d.comb += total.eq(self.i.payload)
        u, shift, small = Signal(table.input_bits), Signal(range(high - low + 1)), Signal()
        terms, shifts = [], []
        for e in range(low, high + 1):
            is_top = Signal(name=f"top_{e}")
            m.d.comb += is_top.eq(total[2 * e - 2 : 2 * e].any() & ~total[2 * e :].any())
            terms.append(Mux(is_top, total[2 * e - table.input_bits : 2 * e], 0))
            shifts.append(Mux(is_top, e - low, 0))
        m.d.comb += [u.eq(_any_of(terms)), shift.eq(_any_of(shifts)), small.eq(~total[2 * low - 2 :].any())]
        terms = multiply(m, table, look_up(m, table, u))

        # Cycle 1: a table's value has no rounding to do where the shift is 0.
        held_terms, held_shift, held_small = Signal(terms_layout(table)), Signal.like(shift), Signal()
        doubled = Signal(table.output_bits + 1)
        m.d.comb += doubled.eq(Cat(C(0, 1), add(m, table, held_terms)) >> held_shift)
        carry = doubled[0] if spec.scale_format.rounding is Rounding.NEAREST else 0

        first, second = Signal(), Signal()
        take_second = self.o.ready | ~second
        take_first = take_second | ~first
        m.d.comb += [self.i.ready.eq(take_first), self.o.valid.eq(second)]
        with m.If(take_first):
            m.d.sync += [first.eq(self.i.valid), held_terms.eq(terms), held_shift.eq(shift), held_small.eq(small)]
        rounded = Signal(table.output_bits)
        m.d.comb += rounded.eq(doubled[1:] + carry)
        saturated = held_small | rounded[spec.scale_format.width :].any()
        with m.If(take_second):
            m.d.sync += second.eq(first)
            m.d.sync += self.o.payload.eq(Mux(saturated, spec.scale_format.high, rounded))
        return m


class RmsNorm(wiring.Component):
    """``scale = spec.scale(x)`` and ``y = sat(round(x · scale))``, in the rounding of ``spec.word``.

    Timing: ``LATENCY`` cycles from acceptance to the offer; the next vector can be accepted in the cycle that takes the
    result. Respects backpressure. ``x`` should come from registers; it is kept inside. One bank of ``n`` multipliers
    makes the squares and, later, the products. Cycles, with ``s`` for the latency of ``RootScale`` or ``TableScale``:

        0: squares    1: sum    2 to 1 + s: scale    2 + s: products    3 + s: round and saturate

    so that ``LATENCY`` is ``4 + s``, or ``2 + s`` without ``normalise``.

    Parameters
    ----------
    spec
        ``talos_ref.golden.rmsnorm.RootRmsNorm`` or ``TableRmsNorm``.
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
        self.scale: RootScale | TableScale
        if isinstance(spec, RootRmsNorm):
            self.scale = RootScale(spec, bits_per_cycle)
        elif isinstance(spec, TableRmsNorm):
            self.scale = TableScale(spec)
        else:
            raise TypeError(f"spec must be a RootRmsNorm or a TableRmsNorm of talos_ref.golden.rmsnorm, not {spec!r}")
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

        accept, taken, busy = Signal(), Signal(), Signal()
        m.d.comb += [
            taken.eq(self.o.valid & self.o.ready),
            self.i.ready.eq(~busy | taken),
            accept.eq(self.i.valid & self.i.ready),
            self.o.p.scale.eq(scale.o.payload),
        ]
        m.d.sync += busy.eq(accept | (busy & ~taken))

        # Cycle 1: a square has its sign bit to spare.
        squared = Signal()
        m.d.sync += [squared.eq(accept), scale.i.valid.eq(squared)]
        squares = [product[: 2 * spec.word.width - 1] for product in products]
        if isinstance(spec, RootRmsNorm):
            total = adder_tree(m, [square[spec.word.fraction :] for square in squares])
            m.d.sync += scale.i.payload.eq((total >> spec.log2_n) + 1)
        else:
            m.d.sync += scale.i.payload.eq(adder_tree(m, [*squares, C(spec.eps)]))

        if not self.normalise:
            for k in range(spec.n):
                m.d.comb += [bank.port.a[k][0].eq(x[k]), bank.port.b[k][0].eq(x[k])]
            m.d.comb += [self.o.valid.eq(scale.o.valid), scale.o.ready.eq(self.o.ready)]
            return m

        # Cycle 2 + s: the only one in which the bank does not look at the input.
        held = Signal(x.shape())
        multiplied, rounded, apply = Signal(), Signal(), Signal()
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


def _any_of(terms: list[Any]) -> Any:
    """Return the bitwise or of ``terms``, of which at most one is not 0."""
    value = terms[0]
    for term in terms[1:]:
        value = value | term
    return value
