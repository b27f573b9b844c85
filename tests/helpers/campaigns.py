"""What the tests of campaigns share: a small design on disk, and a campaign's command with its documents."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.helpers.designs import small_design

__all__ = ["ROOT", "command", "environment", "results", "run", "saved_design", "totals"]

ROOT = Path(__file__).resolve().parents[2]
TEMPERATURES = (0.5, 0.75, 1, 1.25, 1.5, 2)
"""One shard of each kind at each."""


def saved_design(folder: Path) -> Path:
    """Return the file of a saved design in ``precise``, which several kernels can have."""
    return small_design("abc").save(folder)


def environment(build: Path, **more: str) -> dict[str, str]:
    """Return the environment of a campaign with a build folder of its own."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "TALOS_BUILD": str(build), **more}


def command(design: Path, out: Path, steps: int, *more: str) -> list[str]:
    """Return a campaign of six shards beside Python, of so many steps each."""
    temperatures = [word for value in TEMPERATURES for word in ("--temperature", str(value))]
    size = ["--golden-steps", str(steps * len(TEMPERATURES))]
    words = ["--only", "golden", "--design", str(design), *temperatures, *size, "--out", str(out), *more]
    return [sys.executable, "-m", "cosim", "campaign", *words]


def run(words: list[str], variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(words, env=variables, capture_output=True, text=True, check=False)


def results(build: Path) -> list[Path]:
    """Return the files of the results that are kept."""
    return sorted(build.glob("campaign/*/result.json"))


def totals(out: Path) -> dict[str, Any]:
    """Return the sums of the shards beside Python."""
    found: dict[str, Any] = json.loads(out.read_text())["totals"]["golden"]
    return found
