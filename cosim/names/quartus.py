"""The Quartus project of a design, made by a process of its own beside the simulations."""

from __future__ import annotations

import sys
from pathlib import Path

from talos_ref.processes import capture

__all__ = ["make_project"]

_ROOT = Path(__file__).resolve().parents[2]
_RESOURCES = Path("build/resources.json")


def make_project(design_file: Path, folder: Path) -> None:
    """Write the project of a saved design into a folder, without compiling it.

    Raises RuntimeError, with the reason, if the design fits no project or a file cannot be written.
    """
    options = {"--design": design_file, "--out": folder, "--resources": _RESOURCES}
    words = [word for option, path in options.items() for word in (option, str(path.resolve()))]
    done = capture([sys.executable, "-m", "hdl.boards", "quartus", "--no-compile", *words], _ROOT)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().removeprefix("error: ")[-1000:])
