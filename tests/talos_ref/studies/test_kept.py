"""Kept results: made once, made again when an input or a source changes or the file is damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from talos_ref.studies import kept as module
from talos_ref.studies.kept import kept, kept_path


@pytest.fixture(autouse=True)
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TALOS_BUILD", str(tmp_path / "build"))
    return tmp_path / "build"


def test_made_once(build: Path) -> None:
    made: list[int] = []

    def make() -> Any:
        made.append(1)
        return {"rows": [1.5, (2, 3)]}

    path = kept_path("study", "a")
    assert path.parent == build / "studies"
    assert kept(path, make) == kept(path, make) == {"rows": [1.5, [2, 3]]}
    assert len(made) == 1
    path.write_text("{")
    assert kept(path, make) == {"rows": [1.5, [2, 3]]}
    assert len(made) == 2


def test_inputs_and_sources_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = {kept_path("study", "a"), kept_path("study", "b"), kept_path("other", "a"), kept_path("study", "a", "b")}
    assert len(paths) == 4
    source = tmp_path / "package" / "studies" / "study.py"
    source.parent.mkdir(parents=True)
    source.write_text("x = 1\n")
    monkeypatch.setattr(module, "_PACKAGE", tmp_path / "package")
    before = kept_path("study", "a")
    assert kept_path("study", "a") == before
    source.write_text("x = 2\n")
    assert kept_path("study", "a") != before


def test_nothing_is_kept_of_a_failure() -> None:
    path = kept_path("study", "a")

    def fail() -> Any:
        raise ValueError("no")

    with pytest.raises(ValueError, match=r"^no$"):
        kept(path, fail)
    assert not path.exists()
