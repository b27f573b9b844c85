"""Exponentials as combinational circuits, each built from its specification in ``talos_ref.golden.exp``."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Shape, Signal, Value, ValueLike, signed

from hdl.units.interpolated_table import add, look_up, multiply
from talos_ref.golden.exp import EXP_TABLE, Exp2, StepExp, WrappingExp

__all__ = [
    "step_exp", "step_weight", "wrapping_exp", "wrapping_weight", "exp2_exponent", "exp2_terms", "exp2_mantissa",
    "exp2_align",
]  # fmt: skip


def step_exp(m: Module, spec: StepExp, delta: ValueLike) -> Value:
    """Return ``spec.compute(delta)``, UQ1.12, for a ``delta`` (Q4.12, any width) of at most 511."""
    below = Signal(_shape_of_difference(delta), name="step_exp_below")
    m.d.comb += below.eq(511 - Value.cast(delta))
    return step_weight(m, spec, below)


def step_weight(m: Module, spec: StepExp, below: Value) -> Value:
    """Return ``spec.compute(delta)`` where ``511 - delta`` is ``below``, which is not negative."""
    steps = below >> 10
    weight = Signal(spec.width, name="step_exp_weight")
    with m.Switch(steps):
        for step, value in enumerate(EXP_TABLE[:-1]):
            with m.Case(step):
                m.d.comb += weight.eq(value)
        with m.Default():
            m.d.comb += weight.eq(EXP_TABLE[-1])
    return weight


def wrapping_exp(m: Module, spec: WrappingExp, delta: ValueLike) -> Value:
    """Return ``spec.compute(delta)``, 32 bits, both of its wraps included, for any ``delta``.

    The interpolation is made beforehand: the weight is a function of the eight bits ``f``, and 1 for nearly half of
    them.
    """
    delta = Value.cast(delta)
    below = Signal(_shape_of_difference(delta), name="wrapping_exp_below")
    m.d.comb += below.eq(127 - delta)
    return wrapping_weight(m, spec, below >> 8, delta >= 0)


def wrapping_weight(m: Module, spec: WrappingExp, steps: Value, largest: Value) -> Value:
    """Return ``spec.compute(delta)`` where ``spec.steps(delta)`` is ``steps``, and ``largest`` whether delta is not
    negative."""
    weight = Signal(spec.width, name="wrapping_exp_weight")
    m.d.comb += weight.eq(1)
    with m.Switch(steps[:8]):
        for f in range(256):
            # -1 and 127 - 256 f are deltas that give f.
            value = spec.compute(min(127 - (f << 8), -1))
            if value != 1:
                with m.Case(f):
                    m.d.comb += weight.eq(value)
    return Mux(largest, EXP_TABLE[0], weight)


def exp2_exponent(spec: Exp2, t: ValueLike) -> Value:
    """Return ``n``, the integer part of ``t`` (Q.12), signed."""
    return Value.cast(t) >> spec.fraction


def exp2_terms(m: Module, spec: Exp2, t: ValueLike) -> Any:
    """Return the terms (``terms_layout``) whose sum is the mantissa of ``t`` (Q.12)."""
    return multiply(m, spec.table, look_up(m, spec.table, Value.cast(t)[: spec.fraction]))


def exp2_mantissa(m: Module, spec: Exp2, t: ValueLike) -> Value:
    """Return ``mantissa(f)``, UQ1.16, of the fractional part of ``t`` (Q.12)."""
    return add(m, spec.table, exp2_terms(m, spec, t))


def exp2_align(m: Module, spec: Exp2, mantissa: ValueLike, below: ValueLike) -> Value:
    """Return the weight ``mantissa >> min(below, 31)``, UQ1.16, where ``below`` is ``top - n``, never negative."""
    distance = Signal(len(Value.cast(below)), name="exp2_below")
    m.d.comb += distance.eq(below)
    # From the mantissa's width on nothing is left, so a distance above 31 may as well give 0 at once.
    return Mux(distance[5:].any(), 0, Value.cast(mantissa) >> distance[:5])


def _shape_of_difference(delta: ValueLike) -> Shape:
    """Return the shape of a small constant less ``delta``."""
    return signed(max(len(Value.cast(delta)), 10) + 2)
