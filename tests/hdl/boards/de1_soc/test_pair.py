"""What Quartus says of a compiled project as a line in the user's table of pairs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hdl.boards.cli import main
from hdl.device.pairs import Pair, read_pairs
from hdl.device.static_timing import Path as TimedPath
from tests.helpers.designs import published
from tests.helpers.quartus_reports import write_reports

CELLS = {"MISTRAL_ALUT6": 9162, "MISTRAL_FF": 9493, "MISTRAL_MUL18X18": 54, "MISTRAL_M10K": 29}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A compiled project, with the design beside it, and a build folder of its own."""
    monkeypatch.setenv("TALOS_BUILD", str(tmp_path / "build"))
    made = tmp_path / "project"
    published("tile16").save(made)
    return made


def count_parts(folder: Path) -> Path:
    """Leave what `make resources` writes of the project's design."""
    design = published("tile16")
    row = {
        "core": "tile16", "checkpoint": design.checkpoint.digest, "format": "Q4.12", "alms": 9162,
        "m10k": 29, "dsp_blocks": 27, "cells": CELLS, "synthesis": "Yosys 0",
        "longest_paths": [{"picoseconds": 19_500, "start": "a", "end": "b", "hops": 9}],
    }  # fmt: skip
    path = folder.parent / "resources.json"
    path.write_text(json.dumps({"cores": [row]}))
    return path


def read(folder: Path, resources: Path, **reports: object) -> list[Pair]:
    """Read a compiled project's reports; return the user's table."""
    write_reports(folder / "output_files", **reports)  # type: ignore[arg-type]
    main(["report", "--design", str(folder / "design.json"), "--resources", str(resources)])
    return read_pairs(folder.parent / "build" / "pairs.jsonl")


def test_every_fact(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (pair,) = read(folder, count_parts(folder), seed=7)
    assert (pair.design, pair.digest) == ("tile16", published("tile16").digest())
    assert pair.tool == "Quartus Prime 18.1.0 Build 625 09/12/2018 SJ Lite Edition"
    assert (pair.device, pair.date, pair.seed) == ("5CSEMA5F31C6", "Fri Nov 20 12:00:00 2026", 7)
    fit = pair.fit
    assert (fit.alms, fit.registers, fit.dsp_blocks, fit.m10k, fit.clock_mhz) == (8765, 9876, 28, 31, 56.25)
    assert fit.fmax_mhz == {"Slow 1100mV 85C": 61.35, "Slow 1100mV 0C": 60.11}
    assert fit.setup_slack_ns == {"Slow 1100mV 85C": 1.139}
    assert pair.estimate is not None
    assert (pair.estimate.core_alms, pair.estimate.synthesis) == (9162, "Yosys 0")
    assert pair.estimate.longest_paths == (TimedPath(19_500, "a", "b", 9),)
    printed = capsys.readouterr().out
    assert "pairs.jsonl: this fit is added as its last line" in printed
    assert "please send us that line" in printed
    assert "ALMs: 9," in printed


def test_each_fit_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Reading the same reports again adds nothing; another seed, and a fit that misses its timing, are other fits."""
    resources = count_parts(folder)
    assert len(read(folder, resources)) == 1
    assert len(read(folder, resources)) == 1
    assert "this fit is there already" in capsys.readouterr().out
    pairs = read(folder, resources, seed=2, slack="-0.736")
    assert [pair.seed for pair in pairs] == [1, 2]
    assert pairs[1].fit.setup_slack_ns == {"Slow 1100mV 85C": -0.736}


def test_without_an_estimate(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is added all the same, and what brings the estimate is said."""
    none = folder.parent / "none.json"
    (pair,) = read(folder, none)
    assert pair.estimate is None
    assert "without our estimates; `make resources CORE=tile16`" in capsys.readouterr().out
    later = read(folder, count_parts(folder))
    assert [pair.estimate is None for pair in later] == [True, False]


def test_a_report_without_seed(folder: Path) -> None:
    resources = count_parts(folder)
    write_reports(folder / "output_files")
    path = folder / "output_files" / "top.fit.rpt"
    path.write_text(path.read_text().replace("Placement Seed", "Placement"))
    assert main(["report", "--design", str(folder / "design.json"), "--resources", str(resources)]) == 0
    (pair,) = read_pairs(folder.parent / "build" / "pairs.jsonl")
    assert pair.seed is None


def test_a_failed_fit_is_none(folder: Path) -> None:
    write_reports(folder / "output_files", status="Failed")
    assert main(["report", "--design", str(folder / "design.json")]) == 2
    assert not (folder.parent / "build" / "pairs.jsonl").exists()
