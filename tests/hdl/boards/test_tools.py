"""Tools that run long: where their output goes, and what is said when they fail."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hdl.boards.tools import run_logged


def test_the_log_has_everything(tmp_path: Path) -> None:
    run_logged(["sh", "-c", "echo out; echo err >&2; pwd"], tmp_path, "a.log", "sh")
    assert (tmp_path / "a.log").read_text() == f"out\nerr\n{tmp_path}\n"


def test_a_failure_shows_the_end_of_the_log(tmp_path: Path) -> None:
    lines = "\n".join(f"line {number}" for number in range(11, 31))
    message = rf"^sh failed with status 3; {re.escape(str(tmp_path))}/a\.log ends:\n{lines}$"
    with pytest.raises(RuntimeError, match=message):
        run_logged(
            ["sh", "-c", "i=1; while [ $i -le 30 ]; do echo line $i; i=$((i + 1)); done; exit 3"],
            tmp_path, "a.log", "sh",
        )  # fmt: skip
