"""Standard output in any alphabet, whatever its encoding."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from talos_ref.terminal import console

ROOT = Path(__file__).resolve().parents[2]
TEXT = "é가·"
CODE = f"from talos_ref.terminal import any_text; any_text(); print({TEXT!r})"


def environment(encoding: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding}


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_a_pipe_gets_utf8(encoding: str) -> None:
    done = subprocess.run([sys.executable, "-c", CODE], env=environment(encoding), capture_output=True, check=True)
    assert done.stdout.decode("utf-8").strip() == TEXT


@pytest.mark.parametrize(("encoding", "shown"), [("ascii", "???"), ("cp1252", "é?·"), ("utf-8", TEXT)])
def test_a_terminal_shows_what_it_can(encoding: str, shown: str) -> None:
    ours, theirs = os.openpty()
    try:
        subprocess.run([sys.executable, "-c", CODE], env=environment(encoding), stdout=theirs, check=True)
        assert os.read(ours, 1000).decode(encoding).strip() == shown
    finally:
        os.close(ours)
        os.close(theirs)


def test_the_width_of_tables_in_a_file() -> None:
    assert console().width == 118
    assert console(130).width == 130
