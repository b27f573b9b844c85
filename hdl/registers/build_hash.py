"""What a core was generated from, in 32 bits: the board answers it, and the host makes it again."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from functools import cache
from pathlib import Path

from hdl.core.config import CoreConfig
from talos_ref.model.checkpoint import Checkpoint

__all__ = ["build_hash", "source_sha256"]

_ROOT = Path(__file__).resolve().parents[2]
_FOLDERS = ("hdl", "talos_ref")


@cache
def source_sha256() -> str:
    """Return the SHA-256 of the generator: all Python files of ``hdl`` and ``talos_ref``, those of boards apart."""
    digest = hashlib.sha256()
    paths = {path for folder in _FOLDERS for path in (_ROOT / folder).rglob("*.py")}
    for path in sorted(paths - set((_ROOT / "hdl" / "boards").rglob("*.py"))):
        data = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{path.relative_to(_ROOT).as_posix()} {len(data)}\n".encode())
        digest.update(data)
    return digest.hexdigest()


def build_hash(config: CoreConfig, checkpoint: Checkpoint) -> int:
    """Return the first 32 bits of a SHA-256 over configuration, weights (little-endian float32) and generator."""
    digest = hashlib.sha256()
    digest.update(json.dumps(dataclasses.asdict(config), sort_keys=True).encode())
    for name in config.model.shapes():
        digest.update(name.encode())
        digest.update(checkpoint.tensors[name].astype("<f4").tobytes())
    digest.update(source_sha256().encode())
    return int.from_bytes(digest.digest()[:4], "big")
