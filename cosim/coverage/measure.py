"""The benches of the tests and the names of a campaign in a core with an observer, and what it has seen of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

from cosim.core.bench_run import run_bench
from cosim.core.verify import NAMES_BENCH, Generated, compile_recorded, generate
from cosim.coverage.core_groups import core_groups
from cosim.coverage.golden_corners import Corners, count_corners
from cosim.coverage.group import Group
from cosim.coverage.observer import Observed, observe, read_observed
from cosim.coverage.register_groups import register_groups
from cosim.coverage.stimulus import campaign_requests, mixed_requests
from cosim.coverage.tile_groups import tile_groups
from cosim.engine.compile import Model, compile_verilog
from cosim.engine.run_folder import run_folder
from cosim.engine.simulators import Simulator
from cosim.evidence.state import Register, list_state
from hdl.design import Design
from hdl.registers.map import register_map
from talos_ref.files import make_folder, write_bytes

__all__ = ["BENCHES", "SOURCES", "Seen", "measure"]

SOURCES = ("tests", "campaign")
"""Whose requests they are."""
BENCHES = ("names", "direct", "stalls", "control", "registers")
"""Of the tests, by their modules' names."""
_MIXED, _MIXED_SHORT = 240, 12
_TEST_SEED = 20


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was seen of one circuit: the core, or the core behind its registers."""

    groups: tuple[Group, ...]
    registers: tuple[Register, ...]
    within: tuple[str, ...]
    """What stands before the paths of its registers, below the top module, to make them those of the system."""
    by_source: dict[str, Observed]


def measure(
    design: Design,
    kind: Simulator,
    names: int,
    *,
    benches: Sequence[str] = BENCHES,
    short: bool = False,
    report: Callable[[str], None] = lambda text: None,
) -> tuple[list[Seen], dict[str, Corners]]:
    """Return what the observers of a design have seen, and the corners of the golden model by source.

    Parameters
    ----------
    names
        Names of a campaign, at its temperatures in turn; none is allowed.
    benches
        Which of the tests; ``registers`` is of the core behind them.
    short
        Fewer requests, for a slow simulator.
    report
        Told what is being done.

    Raises
    ------
    Mismatch
        If the core differs from the golden model: then its corners would say nothing of the circuit's.
    SimulatorError
        If a tool fails.
    """
    core = design.core
    mixed = mixed_requests(core, _MIXED_SHORT if short else _MIXED) if "names" in benches else []
    wanted = campaign_requests(core, names)
    runs: list[_Run] = [("tests", NAMES_BENCH, {"requests": mixed})] if mixed else []
    runs += [
        ("tests", f"cosim.core.bench_{bench}", {"short": short})
        for bench in BENCHES if bench in benches and bench not in ("names", "registers")
    ]  # fmt: skip
    if wanted:
        # Of 100 names or more the golden model makes the answers side by side.
        runs.append(("campaign", NAMES_BENCH, {"requests": wanted}))
    generated = generate(design)
    text = generated.path.read_text()
    groups = [*core_groups(core), *tile_groups(core, text)]
    seen = [_observe(generated, kind, groups, ("core",), runs, report)]
    corners = {"tests": count_corners(design, mixed), "campaign": count_corners(design, wanted)}
    if "registers" in benches:
        tests = "published|anything" if short else "published|anything|names"
        options = {"test_filter": tests, "seed": _TEST_SEED, "short": short}
        accesses: list[_Run] = [("tests", "cosim.registers.bench_registers", options)]
        places = register_groups(register_map(design.model, design.arithmetic.logit))
        seen.append(_observe(generate(design, system=True), kind, places, (), accesses, report))
    return seen, corners


_Run = tuple[str, str, dict[str, object]]
"""Source, bench, and further arguments of `run_bench`."""


def _observe(
    generated: Generated, kind: Simulator, groups: Sequence[Group], within: tuple[str, ...], runs: Sequence[_Run],
    report: Callable[[str], None],
) -> Seen:
    text = generated.path.read_text()
    registers = tuple(register for register in list_state(text, generated.top) if register.words == 1)
    folder = make_folder(generated.work / "coverage")
    path = write_bytes(folder / f"{generated.top}.v", observe(text, generated.top, groups, registers).encode())
    report(f"compiling {generated.top}")
    if generated.system:
        model = compile_verilog(kind, [path], generated.top, folder)
    else:
        model = compile_recorded(kind, generated.design, [path], folder)
    found: dict[str, list[Observed]] = {source: [] for source in SOURCES}
    for source, bench, options in runs:
        report(f"running {bench.rpartition('.')[2]} in {generated.top}")
        found[source].append(_run(model, generated.design, bench, options, len(groups), len(registers)))
    nothing = Observed(tuple({} for _ in groups), (0,) * len(registers), (0,) * len(registers))
    by_source = {source: reduce(Observed.joined, seen, nothing) for source, seen in found.items()}
    return Seen(groups=tuple(groups), registers=registers, within=within, by_source=by_source)


def _run(
    model: Model, design: Design, bench: str, options: dict[str, object], groups: int, registers: int
) -> Observed:
    with run_folder(model.runs, "observed") as folder:
        path = Path(folder).resolve() / "observed.txt"
        run_bench(model, design, bench, plusargs=[f"+observed={path}"], **options)  # type: ignore[arg-type]
        return read_observed(path, groups, registers)
