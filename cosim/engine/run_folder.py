"""A folder for each run, so that two at once never meet; that of a run that went well is removed."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from talos_ref.files import name_failures

__all__ = ["run_folder"]

_KEPT_SECONDS = 7 * 24 * 3600.0
"""How long the folder of a run that failed is kept."""


@contextmanager
def run_folder(parent: Path, name: str) -> Iterator[Path]:
    """Yield a new, empty folder below ``parent`` whose name begins with ``name``.

    It is removed when the block ends, and kept where the block fails: then it holds the log that the error names.
    Folders that were kept a week ago are removed. OSError, with the remedy, if ``parent`` cannot be written.
    """
    with name_failures(parent):
        parent.mkdir(parents=True, exist_ok=True)
        _prune(parent)
        folder = Path(tempfile.mkdtemp(dir=parent, prefix=f"{name}-"))
    keep = False
    try:
        yield folder
    except Exception:
        keep = any(folder.iterdir())
        raise
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def _prune(parent: Path) -> None:
    for folder in parent.iterdir():
        # The newest file: one that runs for long still writes its log.
        try:
            newest = max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
        except FileNotFoundError:
            # Another process has just removed it.
            continue
        if time.time() - newest > _KEPT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
