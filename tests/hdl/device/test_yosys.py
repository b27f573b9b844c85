"""Yosys runs where there is no home, and says nothing of its own preparations."""

from __future__ import annotations

from pathlib import Path

import pytest

from hdl.device.yosys import run_yosys, yosys_version


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


def test_version() -> None:
    assert yosys_version().startswith("Yosys 0.")
