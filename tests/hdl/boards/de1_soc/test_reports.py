"""Quartus's reports: every figure from where it stands, and an error for a report that is missing or tells nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hdl.boards.de1_soc.quartus import core_fmax, dsp_verdict, verdict
from hdl.boards.de1_soc.reports import DSP_TOTAL, Fit, Slack, read_dsp_modes, read_fit, read_timing, read_uninferred
from tests.helpers.designs import published
from tests.helpers.quartus_reports import CLOCK, write_reports


def test_fit(tmp_path: Path) -> None:
    write_reports(tmp_path)
    assert read_fit(tmp_path, "top") == Fit(
        alms=8765, device_alms=32070, registers=9876, dsp_blocks=28, device_dsp_blocks=87, m10k=31, device_m10k=397
    )


def test_dsp_modes(tmp_path: Path) -> None:
    """Modes alone: the multipliers in the same table, below its total, are no blocks."""
    write_reports(tmp_path)
    modes = read_dsp_modes(tmp_path, "top")
    assert modes == {"Two Independent 18x18": 26, DSP_TOTAL: 26}
    assert dsp_verdict(modes, published("tile16")) == []
    # Pairs taken apart, one of them with its sum made outside.
    assert dsp_verdict({"Two Independent 18x18": 86, "Sum of two 18x18": 1, DSP_TOTAL: 87}, published("wide")) == [
        "DSP blocks must be 22 of 'Two Independent 18x18', not 86: Quartus made something else of them",
        "DSP blocks must be 64 of 'Sum of two 18x18', not 1: Quartus made something else of them",
        "DSP blocks must be 86 of 'Total number of DSP blocks', not 87: Quartus made something else of them",
    ]


def test_no_table_of_dsp_blocks(tmp_path: Path) -> None:
    write_reports(tmp_path)
    path = tmp_path / "top.fit.rpt"
    path.write_text(path.read_text().replace("DSP Block Usage", "RAM Block Usage"))
    text = f"{path} must have a table 'Fitter DSP Block Usage Summary' with a row 'Total number of DSP blocks'"
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        read_dsp_modes(tmp_path, "top")


def test_timing(tmp_path: Path) -> None:
    write_reports(tmp_path)
    timing = read_timing(tmp_path, "top")
    assert len(timing.slacks) == 4
    assert timing.slacks[0] == Slack(analysis="Slow 1100mV 85C Model Setup", clock=CLOCK, nanoseconds=1.139)
    assert timing.worst == Slack(analysis="Fast 1100mV 0C Model Hold", clock=CLOCK, nanoseconds=0.151)
    assert timing.corner_fmax_mhz == {
        "Slow 1100mV 85C": {CLOCK: 61.35, "altera_reserved_tck": 120.02},
        "Slow 1100mV 0C": {CLOCK: 60.11},
    }
    assert timing.fmax_mhz == {CLOCK: 60.11, "altera_reserved_tck": 120.02}
    assert core_fmax(timing) == (CLOCK, 60.11)
    assert timing.unconstrained_clocks == 0
    assert verdict(timing) == []


def test_windows_line_ends(tmp_path: Path) -> None:
    write_reports(tmp_path)
    expected = read_fit(tmp_path, "top"), read_timing(tmp_path, "top")
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert (read_fit(tmp_path, "top"), read_timing(tmp_path, "top")) == expected


def test_violations(tmp_path: Path) -> None:
    write_reports(tmp_path, slack="-0.736", unconstrained=2)
    timing = read_timing(tmp_path, "top")
    assert timing.worst.nanoseconds == -0.736
    assert verdict(timing) == [
        f"slack must not be negative: -0.736 ns, Slow 1100mV 85C Model Setup of {CLOCK}",
        "2 clocks have no constraint, so that their paths were not analysed",
    ]


def test_uninferred(tmp_path: Path) -> None:
    messages = (
        'Info (276007): RAM logic "rom" is uninferred due to asynchronous read logic File: top.v Line: 7\n'
        'Info (276004): RAM logic "small" is uninferred due to inappropriate RAM size File: top.v Line: 9\n'
        "Info (276014): Found 4 instances of uninferred RAM logic"
    )
    write_reports(tmp_path, messages=messages)
    assert read_uninferred(tmp_path, "top") == messages.splitlines()[:2]
    write_reports(tmp_path)
    assert read_uninferred(tmp_path, "top") == []


@pytest.mark.parametrize("name", ["top.fit.summary", "top.sta.summary", "top.sta.rpt", "top.map.rpt"])
def test_missing(name: str, tmp_path: Path) -> None:
    write_reports(tmp_path)
    (tmp_path / name).unlink()
    text = f"{tmp_path / name} is missing: Quartus did not come that far"
    with pytest.raises(FileNotFoundError, match=f"^{re.escape(text)}$"):
        read_fit(tmp_path, "top"), read_timing(tmp_path, "top"), read_uninferred(tmp_path, "top")


@pytest.mark.parametrize(
    ("name", "old", "text"),
    [
        ("top.fit.summary", "Fitter Status : Successful", "must tell of a success, not 'nothing'"),
        ("top.fit.summary", "Logic utilization (in ALMs)", "must have a line 'Logic utilization (in ALMs)'"),
        ("top.fit.summary", "Total DSP Blocks", "must have a line 'Total DSP Blocks'"),
        ("top.fit.summary", "Total RAM Blocks", "must have a line 'Total RAM Blocks'"),
        ("top.sta.summary", "Model Setup", "must have a setup slack: no clock was analysed"),
        ("top.sta.rpt", "Unconstrained Clocks", "must have a row 'Unconstrained Clocks'"),
    ],
)
def test_empty(name: str, old: str, text: str, tmp_path: Path) -> None:
    """A report without a figure is an error, not a good figure."""
    write_reports(tmp_path)
    path = tmp_path / name
    path.write_text(path.read_text().replace(old, "something else"))
    with pytest.raises(ValueError, match=f"^{re.escape(f'{path} {text}')}$"):
        read_fit(tmp_path, "top"), read_timing(tmp_path, "top")


def test_failed_fit(tmp_path: Path) -> None:
    write_reports(tmp_path, status="Failed")
    with pytest.raises(ValueError, match="must tell of a success, not 'Failed - Fri"):
        read_fit(tmp_path, "top")
