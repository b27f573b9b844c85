"""A note beside a saved design: what a board answers that was made of it, by the sources of that day."""

from __future__ import annotations

import json
from pathlib import Path

from hdl.build_cache import build_id, generator_digest
from hdl.design import Design
from talos_ref.files import write_bytes

__all__ = ["BUILD_FILE", "read_build", "write_build"]

BUILD_FILE = "build.json"


def write_build(folder: Path, design: Design) -> Path:
    """Write the note into a folder and return it; OSError if that fails."""
    note = {"build": f"{build_id(design):08x}", "design": design.digest(), "generator": generator_digest()}
    return write_bytes(folder / BUILD_FILE, (json.dumps(note, indent=1) + "\n").encode("ascii"))


def read_build(path: Path) -> int:
    """Return the build that a note names; OSError if it cannot be read, ValueError, naming it, if it is none."""
    try:
        return int(json.loads(path.read_text(encoding="utf-8"))["build"], 16)
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"{path} must be a note of a build, with its digits under 'build'") from None
