"""The exponentials' circuits against the golden model, exhaustively."""

from __future__ import annotations

import random

from amaranth.hdl import signed

from hdl.units.exp import exp2_align, exp2_exponent, exp2_mantissa, step_exp, wrapping_exp
from talos_ref.golden.exp import Exp2, StepExp, WrappingExp
from tests.helpers.combinational import evaluate_all
from tests.helpers.streams import assert_equal, seed


def test_step_exp() -> None:
    # Scores are 16 bits, so their differences are 17, and never positive. The weight changes every 1,024.
    spec = StepExp()
    deltas = sorted({-k for k in range(3000)} | {511 - 1024 * k + near for k in range(64) for near in (-1, 0, 1)})
    deltas = [delta for delta in deltas if -65535 <= delta <= 511] + [-65535, -65536]
    actual = evaluate_all([signed(17)], lambda m, delta: step_exp(m, spec, delta), [(delta,) for delta in deltas])
    assert_equal(actual, [spec.compute(delta) for delta in deltas], deltas)


def test_wrapping_exp() -> None:
    # Differences of logits, doubled, are 18 bits; the weight changes every 256 and comes back every 65,536.
    spec = WrappingExp()
    edges = (127 - 256 * k + near for k in range(-512, 514) for near in (0, 1))
    deltas = [delta for delta in edges if -(1 << 17) <= delta < 1 << 17]
    deltas += [0, 1, -1, -(1 << 17), (1 << 17) - 1, *range(-700, 300)]
    actual = evaluate_all([signed(18)], lambda m, delta: wrapping_exp(m, spec, delta), [(delta,) for delta in deltas])
    expected = [spec.compute(delta) for delta in deltas]
    assert max(expected) > 1 << 31, "the second wrap must be among the cases"
    assert_equal(actual, expected, deltas)


def test_exp2_mantissa() -> None:
    spec = Exp2()
    cases = [(t,) for t in range(1 << 12)]
    actual = evaluate_all([signed(21)], lambda m, t: exp2_mantissa(m, spec, t), cases)
    assert_equal(actual, [spec.compute(t, 0) for (t,) in cases], cases)


def test_exp2_weight() -> None:
    spec = Exp2()
    draw = random.Random(seed())
    cases = [(t, top) for t in (-(1 << 20), -1, 0, (1 << 20) - 1) for top in range(t >> 12, min((t >> 12) + 40, 256))]
    for _ in range(2000):
        t = draw.randrange(-(1 << 20), 1 << 20)
        cases.append((t, min((t >> 12) + draw.choice((0, 1, 2, 5, 16, 17, 31, 32, 33, 64, 100, 511)), 255)))
    actual = evaluate_all(
        [signed(21), signed(9)],
        lambda m, t, top: exp2_align(m, spec, exp2_mantissa(m, spec, t), (top - exp2_exponent(spec, t))[:10]),
        cases,
    )
    assert_equal(actual, [spec.compute(t, top) for t, top in cases], cases)
