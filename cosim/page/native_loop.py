"""A core's circuit as a native library, beside which the speed of its WebAssembly is measured."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from cosim.core.verify import generate
from cosim.engine.run_folder import run_folder
from cosim.engine.simulators import Simulator, verilator_root
from cosim.engine.simulators import describe as describe_simulator
from cosim.page.circuit import DEFINES, NATIVE, RUNTIME, translate, whole
from cosim.page.signals import public_file
from cosim.page.toolchain import ToolchainError
from hdl.build_cache import cached
from hdl.core.interface import Mode, request_layout
from hdl.design import Design
from talos_ref.files import build_root
from talos_ref.golden.generate import quantise_temperature
from talos_ref.processes import execute
from talos_ref.programs import find_program

__all__ = ["NativeLoop"]

_LIBRARY = "circuit.so"
_FLAGS = ("-std=gnu++17", "-O2", "-w", "-fPIC", "-shared", "-pthread")


class NativeLoop:
    """A core in this process, which makes one name again and again.

    Raises SimulatorError or ToolchainError if a tool fails; FileNotFoundError if there is no C++ compiler.
    """

    def __init__(self, design: Design, seed: int, temperature: float) -> None:
        self._library = ctypes.CDLL(str(_compiled(design)))
        self._library.circuit_signal.restype = ctypes.c_void_p
        self._library.circuit_reset()
        layout = request_layout(design.model)
        warmth = quantise_temperature(temperature, design.arithmetic.sampler)
        limit = design.model.max_letters
        request = layout.const({"mode": Mode.NAME, "seed": seed, "temperature": warmth, "limit": limit})
        payload = request.as_value().value.to_bytes((layout.size + 7) // 8, "little")
        ctypes.memmove(self._library.circuit_signal(0), payload, len(payload))

    def spin(self, cycles: int) -> int:
        """Clock it so many times, and look at nothing; return how many steps there were."""
        return int(self._library.circuit_spin(cycles))


def _compiled(design: Design) -> Path:
    generated = generate(design)
    inputs = [generated.sha256, public_file(design.core), describe_simulator(Simulator.VERILATOR), _FLAGS]
    inputs += [path.read_text() for path in sorted(NATIVE.iterdir())]

    def make(folder: Path) -> None:
        with run_folder(folder.parent / "runs", "compile") as work:
            include = verilator_root() / "include"
            source = whole(translate(design, generated.path, work), work)
            files = [str(source), *(str(include / name) for name in RUNTIME)]
            command = [find_program("c++"), *_FLAGS, *DEFINES, "-I.", f"-I{include}", f"-I{include / 'vltstd'}", *files]
            log = work / "compiler.log"
            if execute([*command, "-o", str(folder / _LIBRARY)], work, dict(os.environ), log) != 0:
                said = log.read_text(errors="replace")[-2000:].strip()
                raise ToolchainError(f"the C++ compiler could not make a library of {design.name}: {said}")

    return cached(build_root() / "native", f"circuit-{design.name}", inputs, make) / _LIBRARY
