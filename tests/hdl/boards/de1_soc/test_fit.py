"""What the board's FPGA has not, told before anything is made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hdl.boards.cli import main
from hdl.boards.de1_soc.fit import check_fit
from hdl.design import Design
from hdl.device.cyclone_v import DEVICE
from tests.helpers.designs import published

TOO_LARGE = r"^wide must take at most 87 DSP blocks, not \d+: 5CSEMA5F31C6 has no more$"


def large() -> Design:
    """Return a design whose tile alone takes more DSP blocks than there are."""
    design = published("wide")
    return replace(design, core=replace(design.core, tile_rows=16, tile_columns=16))


def test_the_published_cores_fit() -> None:
    for core in ("tile16", "wide", "fused"):
        counted = check_fit(published(core))
        assert 0 < counted["dsp_blocks"] <= DEVICE.dsp_blocks
        assert 0 < counted["m10k"] <= DEVICE.m10k


def test_too_many_dsp_blocks() -> None:
    with pytest.raises(ValueError, match=TOO_LARGE):
        check_fit(large())


def test_too_many_memory_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hdl.boards.de1_soc.fit.DEVICE", replace(DEVICE, m10k=1))
    with pytest.raises(ValueError, match=r"^tile16 must take at most 1 memory blocks \(M10K\), not \d+: "):
        check_fit(published("tile16"))


@pytest.mark.parametrize("command", ["quartus", "mistral"])
def test_nothing_is_made_of_a_design_that_does_not_fit(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("hdl.boards.cli.find_tools", lambda: None)
    saved = large().save(tmp_path / "design")
    assert main([command, "--design", str(saved), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: wide must take at most 87 DSP blocks, not ")
    assert not (tmp_path / "out").exists()
