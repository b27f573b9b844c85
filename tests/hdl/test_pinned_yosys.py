"""Verilog is written without a home that can be written to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hdl.pinned_yosys import use_pinned_yosys
from hdl.verilog import core_verilog
from tests.helpers.designs import tiny_design


@pytest.fixture(autouse=True)
def kept_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the function changes is put back after each test."""
    monkeypatch.setenv("AMARANTH_USE_YOSYS", "system")
    monkeypatch.setenv("XDG_CACHE_HOME", "")


def test_a_home_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    use_pinned_yosys()
    assert os.environ["AMARANTH_USE_YOSYS"] == "builtin"
    assert os.environ["XDG_CACHE_HOME"] == ""
    assert (tmp_path / ".cache" / "wasmtime").is_dir()


def test_without_a_home_the_build_folder_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Root can write to any folder, but not below a file.
    (tmp_path / "home").write_text("")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TALOS_BUILD", str(tmp_path / "build"))
    assert "module tile16(" in core_verilog(tiny_design())
    assert any((tmp_path / "build" / "wasmtime").iterdir())
