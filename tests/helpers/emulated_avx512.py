"""Programs with the AVX-512 kernels for any x86 processor: copies without a target, and its intrinsics in C."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from host_c.build import KERNELS, compile_program, sources, target_defines
from talos_ref.programs import find_program

__all__ = ["PRAGMAS", "Emulation", "emulate", "without_pragmas"]

INTRINSICS = Path(__file__).resolve().parents[1] / "host_c" / "avx512"
PRAGMAS = {"avx512.h": 3, "folded_avx512.c": 1, "precise_avx512.c": 1}
"""File -> pragmas of GCC in it, all of which name the instructions of the target; the other files have none."""
FLAGS = ("-O1", *target_defines(x86=True))
# Long vectors are passed inside a file alone, so that the convention that -Wpsabi warns of does not matter.
EMULATED = ("-Werror=implicit-function-declaration", "-Wno-psabi", "-D__builtin_cpu_supports(x)=1", f"-I{INTRINSICS}")


def without_pragmas(name: str, text: str) -> str:
    """Return a kernel file without GCC's pragmas; ValueError if it has not those of PRAGMAS."""
    plain, found = re.subn(r'#pragma GCC [^\n]*|_Pragma\("GCC (?:[^"\\]|\\.)*"\)', "", text)
    if found != PRAGMAS.get(name, 0):
        raise ValueError(f"{name} must have {PRAGMAS.get(name, 0)} pragmas of GCC, not {found}")
    return plain


@dataclass(frozen=True)
class Emulation:
    """The copies, in ``folder``, with their objects by file name, and the rest of the library in one object."""

    folder: Path
    kernels: dict[str, Path]
    library: Path

    def compile(self, source: Path, out: Path, flags: Sequence[str] = ()) -> Path:
        """Compile a file that includes a copy, or is one."""
        flags = [*FLAGS, *EMULATED, *flags, f"-I{self.folder}", "-c"]
        return compile_program([find_program("gcc")], [source], out, flags, libraries=())

    def link(self, main: Path, out: Path, without: Iterable[str] = ()) -> Path:
        """Link a program with all kernels but those ``without``, which its file includes."""
        objects = [path for name, path in self.kernels.items() if name not in without]
        return compile_program([find_program("gcc")], [main, *objects, self.library], out, FLAGS)

    def changed(self, folder: Path, name: str, old: str, new: str, again: Sequence[str] = ()) -> Emulation:
        """Return one in ``folder`` with ``new`` for ``old`` in a file, and the kernels ``again`` compiled from it."""
        for path in self.folder.glob("*avx512*.[ch]"):
            text = path.read_text(encoding="utf-8")
            if path.name == name:
                if old not in text:
                    raise ValueError(f"{name} must contain {old}")
                text = text.replace(old, new)
            (folder / path.name).write_text(text, encoding="utf-8")
        other = replace(self, folder=folder)
        return replace(other, kernels=self.kernels | other.objects(again))

    def objects(self, names: Sequence[str]) -> dict[str, Path]:
        """Compile copies of kernels."""
        return {name: self.compile(self.folder / name, self.folder / f"{name}.o") for name in names}


def emulate(folder: Path) -> Emulation:
    """Copy and compile the kernels, and compile the library's other files."""
    for path in (KERNELS / "x86").glob("*avx512*"):
        plain = without_pragmas(path.name, path.read_text(encoding="utf-8"))
        (folder / path.name).write_text(plain, encoding="utf-8")
    names = sorted(path.name for path in folder.glob("*.c"))
    rest = [path for path in sources(x86=True) if path.name not in names]
    library = compile_program([find_program("gcc")], rest, folder / "library.o", [*FLAGS, "-r"], libraries=())
    emulation = Emulation(folder, {}, library)
    return replace(emulation, kernels=emulation.objects(names))
