"""A digest of Python sources and of the packages that they use: what has not changed need not be made again."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Iterable
from pathlib import Path

__all__ = ["sources_digest"]


def sources_digest(root: Path, files: Iterable[Path], packages: Iterable[str], *more: str) -> str:
    """Return the SHA-256 (hex) of files below ``root``, the versions of packages, and further texts.

    The order of the files and their line ends do not count.
    """
    digest = hashlib.sha256()
    for text in (*more, *(f"{name} {importlib.metadata.version(name)}" for name in packages)):
        digest.update(f"{text}\n".encode())
    for path in sorted(files):
        data = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{path.relative_to(root).as_posix()} {len(data)}\n".encode())
        digest.update(data)
    return digest.hexdigest()
