"""A run's folder is its own, and is kept where the run failed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from cosim.engine.run_folder import run_folder


def test_a_folder_each(tmp_path: Path) -> None:
    with run_folder(tmp_path, "a") as one, run_folder(tmp_path, "a") as other:
        assert one != other
        (one / "file").write_text("")
    assert not list(tmp_path.iterdir())


def test_the_folder_of_a_failure_is_kept_for_a_week(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="wrong"):  # noqa: PT012
        with run_folder(tmp_path, "a") as folder:
            (folder / "run.log").write_text("said")
            raise ValueError("wrong")
    assert (folder / "run.log").read_text() == "said"
    with run_folder(tmp_path, "b"):
        assert folder.is_dir()
    for path in (folder / "run.log", folder):
        os.utime(path, (0, time.time() - 8 * 24 * 3600))
    with run_folder(tmp_path, "b"):
        assert not folder.exists()
