"""The PLL's frequencies: exact, within the data sheet's limits, and found wherever there are any."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from hdl.boards.de1_soc.pll import PllSettings, pll_settings
from tests.helpers.streams import seed


def test_published_clock() -> None:
    settings = pll_settings(56_250_000)
    assert settings == PllSettings(output_hz=56_250_000, n=1, m=18, c=16)
    assert settings.vco_hz == 900_000_000


def test_settings() -> None:
    """Frequencies made of random counters are found again, and what is found keeps the limits."""
    rng = random.Random(seed())
    tried = 0
    while tried < 100:
        n, m, c = rng.randint(1, 10), rng.randint(1, 512), rng.randint(1, 512)
        vco = Fraction(50_000_000 * m, n)
        if not 600_000_000 <= vco <= 1_600_000_000 or vco / c > 550_000_000 or (vco / c).denominator != 1:
            continue
        tried += 1
        found = pll_settings(int(vco / c))
        assert Fraction(50_000_000 * found.m, found.n * found.c) == vco / c == found.output_hz
        assert 600_000_000 <= found.vco_hz <= 1_600_000_000
        assert 50_000_000 / found.n >= 5_000_000
        assert max(found.m, found.n, found.c) <= 512


@pytest.mark.parametrize(
    ("hertz", "error", "text"),
    [
        (56.25e6, TypeError, "output_hz must be an integer, not 56250000.0"),
        (True, TypeError, "output_hz must be an integer, not True"),
        (0, ValueError, "output_hz must be 1 to 550000000 Hz, not 0"),
        (600_000_000, ValueError, "output_hz must be 1 to 550000000 Hz, not 600000000"),
        (1_000_000, ValueError, "output_hz must be at least 1171875 Hz, not 1000000: the PLL goes no lower"),
        (
            56_250_001,
            ValueError,
            "output_hz must be 50 MHz times m / (n · c), not 56250001; the nearest is 56250000",
        ),
    ],
)
def test_refused(hertz: int, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as raised:
        pll_settings(hertz)
    assert str(raised.value) == text
