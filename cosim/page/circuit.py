"""A core as WebAssembly: the Verilog that is simulated, through Verilator, and a description of its ports."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from amaranth.hdl import Shape
from amaranth.lib import data

from cosim.core.verify import generate
from cosim.engine.compile import VERILATOR_FLAGS
from cosim.engine.run_folder import run_folder
from cosim.engine.simulators import Simulator, verilator_root
from cosim.engine.simulators import describe as describe_simulator
from cosim.page import toolchain
from cosim.page.places import weight_places
from cosim.page.signals import CAPTURES, members, public_file, row_labels, signals_header
from hdl.build_cache import cached
from hdl.core.interface import Mode, Stage, request_layout, result_layout
from hdl.design import Design
from hdl.units.format import shape_of
from talos_ref.files import build_root
from talos_ref.processes import execute, workers

__all__ = ["DEFINES", "NATIVE", "RUNTIME", "WASM", "circuits", "description", "translate", "whole"]

NATIVE = Path(__file__).resolve().parent / "native"
"""C++ beside what Verilator writes."""

WASM = "circuit.wasm"

RUNTIME = ("verilated.cpp", "verilated_threads.cpp")
"""Verilator's own library."""
_FLAGS = ("-std=gnu++17", "-O2", "-fno-exceptions", "-w", "-include", str(NATIVE / "single_thread.h"))
DEFINES = ("-DVERILATOR=1", "-DVM_COVERAGE=0", "-DVM_SC=0", "-DVM_TRACE=0")


def _flags() -> list[str]:
    include = verilator_root() / "include"
    return [*_FLAGS, *DEFINES, "-I.", f"-I{include}", f"-I{include / 'vltstd'}"]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _tools() -> list[str]:
    native = [_sha256(path) for path in sorted(NATIVE.iterdir())]
    return [describe_simulator(Simulator.VERILATOR), toolchain.describe(), *_FLAGS[:4], *DEFINES, *native]


def _runtime(jobs: int | None) -> Path:
    """Return a folder with Verilator's own library, and what it wants of C++'s, compiled: the same for every core."""
    sources = [*(verilator_root() / "include" / name for name in RUNTIME), NATIVE / "runtime.cpp"]

    def make(folder: Path) -> None:
        toolchain.compile_objects(sources, folder, _flags(), jobs)

    return cached(build_root() / "wasm", "runtime", _tools(), make)


def translate(design: Design, verilog: Path, folder: Path) -> list[Path]:
    """Let Verilator write a core's C++ into ``folder``, and the header that circuit.cpp wants; return its C++ files.

    Raises ToolchainError, with its words, if Verilator fails.
    """
    public = folder / "public.vlt"
    public.write_text(public_file(design.core))
    command = [str(verilator_root() / "bin" / "verilator_bin"), "-cc", "--flatten", "--no-MMD", "-Mdir", str(folder)]
    command += ["--top-module", design.name, "--prefix", "Vtop", *VERILATOR_FLAGS, str(public), str(verilog)]
    log = folder / "verilator.log"
    if execute(command, folder, os.environ | {"VERILATOR_ROOT": str(verilator_root())}, log) != 0:
        raise toolchain.ToolchainError(f"Verilator could not translate {verilog}: {log.read_text()[-2000:].strip()}")
    found = members((folder / "Vtop___024root.h").read_text(), design.name)
    (folder / "circuit_signals.h").write_text(signals_header(design.core, found))
    return [*sorted(folder.glob("Vtop*.cpp")), NATIVE / "circuit.cpp"]


def circuits(designs: Sequence[Design], jobs: int | None = None) -> list[Path]:
    """Return the WebAssembly files of several cores, from the build cache.

    They are made from the Verilog that `cosim.core.verify` simulates. ``jobs`` is how many compilers run at once.

    Raises SimulatorError or ToolchainError if a tool fails.
    """
    _runtime(jobs)
    for design in designs:
        generate(design)
    with workers(jobs or min(4, os.cpu_count() or 1)) as pool:
        return list(pool.map(_circuit, designs))


def whole(sources: Sequence[Path], folder: Path) -> Path:
    """Write one file that includes several: the headers of Verilator take longer to compile than most of them."""
    path = folder / "whole.cpp"
    path.write_text("".join(f'#include "{source}"\n' for source in sources))
    return path


def _circuit(design: Design) -> Path:
    generated = generate(design)

    def make(folder: Path) -> None:
        with run_folder(folder.parent / "runs", "compile") as work:
            source = whole(translate(design, generated.path, work), work)
            objects = [toolchain.compile_object(source, work, _flags()), *sorted(_runtime(None).glob("*.o"))]
            (folder / WASM).write_bytes(toolchain.link(objects, work / WASM).read_bytes())

    # What stands in the header of signals is a function of these.
    looked_at = [public_file(design.core), [[capture.strobe, capture.value] for capture in CAPTURES]]
    inputs = [generated.sha256, looked_at, *_tools()]
    return cached(generated.work.parent / "page", "circuit", inputs, make) / WASM


def _fields(layout: data.StructLayout) -> dict[str, tuple[int, int, bool]]:
    """Return field -> (first bit, bits, signed)."""
    fields = {}
    for name, field in layout:
        shape = Shape.cast(field.shape)
        fields[str(name)] = (field.offset, shape.width, shape.signed)
    return fields


def description(design: Design) -> dict[str, Any]:
    """Return what a program must know to drive a core and to show it, ready for JSON."""
    core, model, arithmetic = design.core, design.model, design.arithmetic
    sampler = arithmetic.sampler
    return {
        "name": design.name,
        "arithmetic": core.arithmetic_name,
        "tile": [core.tile_rows, core.tile_columns],
        "clock_hz": design.clock_hz,
        "design": design.digest(),
        "verilog_sha256": generate(design).sha256,
        "format": str(design.word),
        "model": {
            "alphabet": model.alphabet, "vocab_size": model.vocab_size, "block_size": model.block_size,
            "n_embd": model.n_embd, "n_head": model.n_head, "head_dim": model.head_dim, "mlp_dim": model.mlp_dim,
            "max_letters": model.max_letters, "bos": model.bos,
        },
        "fraction": design.word.fraction,
        "greedy_at_zero": sampler.greedy_at_zero,
        "rows": row_labels(core),
        "stages": [stage.name for stage in Stage],
        "name_mode": int(Mode.NAME),
        "request": _fields(request_layout(model)),
        "result": _fields(result_layout(model, arithmetic.logit)),
        "logit_bits": shape_of(arithmetic.logit).width,
        "word_bits": shape_of(design.word).width,
        "attention": {"positions": core.attention_positions, "bits": arithmetic.attention.exp.width},
        "captures": [capture.name for capture in CAPTURES],
        "weights": weight_places(design),
    }  # fmt: skip
