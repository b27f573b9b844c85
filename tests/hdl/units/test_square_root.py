# amaranth: UnusedElaboratable=no
"""The square root against ``math.isqrt``."""

from __future__ import annotations

import math
import random

import pytest

from hdl.units.square_root import SquareRoot
from tests.helpers.streams import assert_equal, latencies, seed, transfer


def radicands(width: int, draw: random.Random) -> list[int]:
    """Squares, their neighbours, and numbers of all lengths."""
    top = (1 << width) - 1
    values = [0, 1, 2, 3, 4, top, top - 1]
    for _ in range(100):
        root = math.isqrt(draw.getrandbits(draw.randint(1, width)))
        values += [root * root, root * root - 1, root * root + 2 * root, draw.getrandbits(width)]
    return [min(max(value, 0), top) for value in values]


@pytest.mark.parametrize("width", [1, 2, 13, 31, 32])
@pytest.mark.parametrize("bits_per_cycle", [1, 3])
@pytest.mark.parametrize("stalling", [False, True])
def test_roots(width: int, bits_per_cycle: int, stalling: bool) -> None:
    draw = random.Random(seed())
    cases = radicands(width, draw)
    actual = transfer(SquareRoot(width, bits_per_cycle), cases, stalls=draw if stalling else None)
    assert_equal(actual, [math.isqrt(case) for case in cases], cases)


def test_roots_exhaustive() -> None:
    cases = list(range(1 << 12))
    assert_equal(transfer(SquareRoot(12, 3), cases), [math.isqrt(case) for case in cases], cases)


@pytest.mark.parametrize(("width", "bits_per_cycle", "cycles"), [(31, 3, 6), (32, 4, 4), (3, 2, 1)])
def test_latency(width: int, bits_per_cycle: int, cycles: int) -> None:
    square_root = SquareRoot(width, bits_per_cycle)
    assert cycles == square_root.LATENCY
    spans, periods = latencies(square_root, list(range(8)))
    assert set(spans) == {cycles}
    assert set(periods) == {cycles}


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((65, 1), ValueError, "width must be 1 to 64, not 65"),
        ((True, 1), TypeError, "width must be an integer, not True"),
        ((8, 0), ValueError, "bits_per_cycle must be 1 to 8, not 0"),
    ],
)
def test_refusals(arguments: tuple[int, int], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{message}$"):
        SquareRoot(*arguments)
