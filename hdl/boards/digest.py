"""A digest of what makes a board of a core, which the generator's leaves out."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from talos_ref.sources import sources_digest

__all__ = ["boards_digest"]


@cache
def boards_digest() -> str:
    """Return the SHA-256 (hex) of the sources in this folder and of the pins' package. Line ends do not count."""
    root = Path(__file__).resolve().parent
    return sources_digest(root, root.rglob("*.py"), ["amaranth-boards"])
