"""Results of studies, kept in the build folder: a second run with the same sources and inputs reads them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from talos_ref.files import build_root, make_folder, write_bytes
from talos_ref.sources import sources_digest

__all__ = ["kept", "kept_path"]

_PACKAGE = Path(__file__).resolve().parents[1]
_FOLDERS = ("golden", "model", "studies")
"""What a result can depend on: the sources below these folders, and NumPy."""


def kept_path(study: str, *inputs: str) -> Path:
    """Return the file for the result of a study on inputs, which are digests or settings."""
    files = [path for folder in _FOLDERS for path in (_PACKAGE / folder).rglob("*.py")]
    digest = sources_digest(_PACKAGE, files, ["numpy"], study, *inputs)
    return build_root() / "studies" / f"{study}-{digest[:16]}.json"


def kept(path: Path, make: Callable[[], Any]) -> Any:
    """Return the JSON in a file of `kept_path`; where there is none that can be read, what ``make`` returns is kept."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        pass
    text = json.dumps(make())
    make_folder(path.parent)
    write_bytes(path, text.encode())
    # Read back, so that a first run and a second one give the same.
    return json.loads(text)
