"""What pairs say of an estimate, and that every report quotes that."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hdl.device.calibration import Calibration, Range, calibrate_by, known_calibration
from tests.helpers.pairs import a_pair


def test_ranges() -> None:
    """900 ALMs of 800 and 850; all paths close in 10 ns."""
    found = calibrate_by([a_pair()])
    assert found == Calibration(Range(900 / 850, 900 / 800), Range(1.8, 2.0))
    assert found.alms(1600) == (1694, 1800)
    assert found.path_ps(36_000) == (18_000, 20_000)


def test_further_pairs_widen() -> None:
    first = a_pair()
    denser = replace(first, fit=replace(first.fit, alms=800))
    faster = replace(first, fit=replace(first.fit, fmax_mhz={"Slow": 125.0}, setup_slack_ns={}))
    assert calibrate_by([first, denser]).alm_factor == Range(800 / 850, 900 / 800)
    assert calibrate_by([first, faster]).path_ratio == Range(1.8, 2.5)
    untimed = replace(first, fit=replace(first.fit, alms=1200, fmax_mhz={}, setup_slack_ns={}))
    assert calibrate_by([first, untimed]) == Calibration(Range(900 / 850, 1.5), Range(1.8, 2.0))
    assert calibrate_by([first, replace(first, estimate=None)]) == calibrate_by([first])


def test_no_pair_says_nothing() -> None:
    with pytest.raises(ValueError, match=r"^values must hold at least one, not none$"):
        calibrate_by([replace(a_pair(), estimate=None)])


def test_what_is_known() -> None:
    """A fit takes 7 to 12 % more than the formula; a path at most 1/1.78 of the estimate."""
    known = known_calibration()
    assert round(known.alm_factor.low, 2) == 1.07
    assert round(known.alm_factor.high, 2) == 1.12
    assert round(known.path_ratio.low, 2) == 1.78
    assert round(known.path_ratio.high, 2) == 1.93
