"""The folder of a board's project."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hdl.boards.folder import project_folder, write_project
from hdl.build_cache import build_id
from hdl.build_note import read_build
from hdl.design import Design
from talos_ref.model.checkpoint import Checkpoint
from tests.helpers.designs import published


def test_the_files_and_the_design(tmp_path: Path) -> None:
    design, folder = published("tile16"), tmp_path / "a" / "b"
    written = write_project(folder, {"top.v": "é\n", "run.sh": "#!/bin/sh\n"}, design)
    names = ["top.v", "run.sh", "design.json", "checkpoint.npz", "build.json"]
    assert written == [folder / name for name in names]
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)
    assert (folder / "top.v").read_bytes() == "é\n".encode()
    assert [name for name in names if os.access(folder / name, os.X_OK)] == ["run.sh"]
    assert Design.load(folder / "design.json") == design
    assert read_build(folder / "build.json") == build_id(design)


def test_folders_of_other_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two designs of one core never share a folder."""
    monkeypatch.setenv("TALOS_BUILD", str(tmp_path))
    design = published("tile16")
    weights = {name: tensor + np.float32(1) for name, tensor in design.checkpoint.tensors.items()}
    other = replace(design, checkpoint=Checkpoint(design.model, weights))
    assert project_folder("quartus", design) == tmp_path / "quartus" / "tile16"
    scrubbed = replace(design, core=replace(design.core, scrub=True))
    assert project_folder("quartus", scrubbed) == tmp_path / "quartus" / f"tile16-{scrubbed.digest()[:8]}"
    assert project_folder("quartus", other) == tmp_path / "quartus" / f"tile16-{other.digest()[:8]}"
    monkeypatch.chdir(tmp_path)
    assert project_folder("board", design) == Path("board/tile16")
