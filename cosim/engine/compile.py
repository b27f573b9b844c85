"""Verilog to a simulation that cocotb can drive; nothing is compiled again while its inputs stay the same."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import re
import shlex
import shutil
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cocotb_tools.config

from cosim.engine.icarus_source import adapt
from cosim.engine.run_folder import run_folder
from cosim.engine.simulators import Simulator, SimulatorError, describe, find_program, verilator_root
from hdl.build_cache import cached
from talos_ref.files import build_root
from talos_ref.processes import capture, execute

__all__ = ["VERILATOR_FLAGS", "Model", "compile_verilog", "link_program"]

_TIMESCALE = "1ns/1ps"

VERILATOR_FLAGS = (
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
    # Its makefile refuses to work in a folder whose name has blanks. All the names in it are relative.
    "CURDIR=.",
)
# The wheel was made without a newer C++ in mind, which the delays of `--timing` need.
_COROUTINES = ("CFG_CXXFLAGS_STD_NEWEST=-std=gnu++20", "CFG_CXXFLAGS_COROUTINES=-fcoroutines")

# What other builds leave: make and compilers would take it, and the build cache would not know.
_FOREIGN = (
    *("MAKE", "MFLAGS", "GNUMAKEFLAGS", "VPATH", "OBJCACHE", "VERILATOR_", "IVERILOG_", "VM_", "OPT"),
    *("CPPFLAGS", "CXXFLAGS", "CFLAGS", "LDFLAGS", "LDLIBS", "TARGET_ARCH", "CPATH", "CPLUS_INCLUDE_PATH"),
)
_MAIN = "verilator.cpp"
"""cocotb's main program for Verilator."""
_ROOT = "verilator_root"
"""A link to Verilator's files, beside what is compiled."""


@dataclass(frozen=True)
class Model:
    """A compiled design, ready to be run any number of times, by several processes at once."""

    kind: Simulator
    """What runs it."""
    top: str
    """Name of the top module."""
    folder: Path
    """Where it lies, complete; nothing is written there any more."""
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

    @property
    def runs(self) -> Path:
        """Where runs get a folder each, unless another one is chosen; see `cosim.engine.run_folder`."""
        return self.folder.parent / "runs"


def compile_verilog(
    kind: Simulator,
    sources: Sequence[Path],
    top: str,
    parent: Path,
    *,
    parameters: Mapping[str, int] | None = None,
    public: Iterable[tuple[str, str]] = (),
    waves: bool = False,
    timing: bool = False,
    quick: bool = False,
    power_up: bool = False,
    main: Path | None = None,
) -> Model:
    """Compile Verilog for one simulator, unless ``parent`` holds that very compilation.

    Parameters
    ----------
    kind
        The simulator.
    sources
        Verilog files.
    top
        Module to be driven; all its ports can be read and written.
    parent
        Folder below which each compilation has its own, named after its inputs.
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
    main
        A C++ program around Verilator's model, the class ``Vtop``, in place of cocotb.

    Raises
    ------
    ValueError
        If there is no source, or no module ``top`` in the sources.
    FileNotFoundError
        If a source does not exist.
    SimulatorError
        If the compilation fails; its log is kept.
    OSError
        If ``parent`` cannot be written.
    """
    if not sources:
        raise ValueError("sources must name at least one Verilog file, not none")
    started = time.monotonic()
    texts = [path.read_text(encoding="utf-8") for path in sources]
    ports = _ports("\n".join(texts), top)
    visible = sorted({*((top, port) for port in ports), *public})
    if kind is Simulator.ICARUS:
        texts = [adapt(text) for text in texts]
    commands = _commands(kind, len(texts), top, dict(parameters or {}), waves, timing)
    if kind is Simulator.VERILATOR:
        # Of an option given twice, both programs take the second.
        commands[0] += ["--x-initial", "unique"] if power_up else []
        commands[1] += ["OPT_FAST=-O0"] if quick else []
        if main is not None:
            # Nor cocotb's library.
            place = commands[0].index("-LDFLAGS")
            del commands[0][place : place + 2]
    inputs = {
        "tools": [describe(kind), f"cocotb {importlib.metadata.version('cocotb')}"],
        "sources": [hashlib.sha256(text.encode()).hexdigest() for text in texts],
        "public": visible,
        "commands": commands,
        **({} if main is None else {"main": hashlib.sha256(main.read_bytes()).hexdigest()}),
    }
    compiled = False

    def make(folder: Path) -> None:
        nonlocal compiled
        compiled = True
        _write_inputs(kind, folder, texts, visible, top, main)
        # The log outlives a compilation that fails, of which no folder is left.
        with run_folder(folder.parent / "runs", "compile") as logs:
            _compile(kind, folder, commands, logs / "compile.log", waves, timing)

    folder = cached(parent.resolve(), kind.value + ("-waves" if waves else ""), inputs, make)
    return Model(kind, top, folder, waves, compiled=compiled, seconds=time.monotonic() - started)


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
    libs = shlex.quote(str(cocotb_tools.config.libs_dir))
    # The program itself, not the Perl script around it: a fresh Debian lacks some of that script's modules.
    translate = [str(verilator_root() / "bin" / "verilator_bin"), "-cc", "--exe", "--vpi", "--no-MMD", "-Mdir", "."]
    translate += ["--top-module", top, "--prefix", "Vtop", "-o", "simulation", *VERILATOR_FLAGS]
    translate += ["-LDFLAGS", f"-Wl,-rpath,{libs} -L{libs} -lcocotbvpi_verilator", *(["--trace"] if waves else [])]
    translate += ["--timing"] if timing else []
    translate += [f"-G{name}={value}" for name, value in parameters.items()]
    jobs = min(4, os.cpu_count() or 1)
    make = [find_program("make"), "-j", str(jobs), "-f", "Vtop.mk", f"VM_TRACE={int(waves)}", *_make_variables(timing)]
    return [[*translate, _MAIN, "public.vlt", *files], make]


