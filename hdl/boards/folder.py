"""The folder of a project: what a board's tools compile, and the design that it was made from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hdl.build_note import write_build
from hdl.design import CHECKPOINT_FILE, Design
from talos_ref.files import build_root, write_bytes
from talos_ref.golden.format import Q4_12
from talos_ref.model.checkpoint import default_checkpoint

__all__ = ["counted_row", "project_folder", "synthesised", "write_project"]


def project_folder(kind: str, design: Design) -> Path:
    """Return the folder for a project where none is named: ``build/<kind>/<core>`` for the committed weights.

    That of other weights, of another format or with a scrubber has eight digits of the design's digest behind the
    core's name.
    """
    root = build_root()
    # People read it, and are mostly in the folder above.
    root = root.relative_to(Path.cwd()) if root.is_relative_to(Path.cwd()) else root
    committed = design.checkpoint.digest == default_checkpoint().digest and design.word == Q4_12
    plain = committed and not design.core.scrub
    return root / kind / (design.name if plain else f"{design.name}-{design.digest()[:8]}")


def write_project(folder: Path, files: Mapping[str, str], design: Design) -> list[Path]:
    """Write a project's files, name -> text, and beside them the design and a note of its build; return all of them.

    Files whose name ends in ``.sh`` are made executable. OSError if a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in files.items():
        path = write_bytes(folder / name, text.encode())
        if path.suffix == ".sh":
            path.chmod(path.stat().st_mode | 0o111)
        written.append(path)
    described = design.save(folder)
    return [*written, described, described.with_name(CHECKPOINT_FILE), write_build(folder, design)]


def synthesised(design: Design, path: Path) -> dict[str, int] | None:
    """Return ``alms``, ``dsp_blocks`` and ``m10k`` of a design from ``make resources``, or None if they are not there.

    Raises ValueError if the file is not what that command writes.
    """
    used = counted_row(design, path)
    if used is None:
        return None
    try:
        return {
            "alms": int(used["alms"]),
            "dsp_blocks": int(used["dsp_blocks"]),
            "m10k": int(used["m10k"]),
        }
    except (KeyError, TypeError, ValueError) as error:
        raise _other_file(path, error) from None


def counted_row(design: Design, path: Path) -> dict[str, Any] | None:
    """Return what ``make resources`` wrote of a design, or None if it is not there; ValueError as `synthesised`."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["cores"]
        return next((row for row in rows if _is_of(row, design)), None)
    except FileNotFoundError:
        return None
    except (KeyError, TypeError, ValueError) as error:
        raise _other_file(path, error) from None


def _other_file(path: Path, error: Exception) -> ValueError:
    return ValueError(f"{path} must be a file of `make resources`; make it again ({error!r})")


def _is_of(row: dict[str, object], design: Design) -> bool:
    """Return whether a row counts this design, at whatever clock."""
    return (row["core"], row["checkpoint"], row["format"], row.get("scrub", False)) == (
        design.name,
        design.checkpoint.digest,
        str(design.word),
        design.core.scrub,
    )
