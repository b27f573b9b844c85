"""The kernels built for this processor, a fiber a thread: what they compute, never how fast."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from host_c.cuda.source import FOLDER, HEADERS, defines
from talos_ref.programs import find_program

__all__ = ["EmulatedDevice", "build_emulation"]


def build_emulation(folder: Path, warps: int = 2) -> Path:
    """Compile the kernels with g++ into ``folder``; RuntimeError with its words if that fails."""
    out = folder / "kernels.so"
    include = [f"-I{path}" for path in sorted({header.parent for header in HEADERS})]
    # Products and sums are fused only where the source says so, as on a GPU.
    flags = ["-std=c++17", "-O2", "-fPIC", "-shared", "-ffp-contract=off", "-Wall", "-Werror", "-Wno-unknown-pragmas"]
    command = [find_program("g++"), *flags, *defines(warps), *include, str(FOLDER / "emulation.cpp"), "-o", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{done.stderr}")
    return out


class EmulatedDevice:
    """A device of two blocks, with the kernels of `build_emulation`.

    ``backwards`` has the threads of a block run in the opposite order.
    """

    name = "emulated"
    processors = 2

    def __init__(self, library: Path, warps: int = 2, *, backwards: bool = False) -> None:
        self.warps, self.backwards = warps, backwards
        self._library = ctypes.CDLL(str(library))
        self._memory: dict[int, npt.NDArray[np.uint8]] = {}

    def allocate(self, size: int) -> int:
        """Return the address of ``size`` new bytes, zeroed."""
        memory = np.zeros(size + 64, dtype=np.uint8)
        address = -(-memory.ctypes.data // 64) * 64
        self._memory[address] = memory
        return address

    def release(self, address: int) -> None:
        """Give memory back."""
        del self._memory[address]

    def upload(self, address: int, array: npt.NDArray[Any]) -> None:
        """Copy a contiguous array to the device."""
        ctypes.memmove(address, array.ctypes.data, array.nbytes)

    def download(self, array: npt.NDArray[Any], address: int) -> None:
        """Fill a contiguous array from the device."""
        ctypes.memmove(array.ctypes.data, address, array.nbytes)

    def launch(self, kernel: str, blocks: int, threads: int, job: npt.NDArray[np.void]) -> None:
        """Run a kernel to its end; MemoryError without memory for its stacks."""
        function = ctypes.cast(getattr(self._library, kernel), ctypes.c_void_p)
        if self._library.emulate(function, blocks, threads, int(self.backwards), ctypes.c_void_p(job.ctypes.data)):
            raise MemoryError(f"memory must suffice for {threads} stacks")