def _make_variables(timing: bool) -> tuple[str, ...]:
    return (*_MAKE_VARIABLES, *(_COROUTINES if timing else ()))


def _write_inputs(
    kind: Simulator,
    folder: Path,
    texts: list[str],
    visible: list[tuple[str, str]],
    top: str,
    main: Path | None = None,
) -> None:
    """Write the sources, and the little that the simulator wants beside them."""
    for index, text in enumerate(texts):
        (folder / _source_name(kind, index)).write_text(text, encoding="utf-8")
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
        # The makefile that Verilator writes has no way to quote a blank in the paths of either package.
        given = cocotb_tools.config.share_dir / "lib" / "verilator" / _MAIN if main is None else main
        shutil.copyfile(given, folder / _MAIN)
        (folder / _ROOT).symlink_to(verilator_root())


def _compile(
    kind: Simulator, folder: Path, commands: list[list[str]], log: Path, waves: bool, timing: bool
) -> None:
    """Run the commands with their output in one log."""
    runtime: list[Path] = []
    if kind is Simulator.VERILATOR:
        runtime = [path for path in _runtime(waves, timing).iterdir() if path.suffix in (".o", ".d")]
    for command in commands:
        # Again before each command: an object must look newer than the makefile that Verilator writes.
        for path in runtime:
            shutil.copy(path, folder / path.name)
        _make(kind, command, folder, log)


def _environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith(_FOREIGN)}


def _make(kind: Simulator, command: list[str], folder: Path, log: Path) -> None:
    environment = _environment()
    if kind is Simulator.VERILATOR:
        environment["VERILATOR_ROOT"] = _ROOT
    if execute(command, folder, environment, log) != 0:
        raise SimulatorError(f"{describe(kind)} could not compile {folder}", log)


def _runtime(waves: bool, timing: bool) -> Path:
    """Return a folder with Verilator's own library, compiled: the same for every design, and most of a small build."""
    compiler = capture([find_program("c++"), "--version"]).stdout
    [[*translate], [*make]] = _commands(Simulator.VERILATOR, 1, "empty", {}, waves, timing)
    make += ["-f", "runtime.mk", "runtime"]

    def compile_library(folder: Path) -> None:
        _write_inputs(Simulator.VERILATOR, folder, ["module empty;\nendmodule\n"], [], "empty")
        (folder / "runtime.mk").write_text("runtime: $(VK_GLOBAL_OBJS)\n")
        with run_folder(folder.parent / "runs", "compile") as logs:
            for command in (translate, make):
                _make(Simulator.VERILATOR, command, folder, logs / "compile.log")

    tools = [describe(Simulator.VERILATOR), str(verilator_root()), compiler]
    return cached(build_root() / "verilator", "runtime", [tools, translate, make], compile_library)


def link_program(model: Model, main: Path, folder: Path) -> Path:
    """Return another program around a model that Verilator compiled, made in ``folder``: ``main`` in place of cocotb.

    What is simulated is the same machine code. Raises ValueError for a model of Icarus or with waveforms,
    SimulatorError if the compiler fails.
    """
    if model.kind is not Simulator.VERILATOR or model.waves:
        raise ValueError("model must be one of Verilator without waveforms")
    program, include = folder / main.stem, model.folder / _ROOT / "include"
    command = [find_program("c++"), "-O2", "-std=gnu++20", "-fcoroutines", "-DVERILATOR=1", "-DVM_COVERAGE=0"]
    command += ["-DVM_SC=0", "-DVM_TRACE=0", f"-I{model.folder}", f"-I{include}", f"-I{include / 'vltstd'}", str(main)]
    command += [*map(str, [model.folder / "Vtop__ALL.a", *sorted(model.folder.glob("verilated*.o"))])]
    log = folder / f"{main.stem}.log"
    if execute([*command, "-o", str(program), "-pthread"], folder, _environment(), log) != 0:
        raise SimulatorError(f"the C++ compiler could not make {program}", log)
    return program
