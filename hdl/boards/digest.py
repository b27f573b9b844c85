"""A digest of what makes a board of a core, which the generator's leaves out."""

from __future__ import annotations

import hashlib
import importlib.metadata
from functools import cache
from pathlib import Path

__all__ = ["boards_digest"]


@cache
def boards_digest() -> str:
    """Return the SHA-256 (hex) of the sources in this folder and of the pins' package. Line ends do not count."""
    digest = hashlib.sha256(importlib.metadata.version("amaranth-boards").encode())
    root = Path(__file__).resolve().parent
    for path in sorted(root.rglob("*.py")):
        data = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{path.relative_to(root).as_posix()} {len(data)}\n".encode())
        digest.update(data)
    return digest.hexdigest()
