"""A waveform to look at: VCD, a GTKWave save file with the signals by unit, and names for states and stages."""

from __future__ import annotations

import enum
import io
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amaranth.hdl import Fragment
from amaranth.lib.data import StructLayout
from filelock import FileLock
from vcd.gtkw import GTKWSave, make_translation_filter

from cosim.core.bench_run import run_bench
from cosim.core.check import check_names
from cosim.core.checker import Mismatch
from cosim.core.request import Request
from cosim.core.verify import NAMES_BENCH, Generated, compile_design
from cosim.engine.run_folder import run_folder
from cosim.engine.simulators import Simulator
from hdl.core.core import Core
from hdl.core.interface import request_layout
from hdl.core.sequencer import instruction_layout
from talos_ref.files import write_bytes

__all__ = [
    "Recording",
    "Signal",
    "enum_names",
    "field_names",
    "fsm_names",
    "list_signals",
    "record",
    "save_file",
    "write_together",
]

Names = dict[tuple[tuple[str, ...], str], dict[int, str]]
"""(Instances from the top module down, signal) -> value -> name."""

_VIEWERS = ("gtkwave", "surfer")
_GROUPS = (
    ("clock and control", ("clk", "rst", "clear", "busy", "error", "stage")),
    ("request", ("request__valid", "request__ready", "request__payload")),
    ("result", ("result__valid", "result__ready", "result__payload", "logits")),
    ("counters", ("counters",)),
)
"""Ports of the core by topic; units follow, one group each."""


@dataclass(frozen=True)
class Signal:
    """A signal in a VCD file."""

    scope: tuple[str, ...]
    """Instances from the top module down."""
    name: str
    width: int
    reference: str
    """As GTKWave calls it."""


