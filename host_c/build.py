"""Build of the C library: the cffi extension for Python, and programs for other compilers and processors.

`python -m host_c.build` puts the extension into host_c/binding.
"""

from __future__ import annotations

import platform
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cffi import FFI  # type: ignore[import-untyped]

from talos_ref.processes import capture

__all__ = [
    "FLAGS", "KERNELS", "LIBRARY", "build_extension", "compile_program", "declarations", "sources", "target_defines",
]  # fmt: skip

FOLDER = Path(__file__).resolve().parent
LIBRARY = FOLDER / "library"
KERNELS = FOLDER / "kernels"
COMMON = ("model.c", "stream.c", "many.c", "digest.c", "dispatch.c")
"""What every build has, beside the kernels of kernels/generic."""
INCLUDED = (LIBRARY, KERNELS / "generic")
"""Folders of the headers that files of other folders include."""
FLAGS = ("-std=c11", "-O3", "-D_POSIX_C_SOURCE=200809L", "-fno-math-errno", "-fno-trapping-math", "-pthread")
"""Each kernel file names the instructions it needs itself. No -ffast-math: it reorders the adder trees."""


def sources(*, x86: bool = False, neon: bool = False, wasm: bool = False) -> list[Path]:
    """Return the library's C files for a processor family."""
    folders = ["generic", *["x86"] * x86, *["neon"] * neon, *["wasm"] * wasm]
    return [LIBRARY / name for name in COMMON] + [
        path for folder in folders for path in sorted((KERNELS / folder).glob("*.c"))
    ]


def target_defines(*, x86: bool = False, neon: bool = False, wasm: bool = False) -> list[str]:
    """Return the macros that put the kernels of ``sources`` into the dispatch table."""
    return ["-DTALOS_X86=1"] * x86 + ["-DTALOS_NEON=1"] * neon + ["-DTALOS_WASM=1"] * wasm


def declarations() -> str:
    """Return what the public headers declare, without preprocessor lines and comments, as cffi reads it."""
    numbers, functions = (
        re.sub(r"/\*.*?\*/", "", (LIBRARY / name).read_text(encoding="utf-8"), flags=re.DOTALL)
        for name in ("talos_arithmetic.h", "talos.h")
    )
    functions = functions.split('extern "C" {', 1)[1].split("#endif", 1)[1].split("#ifdef __cplusplus", 1)[0]
    lines = (numbers + functions).splitlines()
    return "\n".join(line for line in lines if line.strip() and not line.startswith("#"))


def _family() -> dict[str, bool]:
    machine = platform.machine().lower()
    return {"x86": machine in ("x86_64", "amd64"), "neon": machine in ("aarch64", "arm64")}


def _builder() -> FFI:
    family = _family()
    builder = FFI()
    builder.cdef(declarations())
    builder.set_source(
        "host_c.binding._talos",
        '#include "talos.h"',
        sources=[str(path) for path in sources(**family)],
        include_dirs=[str(folder) for folder in INCLUDED],
        extra_compile_args=[*FLAGS, *target_defines(**family)],
        extra_link_args=["-pthread", "-lm"],
    )
    return builder


def compile_program(
    compiler: Sequence[str],
    files: Sequence[Path],
    out: Path,
    flags: Sequence[str] = (),
    libraries: Sequence[str] = ("-lm",),
) -> Path:
    """Compile and link ``files`` to ``out``; RuntimeError with the compiler's words if it fails."""
    include = [f"-I{folder}" for folder in INCLUDED]
    command = [*compiler, *FLAGS, *flags, *include, *map(str, files), "-o", str(out), *libraries]
    result = capture(command)
    if result.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{result.stderr}")
    return out


def build_extension() -> Path:
    """Build the extension and put it into host_c/binding."""
    with tempfile.TemporaryDirectory() as folder:
        return Path(_builder().compile(tmpdir=folder, target=str(FOLDER / "binding" / "_talos.*"), verbose=False))


if __name__ == "__main__":
    sys.stdout.write(f"{build_extension()}\n")
