"""Build of the C library: the cffi extension for Python, and programs for other compilers and processors.

`python -m host_c.build` puts the extension beside this file; an install does the same through ``cffi_modules``. cffi
runs this file by its path, so it imports nothing of the package.
"""

from __future__ import annotations

import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cffi import FFI  # type: ignore[import-untyped]

__all__ = ["FOLDER", "GENERIC", "X86", "NEON", "FLAGS", "sources", "target_defines", "declarations", "ffibuilder",
           "compile_program", "build_extension"]  # fmt: skip

FOLDER = Path(__file__).resolve().parent
GENERIC = (
    "model.c", "stream.c", "many.c", "dispatch.c", "fp32_scalar.c", "fp32_pack.c", "precise_scalar.c", "precise_pack.c",
    "talos_v2_scalar.c",
)  # fmt: skip
"""What every build has."""
X86 = ("fp32_avx2.c", "fp32_avx512.c", "fp32_avx512_lanes.c", "precise_avx2.c", "precise_avx512.c")
NEON = ("fp32_neon.c", "precise_neon.c")
FLAGS = ("-std=c11", "-O3", "-D_POSIX_C_SOURCE=200809L", "-fno-math-errno", "-fno-trapping-math", "-pthread")
"""Each kernel file names the instructions it needs itself. No -ffast-math: it reorders the adder trees."""


def sources(*, x86: bool = False, neon: bool = False) -> list[Path]:
    """Return the library's C files for a processor family."""
    return [FOLDER / name for name in (*GENERIC, *(X86 if x86 else ()), *(NEON if neon else ()))]


def target_defines(*, x86: bool = False, neon: bool = False) -> list[str]:
    """Return the macros that put the kernels of ``sources`` into the dispatch table."""
    return ["-DTALOS_X86=1"] * x86 + ["-DTALOS_NEON=1"] * neon


def declarations() -> str:
    """Return what talos.h declares, without preprocessor lines and comments, as cffi reads it."""
    text = re.sub(r"/\*.*?\*/", "", (FOLDER / "talos.h").read_text(encoding="utf-8"), flags=re.DOTALL)
    body = text.split('extern "C" {', 1)[1].split("#endif", 1)[1].split("#ifdef __cplusplus", 1)[0]
    return "\n".join(line for line in body.splitlines() if line.strip() and not line.startswith("#"))


def _family() -> dict[str, bool]:
    machine = platform.machine().lower()
    return {"x86": machine in ("x86_64", "amd64"), "neon": machine in ("aarch64", "arm64")}


def _ffibuilder() -> FFI:
    family = _family()
    builder = FFI()
    builder.cdef(declarations())
    builder.set_source(
        "host_c._talos",
        '#include "talos.h"',
        sources=[str(path) for path in sources(**family)],
        include_dirs=[str(FOLDER)],
        extra_compile_args=[*FLAGS, *target_defines(**family)],
        extra_link_args=["-pthread", "-lm"],
    )
    return builder


ffibuilder = _ffibuilder()


def compile_program(
    compiler: Sequence[str],
    files: Sequence[Path],
    out: Path,
    flags: Sequence[str] = (),
    libraries: Sequence[str] = ("-lm",),
) -> Path:
    """Compile and link ``files`` to ``out``; RuntimeError with the compiler's words if it fails."""
    command = [*compiler, *FLAGS, *flags, f"-I{FOLDER}", *map(str, files), "-o", str(out), *libraries]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{result.stderr}")
    return out


def build_extension() -> Path:
    """Build the extension and put it beside this file."""
    with tempfile.TemporaryDirectory() as folder:
        return Path(ffibuilder.compile(tmpdir=folder, target=str(FOLDER / "_talos.*"), verbose=False))


if __name__ == "__main__":
    sys.stdout.write(f"{build_extension()}\n")