@dataclass(frozen=True)
class Recording:
    """Files of one waveform."""

    vcd: Path
    save: Path

    def open(self, say: Callable[[str], None]) -> None:
        """Open the waveform in a viewer if there is one and a display to show it on; otherwise say how to."""
        viewer = next((path for name in _VIEWERS if (path := shutil.which(name))), None)
        graphical = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
        if viewer is not None and graphical:
            argument = self.save if Path(viewer).name == "gtkwave" else self.vcd
            subprocess.Popen(
                [viewer, str(argument)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
            )
            say(f"opening {argument} in {viewer}")
            return
        if viewer is None:
            say("no viewer found; on Debian: sudo apt-get install -y gtkwave")
        say(f"to look at it: gtkwave {self.save}    or: surfer {self.vcd}")


def record(kind: Simulator, design: Generated, request: Request, folder: Path) -> tuple[Recording, Mismatch | None]:
    """Simulate one request with a waveform, files in ``folder``; a difference from the golden model is returned.

    All files appear when the simulation has ended, and are of one run even if several write to the folder at once.
    Raises SimulatorError if the simulator fails, OSError if the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model = compile_design(kind, design, waves=True)
    with run_folder(model.runs, "waves") as run:
        recorded = run / "waves.vcd"
        found = run_bench(
            model, design.design, NAMES_BENCH, requests=[request], waveform=recorded, raise_mismatch=False
        )
        if found.mismatch is None:
            check_names(found, [request], design.core)
        with recorded.open() as lines:
            signals = list_signals(lines, design.core.name)
        waveform = recorded.read_bytes()
    mismatch = None if found.mismatch is None else Mismatch(**found.mismatch)
    vcd = folder / f"{design.core.name}-seed{request.seed}.vcd"
    core = Core(design.design)
    fragment = Fragment.get(core, None)
    top = design.core.name
    names = enum_names(design.path.read_text(), top) | fsm_names(fragment, top)
    names |= field_names((top,), "request__payload", request_layout(design.core.model))
    names |= field_names((top, "sequencer"), "instruction", instruction_layout(core.program))
    filters: dict[tuple[tuple[str, ...], str], Path] = {}
    files = {vcd.name: waveform}
    for signal in signals:
        table = names.get((signal.scope, signal.name))
        if table is not None:
            text = make_translation_filter(sorted(table.items()), datafmt="hex", size=signal.width)
            path = folder / f"{'-'.join([*signal.scope, signal.name])}.txt"
            filters[signal.scope, signal.name] = path
            files[path.name] = text.encode()
    save = vcd.with_suffix(".gtkw")
    write_together(folder, files | {save.name: save_file(vcd, signals, filters).encode()})
    return Recording(vcd, save), mismatch


def write_together(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files, name -> content, that belong together: another process that does so waits until all are there."""
    with FileLock(folder / ".lock"):
        for name, content in files.items():
            write_bytes(folder / name, content)


def list_signals(lines: Iterator[str] | io.TextIOBase, top: str) -> list[Signal]:
    """Return the signals that a VCD file's header declares inside module ``top``."""
    signals: list[Signal] = []
    scope: list[str] = []
    for line in lines:
        words = line.split()
        if not words:
            continue
        if words[0] == "$enddefinitions":
            break
        if words[0] == "$scope":
            scope.append(words[2])
        elif words[0] == "$upscope":
            scope.pop()
        elif words[0] == "$var" and top in scope:
            name = words[4].lstrip("\\")
            bits = next((word for word in words[5:-1] if word.startswith("[")), "")
            match = re.match(r"(.*?)(\[\d+:\d+\])$", name)
            if match is not None:
                name, bits = match[1], match[2]
            inside = tuple(scope[scope.index(top) :])
            reference = ".".join([*scope, words[4] if match else words[4] + bits])
            signals.append(Signal(inside, name, int(words[2]), reference))
    return signals


def enum_names(verilog: str, top: str) -> Names:
    """Return (instances, signal) -> value -> name, from the attributes that Amaranth leaves on enum-shaped signals."""
    found: Names = {}
    scope: tuple[str, ...] = (top,)
    values: dict[int, str] = {}
    for line in verilog.splitlines():
        if match := re.match(r"module \\?(\S+?)\s*\(", line):
            scope = tuple(match[1].split("."))
        elif match := re.match(r'\s*\(\* enum_value_([01]+) = "([^"]*)" \*\)', line):
            values[int(match[1], 2)] = match[2]
        elif match := re.match(r"\s*(?:input|output|wire|reg)\s+(?:signed\s+)?(?:\[\d+:\d+\]\s+)?\\?([^\s;]+)", line):
            if values:
                found[scope, match[1]] = values
            values = {}
    return found


def field_names(scope: tuple[str, ...], signal: str, layout: StructLayout) -> Names:
    """Return (instances, field) -> value -> name, of the fields of a structure that are enumerations."""
    names: Names = {}
    for name, field in layout:
        if isinstance(field.shape, enum.EnumMeta):
            members: dict[str, Any] = dict(field.shape.__members__)
            names[scope, f"{signal}.{name}"] = {member.value: key for key, member in members.items()}
    return names


def fsm_names(fragment: Fragment, top: str) -> Names:
    """Return (instances, state signal) -> value -> state name, of all state machines in a design."""
    found: Names = {}

    def walk(part: Fragment, scope: tuple[str, ...]) -> None:
        for machine in part.generated.values():
            if hasattr(machine, "decoding") and hasattr(machine, "state"):
                found[scope, machine.state.name] = dict(machine.decoding)
        for index, (inner, name, *_) in enumerate(part.subfragments):
            walk(inner, (*scope, name or f"U${index}"))

    walk(fragment, (top,))
    return found


def save_file(vcd: Path, signals: list[Signal], filters: dict[tuple[tuple[str, ...], str], Path]) -> str:
    """Return a GTKWave save file: the core's ports by topic, then a closed group a unit, named values first."""
    text = io.StringIO()
    save = GTKWSave(text)
    save.dumpfile(str(vcd))
    save.treeopen(".".join(signals[0].reference.split(".")[:-1]) if signals else "")

    def trace(signal: Signal) -> None:
        file = filters.get((signal.scope, signal.name))
        save.trace(signal.reference, datafmt="hex", translate_filter_file=None if file is None else str(file.resolve()))

    ports = {signal.name: signal for signal in signals if len(signal.scope) == 1}
    for title, names in _GROUPS:
        with save.group(title):
            for name in names:
                if name in ports:
                    trace(ports[name])
    for scope in dict.fromkeys(signal.scope for signal in signals if len(signal.scope) > 1):
        # Nameless intermediate values, and the pieces of cosim.engine.icarus_source, are left to the viewer's search.
        inside = [s for s in signals if s.scope == scope and not re.match(r"\$|piece\d+_\d+$", s.name)]
        with save.group(".".join(scope[1:]), closed=True):
            for signal in sorted(inside, key=lambda s: (s.scope, s.name) not in filters):
                trace(signal)
    return text.getvalue()
