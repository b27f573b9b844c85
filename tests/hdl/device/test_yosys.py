"""Yosys runs where there is no home, and says nothing of its own preparations."""

from __future__ import annotations

from pathlib import Path

import pytest

from hdl.device import yosys
from hdl.device.yosys import log_yosys, run_yosys, yosys_version


def test_it_runs_without_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache of the program from PyPI lies in the build folder: nothing is written to a home."""
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o500)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    done = run_yosys(["-Q", "-q", "-p", "tee -q -o said help"], tmp_path)
    assert done.returncode == 0, done.stdout
    assert done.stdout == ""
    assert "add" in (tmp_path / "said").read_text()
    assert not list(home.iterdir())


def test_a_failure_is_told(tmp_path: Path) -> None:
    done = run_yosys(["-Q", "-q", "-p", "read_verilog missing.v"], tmp_path)
    assert done.returncode
    assert "missing.v" in done.stdout


def test_the_log_goes_on_behind_abc(tmp_path: Path) -> None:
    """It counts the cells, and ends with what a later command failed of; so does the error."""
    source = "module flag(input c, a, b, output reg q); always @(posedge c) q <= a & b; endmodule"
    (tmp_path / "flag.v").write_text(source)
    script = "read_verilog flag.v; synth_ecp5 -noccu2 -top flag; read_json missing"
    lines: list[str] = []
    with pytest.raises(RuntimeError, match=r"^yo\S* failed with status 1; its output ends:\n(?s:.*)\nERROR: File "):
        log_yosys(["-p", script], tmp_path, "log", lines.append)
    log = (tmp_path / "log").read_text().splitlines()
    abc = next(place for place, line in enumerate(log) if line.startswith("Running ABC command"))
    counted = [line.split() for line in log[abc:]]
    assert ["1", "TRELLIS_FF"] in counted
    assert ["1", "LUT4"] in counted
    assert log[-1].startswith("ERROR: File ")
    assert log[abc] in lines
    assert set(lines) <= set(log)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["flag.v", "log"]


def test_what_is_only_in_the_output_is_logged_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "yosys"
    program.write_text('#!/bin/sh\necho read | tee "$2"\necho out of memory >&2\nexit 134\n')
    program.chmod(0o755)
    monkeypatch.setattr(yosys, "yosys_program", lambda: program)
    with pytest.raises(RuntimeError, match=r"^yosys failed with status 134; its output ends:\nread\nout of memory$"):
        log_yosys(["-p", "help"], tmp_path, "log")
    assert (tmp_path / "log").read_text() == "read\nout of memory\n"


def test_version() -> None:
    assert yosys_version().startswith("Yosys 0.")
