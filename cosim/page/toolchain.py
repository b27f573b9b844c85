"""C and C++ to WebAssembly by `ziglang`, which brings clang, libc++'s headers and the system interface of WASI."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path

from talos_ref.files import build_root
from talos_ref.processes import execute, workers

__all__ = ["ToolchainError", "compile_object", "compile_objects", "describe", "link"]

_TARGET = ("-target", "wasm32-wasi")
_LANGUAGES = {".c": "cc", ".cpp": "c++"}


class ToolchainError(RuntimeError):
    """A compilation that did not succeed; the message ends with what the compiler said."""


def _zig() -> Path:
    spec = importlib.util.find_spec("ziglang")
    if spec is None or spec.origin is None:
        raise ToolchainError("the Python package ziglang is not installed; `make setup` installs it")
    return Path(spec.origin).with_name("zig.exe" if os.name == "nt" else "zig")


def describe() -> str:
    """Return name and version of the compiler, such as ``ziglang 0.17.1``."""
    _zig()
    return f"ziglang {importlib.metadata.version('ziglang')}"


def _run(arguments: Sequence[str], folder: Path, log: Path) -> None:
    # What the compiler keeps, its own C library among it, is made once for all projects of this build folder.
    kept = str(build_root() / "zig")
    environment = os.environ | {"ZIG_GLOBAL_CACHE_DIR": kept, "ZIG_LOCAL_CACHE_DIR": kept}
    if execute([str(_zig()), *arguments], folder, environment, log) != 0:
        said = log.read_text(encoding="utf-8", errors="replace")[-2000:].strip()
        raise ToolchainError(f"{describe()} could not make WebAssembly of {folder}: {said}")


def compile_objects(sources: Sequence[Path], folder: Path, flags: Sequence[str], jobs: int | None = None) -> list[Path]:
    """Compile C and C++ files into ``folder``, an object of the same name each; return the objects.

    Parameters
    ----------
    flags
        For the compiler, whose working folder is ``folder``.
    jobs
        Compilers at once; one for each processor, at most four, by default.

    Raises
    ------
    ToolchainError
        If one fails.
    """
    # The largest first, so that none is left alone at the end.
    order = sorted(sources, key=lambda source: -source.stat().st_size)
    with workers(jobs or min(4, os.cpu_count() or 1)) as pool:
        return list(pool.map(lambda source: compile_object(source, folder, flags), order))


def compile_object(source: Path, folder: Path, flags: Sequence[str]) -> Path:
    """Compile one file, as `compile_objects` does."""
    target = folder / f"{source.stem}.o"
    arguments = [_LANGUAGES[source.suffix], *_TARGET, *flags, "-c", str(source), "-o", target.name]
    _run(arguments, folder, target.with_suffix(".log"))
    return target


def link(objects: Sequence[Path], out: Path, flags: Sequence[str] = ()) -> Path:
    """Link objects to a WebAssembly library, whose functions are those that the sources export; return its file.

    Raises ToolchainError if that fails.
    """
    # A reactor: without a main function, it waits to be called. Linked as C, so that libc++ is not compiled for it.
    arguments = ["cc", *_TARGET, "-mexec-model=reactor", "-O2", "-s", "-Wl,--gc-sections", *flags]
    _run([*arguments, *map(str, objects), "-o", out.name], out.parent, out.with_suffix(".log"))
    return out
