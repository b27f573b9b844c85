"""Programs are found on PATH, or their package is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from talos_ref.programs import find_program


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one folder of PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_the_first_that_is_there_is_taken(folder: Path) -> None:
    for name in ("clang-18", "clang-19"):
        (folder / name).write_text("")
        (folder / name).chmod(0o755)
    assert find_program("clang", "clang-19", "clang-18") == str(folder / "clang-19")


@pytest.mark.parametrize(("name", "package"), [("iverilog", "iverilog"), ("vvp", "iverilog"), ("c++", "g++")])
def test_the_package_of_a_missing_program_is_named(folder: Path, name: str, package: str) -> None:
    message = f"{name} was not found; install it with `sudo apt-get install -y {package}`"
    with pytest.raises(FileNotFoundError, match=f"^{re.escape(message)}$"):
        find_program(name)
