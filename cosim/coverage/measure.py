"""The benches of the tests and the names of a campaign in a core with an observer, and what it has seen of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

from cosim.core.bench_run import run_bench
from cosim.core.verify import Generated, compile_recorded, generate
from cosim.coverage.golden_corners import Corners, count_corners
from cosim.coverage.group import Group
from cosim.coverage.observer import Observed, observe, read_observed
from cosim.coverage.plan import SOURCES, Plan, Run
from cosim.coverage.register_groups import register_groups
from cosim.engine.compile import Model, compile_verilog
from cosim.engine.run_folder import run_folder
from cosim.engine.simulators import Simulator
from cosim.evidence.state import Register, list_state
from hdl.design import Design
from hdl.registers.maps import registers_of
from talos_ref.files import make_folder, write_bytes

__all__ = ["Seen", "measure"]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was seen of one circuit: the core, or the core behind its registers."""

    groups: tuple[Group, ...]
    registers: tuple[Register, ...]
    within: tuple[str, ...]
    """What stands before the paths of its registers, below the top module, to make them those of the system."""
    by_source: dict[str, Observed]
    verilog: str = ""
    """Of the circuit."""


def measure(
    design: Design, kind: Simulator, plan: Plan, report: Callable[[str], None] = lambda text: None
) -> tuple[list[Seen], dict[str, Corners]]:
    """Return what the observers of a design have seen in a plan's runs, and the corners of the golden model by source.

    ``report`` is told what is being done.

    Raises
    ------
    Mismatch
        If the core differs from the golden model: then its corners would say nothing of the circuit's.
    SimulatorError
        If a tool fails.
    """
    generated = generate(design)
    groups = plan.groups(design, generated.path.read_text())
    seen = [_observe(generated, kind, groups, ("core",), plan.core, report)]
    corners = {source: count_corners(design, requests) for source, requests in plan.names.items()}
    if plan.system:
        places = register_groups(registers_of(design.core))
        seen.append(_observe(generate(design, system=True), kind, places, (), plan.system, report))
    return seen, corners


def _observe(
    generated: Generated, kind: Simulator, groups: Sequence[Group], within: tuple[str, ...], runs: Sequence[Run],
    report: Callable[[str], None],
) -> Seen:
    text = generated.path.read_text()
    registers = tuple(register for register in list_state(text, generated.top) if register.words == 1)
    folder = make_folder(generated.work / "coverage")
    path = write_bytes(folder / f"{generated.top}.v", observe(text, generated.top, groups, registers).encode())
    report(f"compiling {generated.top}")
    # With an observer the C++ takes longer to optimise than these runs take without.
    if generated.system or generated.core.streams > 1:
        model = compile_verilog(kind, [path], generated.top, folder, quick=True)
    else:
        model = compile_recorded(kind, generated.design, [path], folder, quick=True)
    found: dict[str, list[Observed]] = {source: [] for source in SOURCES}
    for run in runs:
        report(f"running {run.bench.rpartition('.')[2]} in {generated.top}, for the {run.source}")
        found[run.source].append(_run(model, generated.design, run, len(groups), len(registers)))
    nothing = Observed(tuple({} for _ in groups), (0,) * len(registers), (0,) * len(registers))
    by_source = {source: reduce(Observed.joined, seen, nothing) for source, seen in found.items()}
    return Seen(groups=tuple(groups), registers=registers, within=within, by_source=by_source, verilog=text)


def _run(model: Model, design: Design, run: Run, groups: int, registers: int) -> Observed:
    with run_folder(model.runs, "observed") as folder:
        path = Path(folder).resolve() / "observed.txt"
        run_bench(model, design, run.bench, plusargs=[f"+observed={path}"], **run.options)
        return read_observed(path, groups, registers)
