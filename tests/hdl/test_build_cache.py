"""The build cache: made once, complete or not there, by several processes at once."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

import hdl.build_cache
from hdl.build_cache import artefact, build_id, cached, design_folder, generator_digest
from hdl.design import DESIGN_FILE, Design
from tests.helpers.designs import published

ROOT = Path(__file__).resolve().parents[2]


def test_made_once(tmp_path: Path) -> None:
    made: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / "text").write_text("x")

    first = cached(tmp_path, "thing", {"a": 1}, make)
    assert cached(tmp_path, "thing", {"a": 1}, make) == first
    assert (first / "text").read_text() == "x"
    assert json.loads((first / "inputs.json").read_text()) == {"a": 1}
    assert len(made) == 1
    assert not made[0].exists()
    assert cached(tmp_path, "thing", {"a": 2}, make) != first
    assert cached(tmp_path, "other", {"a": 1}, make) != first
    assert len(made) == 3


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_text("x")
        raise RuntimeError("no room")

    with pytest.raises(RuntimeError, match=r"^no room$"):
        cached(tmp_path, "thing", 1, fail)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []
    folder = cached(tmp_path, "thing", 1, lambda folder: None)
    assert [path.name for path in folder.iterdir()] == ["inputs.json"]


def test_what_a_killed_process_left_is_made_again(tmp_path: Path) -> None:
    folder = cached(tmp_path, "thing", 1, lambda folder: None)
    (folder / "inputs.json").unlink()
    (folder / "half").write_text("x")
    assert cached(tmp_path, "thing", 1, lambda folder: None) == folder
    assert [path.name for path in folder.iterdir()] == ["inputs.json"]


def test_unused_artefacts_make_room(tmp_path: Path) -> None:
    import os

    old, recent = (cached(tmp_path, "thing", number, lambda folder: None) for number in (1, 2))
    long_ago = time.time() - 8 * 24 * 3600
    os.utime(old / "inputs.json", (long_ago, long_ago))
    cached(tmp_path, "thing", 3, lambda folder: None)
    assert recent.is_dir()
    assert not old.exists()


_RACE = """
import sys, time
from pathlib import Path
from hdl.build_cache import cached

def make(folder):
    with open(sys.argv[2], "a") as log:
        log.write("made\\n")
    for index in range(20):
        (folder / f"part{index}").write_text("x" * 1000)
        time.sleep(0.005)

folder = cached(Path(sys.argv[1]), "thing", 1, make)
assert len(list(folder.iterdir())) == 21, sorted(folder.iterdir())
"""


def test_many_processes_make_it_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-c", _RACE, str(tmp_path / "cache"), str(log)]
    processes = [subprocess.Popen(command, cwd=ROOT) for _ in range(6)]
    assert [process.wait(60) for process in processes] == [0] * 6
    assert log.read_text() == "made\n"


def test_a_folder_a_design(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TALOS_BUILD", str(tmp_path))
    tile16, wide = published("tile16"), published("wide")
    assert design_folder(tile16).parent == tmp_path / "designs"
    assert design_folder(tile16) != design_folder(wide)
    assert artefact(tile16, "thing", 1, lambda folder: None).parent == design_folder(tile16)
    assert Design.load(next(design_folder(tile16).glob("design-*")) / DESIGN_FILE) == tile16


def test_build_id(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same for the same; another one for another design and another generator; line ends do not count."""
    first = build_id(published("fused"))
    assert first == build_id(published("fused"))
    assert 0 <= first < 1 << 32
    others = {build_id(published("wide"))}
    for folder in ("hdl", "hdl/boards", "talos_ref"):
        (tmp_path / folder).mkdir()
    monkeypatch.setattr(hdl.build_cache, "_ROOT", tmp_path)
    for data, new in ((b"x = 1\n", True), (b"x = 1\r\n", False), (b"x = 2\n", True)):
        (tmp_path / "hdl" / "core.py").write_bytes(data)
        (tmp_path / "hdl" / "boards" / "top.py").write_bytes(data)
        generator_digest.cache_clear()
        assert (build_id(published("fused")) not in others) == new
        others.add(build_id(published("fused")))
    generator_digest.cache_clear()
    assert len(others - {first}) == 3
