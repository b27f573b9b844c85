"""The C library of host_c as WebAssembly, with its kernels for SIMD128."""

from __future__ import annotations

import hashlib
from pathlib import Path

from cosim.engine.run_folder import run_folder
from cosim.page import toolchain
from hdl.build_cache import cached
from host_c.build import FLAGS, INCLUDED, sources, target_defines
from talos_ref.files import build_root

__all__ = ["EXPORTS", "WASM", "library"]

WASM = "host_c.wasm"

EXPORTS = (
    "malloc", "free", "talos_status_message", "talos_model_load", "talos_model_free", "talos_model_kernel",
    "talos_kernel_name", "talos_stream_create", "talos_stream_free", "talos_stream_reset", "talos_stream_rng",
    "talos_stream_next", "talos_stream_force", "talos_stream_words", "talos_stream_logits", "talos_generate",
    "talos_trace",
)  # fmt: skip
"""The functions that JavaScript calls."""


def _flags() -> list[str]:
    # There are no threads; whoever makes many names at once makes them one after another.
    plain = [flag for flag in FLAGS if flag != "-pthread"]
    return [*plain, "-msimd128", *target_defines(wasm=True), *(f"-I{folder}" for folder in INCLUDED)]


def library(jobs: int | None = None) -> Path:
    """Return the WebAssembly file of the C library, from the build cache; ``jobs`` compilers run at once.

    Raises ToolchainError if the compiler fails.
    """
    files = sources(wasm=True)
    headers = [path for folder in INCLUDED for path in folder.glob("*.h")]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted([*files, *headers]))).hexdigest()

    def make(folder: Path) -> None:
        with run_folder(folder.parent / "runs", "compile") as work:
            objects = toolchain.compile_objects(files, work, _flags(), jobs)
            exports = [f"-Wl,--export={name}" for name in EXPORTS]
            (folder / WASM).write_bytes(toolchain.link(objects, work / WASM, exports).read_bytes())

    plain = [flag for flag in _flags() if not flag.startswith("-I")]
    return cached(build_root() / "wasm", "library", [toolchain.describe(), plain, EXPORTS, digest], make) / WASM
