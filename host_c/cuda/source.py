"""The source of the kernels, and the numbers that a compiler of it is given."""

from __future__ import annotations

from pathlib import Path

from host_c.cuda.layout import DESK, JOB, LAYOUTS

__all__ = ["FOLDER", "HEADERS", "SOURCE", "WARPS", "defines"]

_HOST_C = Path(__file__).resolve().parent.parent
FOLDER = _HOST_C / "kernels" / "cuda"
SOURCE = FOLDER / "talos.cu"
HEADERS: tuple[Path, ...] = (
    *sorted(FOLDER.glob("*.cuh")), _HOST_C / "kernels" / "generic" / "gumbel_noise.h",
    _HOST_C / "library" / "fixed.h", _HOST_C / "library" / "tables.h",
)  # fmt: skip
"""What the source includes."""
WARPS = 4
"""Streams of a block where there are many."""


def defines(warps: int = WARPS) -> list[str]:
    """Return the macros of the source as options: the sizes that its structures must have, and streams of a block."""
    sizes = {
        "FOLDED_BYTES": LAYOUTS["folded"].itemsize, "FLOAT_BYTES": LAYOUTS["float"].itemsize,
        "DESK_BYTES": DESK.itemsize, "JOB_BYTES": JOB.itemsize, "WARPS": warps,
    }  # fmt: skip
    return [f"-DTALOS_{name}={value}" for name, value in sizes.items()]
