"""The weights of the sampler of ``precise``: any temperature and powers of two, some tokens a cycle."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from hdl.units.divide import Divide
from hdl.units.exp import exp2_align, exp2_exponent, exp2_terms
from hdl.units.format import shape_of
from hdl.units.interpolated_table import add, terms_layout
from hdl.units.multipliers import MultiplierPort
from hdl.units.variants import weights_signature
from talos_ref.golden.format import Format, Rounding, shift_right
from talos_ref.golden.sampler import TEMPERATURE, Exp2Sampler

__all__ = ["Exp2Weights"]


class Exp2Weights(wiring.Component):
    """``Exp2`` of ``t = round(logit · inverse / 2^shift)``, as ``talos_ref.golden.sampler.Exp2Sampler`` makes it.

    Timing: ``LATENCY`` cycles, ``lanes`` logits a cycle. Cycle 0: products. Cycle 1: round; the terms of the mantissas;
    the product of ``top``. Cycle 2: round that, whose exponent is the largest; add, align. A temperature takes effect
    ``SETTLE`` cycles after it is accepted, when its inverse has been divided; before the first nothing is settled. One
    below ``spec.min_temperature`` counts as that, and 0 as greedy, too. The products come from ``multipliers``
    (lanes × 1), whose ``valid`` the sampler sets, and that of ``top`` from ``top_multipliers`` (1 × 1).
    """

    LATENCY = 3

    def __init__(self, spec: Exp2Sampler, word: Format, lanes: int, bits_per_cycle: int) -> None:
        self.spec, self.word, self.lanes = spec, word, lanes
        self.weight = unsigned(spec.exp.width)
        self.one = 1 << TEMPERATURE.fraction
        largest = _largest_inverse(spec)
        self.inverse_width = largest.bit_length()
        t = shift_right(-word.low * largest, spec.shift(spec.min_temperature), Rounding.NEAREST)
        self.t_shape = signed(t.bit_length() + 1)
        self.divide = Divide(
            (spec.numerator(TEMPERATURE.high) + TEMPERATURE.high // 2).bit_length(),
            TEMPERATURE.width,
            self.inverse_width,
            bits_per_cycle,
        )
        self.SETTLE = 1 + self.divide.LATENCY
        super().__init__(
            {
                **weights_signature(word, lanes, self.weight).members,
                **{name: Out(port) for name, port in self.turns(spec, word, lanes).items()},
                **{name: Out(port) for name, port in self.apart(spec, word).items()},
            }
        )

    @staticmethod
    def turns(spec: Exp2Sampler, word: Format, lanes: int) -> dict[str, MultiplierPort]:
        """Return the multipliers of so many logits a cycle."""
        inverse = signed(_largest_inverse(spec).bit_length() + 1)
        return {"multipliers": MultiplierPort(lanes, 1, shape_of(word), inverse)}

    @staticmethod
    def apart(spec: Exp2Sampler, word: Format) -> dict[str, MultiplierPort]:
        """Return the multiplier of the largest logit."""
        return {"top_multipliers": Exp2Weights.turns(spec, word, 1)["multipliers"]}

    @staticmethod
    def random_factor(spec: Exp2Sampler) -> None:
        """Return nothing: the state itself is drawn with."""

    @staticmethod
    def sum_width(spec: Exp2Sampler, vocab_size: int) -> int:
        """Return the width of the sum of ``vocab_size`` weights."""
        return (vocab_size * ((1 << spec.exp.width) - 1)).bit_length()

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.divide = divide = self.divide
        spec, temperature = self.spec, self.temperature.payload

        # The inverse stays in the divider until the next temperature comes.
        wide = Signal(name="wide")
        pending = Signal(name="pending")
        clipped = Signal(TEMPERATURE.width, name="clipped")
        m.d.comb += [
            clipped.eq(Mux(temperature < spec.min_temperature, spec.min_temperature, temperature)),
            self.temperature.ready.eq(~pending & (divide.o.valid | divide.i.ready)),
            self.settled.eq(~pending & divide.o.valid),
            divide.i.valid.eq(pending),
            divide.o.ready.eq(pending),
        ]
        m.d.sync += pending.eq(0)
        with m.If(self.temperature.valid & self.temperature.ready):
            above = clipped >= self.one
            numerator = Mux(above, spec.numerator(self.one), spec.numerator(spec.min_temperature))
            m.d.sync += [
                pending.eq(1),
                wide.eq(above),
                self.greedy.eq(~temperature.any()),
                divide.i.p.numerator.eq(numerator + (clipped >> 1)),
                divide.i.p.denominator.eq(clipped),
            ]

        # Cycle 1, and rounded in cycle 2. Its operands stay, and so does the result.
        m.d.comb += [
            self.top_multipliers.valid.eq(1),
            self.top_multipliers.a[0][0].eq(self.top),
            self.top_multipliers.b[0][0].eq(divide.o.payload),
        ]
        top = Signal(exp2_exponent(spec.exp, Signal(self.t_shape, name="t")).shape(), name="top")
        top_product = self.top_multipliers.results[0][0]
        m.d.comb += top.eq(exp2_exponent(spec.exp, self._round(m, top_product, wide, "top_t")))

        for lane in range(self.lanes):
            # Cycle 0.
            m.d.comb += [
                self.multipliers.a[lane][0].eq(self.logits[lane]),
                self.multipliers.b[lane][0].eq(divide.o.payload),
            ]
            # Cycle 1.
            product = self.multipliers.results[lane][0]
            t = self._round(m, product, wide, f"t_{lane}")
            terms = Signal(terms_layout(spec.exp.table), name=f"terms_{lane}")
            exponent = Signal(top.shape(), name=f"exponent_{lane}")
            m.d.sync += [terms.eq(exp2_terms(m, spec.exp, t)), exponent.eq(exp2_exponent(spec.exp, t))]
            # Cycle 2. t grows with the logit, so no exponent is above that of ``top``.
            below = (top - exponent)[: len(top)]
            mantissa = add(m, spec.exp.table, terms)
            m.d.sync += self.weights[lane].eq(exp2_align(m, spec.exp, mantissa, below))
        return m

    def _round(self, m: Module, product: Signal, wide: Signal, name: str) -> Signal:
        """Return ``t``, Q.12: twice it, floored, and half of that to nearest; so one adder does for both shifts."""
        halves = Signal(signed(self.t_shape.width + 1), name=f"{name}_halves")
        t = Signal(self.t_shape, name=name)
        coarse, fine = self.spec.shift(self.one), self.spec.shift(self.spec.min_temperature)
        m.d.comb += [
            halves.eq(Mux(wide, product >> (coarse - 1), product >> (fine - 1))),
            t.eq((halves >> 1) + halves[0]),
        ]
        return t


def _largest_inverse(spec: Exp2Sampler) -> int:
    """Return the largest inverse of a temperature.

    From 1.0 on the inverse has more fraction bits, so it is at its largest there or at the least temperature.
    """
    return max(spec.inverse(spec.min_temperature), spec.inverse(1 << TEMPERATURE.fraction))
