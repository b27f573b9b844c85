"""Verilog to a simulation that cocotb can drive; nothing is compiled again while its inputs stay the same."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cocotb_tools.config

from cosim.engine.icarus_source import adapt
from cosim.engine.simulators import Simulator, SimulatorError, describe, find_program, verilator_root

__all__ = ["Model", "build", "exclusive"]

_TIMESCALE = "1ns/1ps"
_COMPILE_LOG = "compile.log"
_STAMP = "inputs.sha256"

_VERILATOR_FLAGS = (
    *("-O3", "--x-assign", "fast", "--x-initial", "fast", "--noassert", "--timescale", _TIMESCALE),
    # Amaranth extends operands implicitly all over its Verilog; linting that file is a test of its own.
    *("-Wno-fatal", "-Wno-WIDTHEXPAND", "-Wno-WIDTHTRUNC"),
)
_MAKE_VARIABLES = (
    # The wheel 5.48.0 leaves this flag empty, so that g++ takes the precompiled header for an input of the linker.
    "CFG_CXXFLAGS_PCH_I=-include",
    # It also asks for a program called python, which Debian has not.
    f"PYTHON3={sys.executable}",
    "OPT_FAST=-O2",
)
# The wheel was made without a newer C++ in mind, which the delays of `--timing` need.
_COROUTINES = ("CFG_CXXFLAGS_STD_NEWEST=-std=gnu++20", "CFG_CXXFLAGS_COROUTINES=-fcoroutines")
_RUNTIME = Path(__file__).resolve().parents[2] / "build" / "verilator-runtime"


@dataclass(frozen=True)
class Model:
    """A compiled design, ready to be run any number of times, by several processes at once."""

    kind: Simulator
    """What runs it."""
    top: str
    """Name of the top module."""
    folder: Path
    """Where it was compiled; runs get folders below."""
    waves: bool
    """Whether a run can record a waveform."""
    compiled: bool
    """False if an earlier compilation of the same inputs was found."""
    seconds: float
    """Wall time spent."""

    @property
    def program(self) -> Path:
        """The file that is executed: by itself for Verilator, by vvp for Icarus."""
        return self.folder / ("simulation" if self.kind is Simulator.VERILATOR else "simulation.vvp")


def build(
    kind: Simulator,
    sources: Sequence[Path],
    top: str,
    build_dir: Path,
    *,
    parameters: Mapping[str, int] | None = None,
    public: Iterable[tuple[str, str]] = (),
    waves: bool = False,
    timing: bool = False,
    quick: bool = False,
    power_up: bool = False,
) -> Model:
    """Compile Verilog for one simulator, unless ``build_dir`` holds that very compilation.

    Parameters
    ----------
    kind
        The simulator.
    sources
        Verilog files.
    top
        Module to be driven; all its ports can be read and written.
    build_dir
        Folder of the design; each simulator, with and without waveforms, has its own below.
    parameters
        Values of parameters of ``top``.
    public
        ``(module, signal)`` pairs that a test bench reads inside the design; each costs Verilator some speed.
    waves
        Compile so that a run can record a waveform.
    timing
        Honour delays in the sources; Icarus always does, Verilator pays for it.
    quick
        Leave the C++ of Verilator as it is, for a design whose compilation takes longer than its run.
    power_up
        Under Verilator a register without initial value starts with a random one, of a seed that `cosim.engine.run.run`
        is given, in place of 0. In Icarus it always starts with X.

    Raises
    ------
    ValueError
        If there is no source, or no module ``top`` in the sources.
    FileNotFoundError
        If a source does not exist.
    SimulatorError
        If the compilation fails.
    """
    if not sources:
        raise ValueError("sources must name at least one Verilog file, not none")
    started = time.monotonic()
    texts = [path.read_text() for path in sources]
    ports = _ports("\n".join(texts), top)
    visible = sorted({*((top, port) for port in ports), *public})
    if kind is Simulator.ICARUS:
        texts = [adapt(text) for text in texts]
    folder = build_dir.resolve() / (kind.value + ("-waves" if waves else ""))

    commands = _commands(kind, len(texts), top, dict(parameters or {}), waves, timing)
    if kind is Simulator.VERILATOR:
        # Of an option given twice, both programs take the second.
        commands[0] += ["--x-initial", "unique"] if power_up else []
        commands[1] += ["OPT_FAST=-O0"] if quick else []
    inputs = repr((describe(kind), importlib.metadata.version("cocotb"), texts, visible, commands))
    digest = hashlib.sha256(inputs.encode()).hexdigest()
    stamp = folder / _STAMP
    with exclusive(folder.with_name(f".{folder.name}.lock")):
        if stamp.is_file() and stamp.read_text() == digest:
            return Model(kind, top, folder, waves, compiled=False, seconds=time.monotonic() - started)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        _write_inputs(kind, folder, texts, visible, top)
        _compile(kind, folder, commands, waves, timing)
        stamp.write_text(digest)
    return Model(kind, top, folder, waves, compiled=True, seconds=time.monotonic() - started)


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a lock between processes; ``path`` is the file it is held on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _ports(verilog: str, top: str) -> list[str]:
    """Return the port names in the header of module ``top``."""
    header = re.search(rf"^\s*module\s+\\?{re.escape(top)}\s*(?:#\s*\(.*?\)\s*)?\(([^;]*)\)\s*;", verilog, re.M | re.S)
    if header is None:
        found = ", ".join(re.findall(r"^\s*module\s+(\S+?)\s*\(", verilog, re.M)[:10])
        raise ValueError(f"top must be a module of the sources ({found}), not {top!r}")
    return [name for item in header[1].split(",") for name in re.findall(r"([A-Za-z_]\w*)\s*$", item.strip())]


def _source_name(kind: Simulator, index: int) -> str:
    return f"source{index}.{'sv' if kind is Simulator.ICARUS else 'v'}"


def _commands(
    kind: Simulator, count: int, top: str, parameters: dict[str, int], waves: bool, timing: bool
) -> list[list[str]]:
    """Return what to run inside the folder, in order."""
    files = [_source_name(kind, index) for index in range(count)]
    if kind is Simulator.ICARUS:
        compiler = [find_program("iverilog"), "-g2012", "-o", "simulation.vvp", "-c", "timescale.f", "-s", top]
        values = [f"-P{top}.{name}={value}" for name, value in parameters.items()]
        return [[*compiler, *values, *(["-s", "waves"] if waves else []), *files, *(["waves.sv"] if waves else [])]]
    libs = cocotb_tools.config.libs_dir
    # The program itself, not the Perl script around it: a fresh Debian lacks some of that script's modules.
    translate = [str(verilator_root() / "bin" / "verilator_bin"), "-cc", "--exe", "--vpi", "-Mdir", "."]
    translate += ["--top-module", top, "--prefix", "Vtop", "-o", "simulation", *_VERILATOR_FLAGS]
    translate += ["-LDFLAGS", f"-Wl,-rpath,{libs} -L{libs} -lcocotbvpi_verilator", *(["--trace"] if waves else [])]
    translate += ["--timing"] if timing else []
    translate += [f"-G{name}={value}" for name, value in parameters.items()]
    main = cocotb_tools.config.share_dir / "lib" / "verilator" / "verilator.cpp"
    jobs = min(4, os.cpu_count() or 1)
    make = [find_program("make"), "-j", str(jobs), "-f", "Vtop.mk", f"VM_TRACE={int(waves)}", *_make_variables(timing)]
    return [[*translate, str(main), "public.vlt", *files], make]


def _make_variables(timing: bool) -> tuple[str, ...]:
    return (*_MAKE_VARIABLES, *(_COROUTINES if timing else ()))


def _write_inputs(kind: Simulator, folder: Path, texts: list[str], visible: list[tuple[str, str]], top: str) -> None:
    """Write the sources, and the little that the simulator wants beside them."""
    for index, text in enumerate(texts):
        (folder / _source_name(kind, index)).write_text(text)
    if kind is Simulator.ICARUS:
        (folder / "timescale.f").write_text(f"+timescale+{_TIMESCALE}\n")
        (folder / "waves.sv").write_text(
            "module waves;\nstring path;\ninitial if ($value$plusargs(\"waves=%s\", path)) begin\n"
            f"$dumpfile(path);\n$dumpvars(0, {top});\nend\nendmodule\n"
        )
    else:
        # cocotb's own runner (2.1.0) makes every signal public, which costs a third to two thirds of the speed.
        lines = [f'public_flat_rw -module "{module}" -var "{signal}"' for module, signal in visible]
        (folder / "public.vlt").write_text("\n".join(["`verilator_config", *lines, ""]))


def _compile(kind: Simulator, folder: Path, commands: list[list[str]], waves: bool, timing: bool) -> None:
    """Run the commands with their output in one log."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    log = folder / _COMPILE_LOG
    runtime = _runtime(waves, timing) if kind is Simulator.VERILATOR else None
    if kind is Simulator.VERILATOR:
        find_program("c++")
        env["VERILATOR_ROOT"] = str(verilator_root())
        # The makefile that Verilator writes has no way to quote it.
        if re.search(r"\s", str(folder)):
            raise SimulatorError(f"build_dir must not contain blanks for Verilator, not {str(folder)!r}")
    with log.open("w") as output:
        for command in commands:
            if runtime is not None and runtime.is_dir():
                # Again before each command: an object must look newer than the makefile that Verilator writes.
                for file in runtime.iterdir():
                    shutil.copy(file, folder / file.name)
            done = subprocess.run(
                command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
            )
            if done.returncode != 0:
                raise SimulatorError(f"{describe(kind)} could not compile {folder}", log)
    if runtime is not None and not runtime.is_dir():
        _keep_runtime(folder, runtime)


def _runtime(waves: bool, timing: bool) -> Path:
    """Return where Verilator's own library lies compiled: the same for every design, and most of a small build."""
    compiler = subprocess.run([find_program("c++"), "--version"], capture_output=True, text=True, check=False).stdout
    key = repr((describe(Simulator.VERILATOR), str(verilator_root()), compiler, _make_variables(timing), waves))
    return _RUNTIME / hashlib.sha256(key.encode()).hexdigest()[:16]


def _keep_runtime(folder: Path, runtime: Path) -> None:
    runtime.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=runtime.parent) as parent:
        staged = Path(parent) / "runtime"
        staged.mkdir()
        for file in [*folder.glob("verilated*.o"), *folder.glob("verilated*.d")]:
            shutil.copy(file, staged / file.name)
        try:
            staged.rename(runtime)
        except OSError:
            if not runtime.is_dir():
                raise
