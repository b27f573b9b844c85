# amaranth: UnusedElaboratable=no
"""The divider against Python's ``//``."""

from __future__ import annotations

import random

import pytest

from hdl.units.divide import Divide
from tests.helpers.streams import assert_equal, latencies, seed, transfer

# (numerator, denominator, quotient) widths: the least, RMSNorm's, attention's, the sampler's, and odd ones.
WIDTHS = [(1, 1, 1), (25, 16, 15), (32, 17, 16), (25, 16, 17), (12, 5, 9), (6, 9, 8)]


def operands(numerator: int, denominator: int, quotient: int, draw: random.Random) -> list[dict[str, int]]:
    """Corners and random pairs whose quotient fits, small and large denominators alike."""
    pairs = []
    top = (1 << denominator) - 1
    for by in [1, 2, 3, top, top - 1, *(draw.getrandbits(draw.randint(1, denominator)) for _ in range(100))]:
        by = min(max(by, 1), top)
        largest = min((by << quotient) - 1, (1 << numerator) - 1)
        for value in (0, largest, largest - largest % by, max(largest - largest % by - 1, 0), draw.randint(0, largest)):
            pairs.append({"numerator": value, "denominator": by})
    return pairs


@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("bits_per_cycle", [1, 3])
@pytest.mark.parametrize("stalling", [False, True])
def test_quotients(widths: tuple[int, int, int], bits_per_cycle: int, stalling: bool) -> None:
    draw = random.Random(seed())
    cases = operands(*widths, draw)
    actual = transfer(Divide(*widths, bits_per_cycle), cases, stalls=draw if stalling else None)
    assert_equal(actual, [case["numerator"] // case["denominator"] for case in cases], cases)


def test_quotients_exhaustive() -> None:
    cases = [
        {"numerator": numerator, "denominator": denominator}
        for denominator in range(1, 32)
        for numerator in range(min(denominator << 4, 1 << 8))
    ]
    actual = transfer(Divide(8, 5, 4, 3), cases)
    assert_equal(actual, [case["numerator"] // case["denominator"] for case in cases], cases)


@pytest.mark.parametrize(
    ("widths", "bits_per_cycle", "cycles"), [((25, 16, 15), 3, 5), ((32, 17, 16), 3, 6), ((8, 8, 2), 2, 1)]
)
def test_latency(widths: tuple[int, int, int], bits_per_cycle: int, cycles: int) -> None:
    divide = Divide(*widths, bits_per_cycle)
    assert cycles == divide.LATENCY
    spans, periods = latencies(divide, operands(*widths, random.Random(1))[:50])
    assert set(spans) == {cycles}
    assert set(periods) == {cycles}


def test_meaningless_operands_end_in_time() -> None:
    spans, _ = latencies(Divide(8, 8, 4, 2), [{"numerator": 255, "denominator": 0}, {"numerator": 9, "denominator": 3}])
    assert spans == [2, 2]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0, 1, 1, 1), ValueError, "numerator_width must be 1 to 64, not 0"),
        ((1, 65, 1, 1), ValueError, "denominator_width must be 1 to 64, not 65"),
        ((1, 1, "8", 1), TypeError, "quotient_width must be an integer, not '8'"),
        ((1, 1, 1, 9), ValueError, "bits_per_cycle must be 1 to 8, not 9"),
    ],
)
def test_refusals(arguments: tuple[int, int, int, int], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{message}$"):
        Divide(*arguments)
