"""The checks of ``python -m cosim gates`` and ``reset``: a core as mapped cells, a core from any state at power-up."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from cosim.core.checker import Mismatch
from cosim.core.plan import Findings
from cosim.core.request import Request, name_request
from cosim.core.verify import Generated, generate, run_bench
from cosim.engine.compile import build
from cosim.engine.simulators import Simulator, describe
from cosim.evidence.gate_level import Fault, cell_models, insert_faults, netlist_verilog
from cosim.evidence.power_up import pessimistic, without_initial_values
from hdl.build_cache import design_folder
from hdl.design import Design
from hdl.device.resources import read_synthesis, synthesise
from talos_ref.files import write_bytes

__all__ = ["FAULT_NAMES", "Gates", "RANDOM_VALUES", "check_gates", "check_random", "check_unknown"]

RANDOM_VALUES = "+verilator+rand+reset+2"
"""Argument of a simulation by Verilator: registers start with random values, of ``+verilator+seed+N``."""

FAULT_NAMES = 3
"""Names in which a fault may be noticed."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Gates:
    """What came of a netlist: its cells by kind, the names on it, and each fault with what it was noticed by."""

    cells: dict[str, int]
    findings: Findings
    noticed: tuple[tuple[Fault, Mismatch], ...]
    unnoticed: tuple[Fault, ...]


def _names(design: Design, seeds: Sequence[int]) -> list[Request]:
    return [name_request(seed, 0x80, design.model.max_letters) for seed in seeds]


def check_gates(design: Design, names: int, faults: int, say: Say) -> Gates:
    """Return what lock step with the golden model finds on a mapped design, names of seeds 1 to ``names``.

    Then each of ``faults`` bits is flipped, one at a time, in three names. Not every one can be noticed: inputs that
    select a bit may not occur, a weight's last bit may be rounded away; but Mismatch is raised if none is. It is raised
    too at the first difference without a fault, and RuntimeError if Yosys or a simulator fails.
    """
    started = time.monotonic()
    folder = design_folder(design) / "gates"
    folder.mkdir(parents=True, exist_ok=True)
    synthesis = synthesise(design)
    mapped = read_synthesis(synthesis)
    plain, netlist, models = (folder / name for name in ("netlist.v", f"{design.name}.v", "cells.v"))
    write_bytes(folder / "netlist.json", (synthesis / f"{design.name}.netlist.json").read_bytes())
    netlist_verilog(folder / "netlist.json", plain)
    text, switches = insert_faults(plain.read_text(), faults, seed=1)
    write_bytes(netlist, text.encode())
    write_bytes(models, cell_models().encode())
    say(f"{design.name}: mapped to {sum(mapped['cells'].values()):,} cells ({time.monotonic() - started:.0f} s)")
    model = build(Simulator.VERILATOR, [netlist, models], design.name, folder, quick=True)
    say(f"{design.name}: netlist compiled by {describe(model.kind)} ({model.seconds:.0f} s)")
    generated = Generated(design, netlist, mapped["verilog_sha256"], folder=folder)
    requests = _names(design, range(1, names + 1))
    started = time.monotonic()
    _, findings = run_bench(model, generated, "cosim.core.bench_names", name="names", requests=requests)
    say(
        f"{design.name}: {len(findings.counted)} names, {findings.steps} steps, {findings.values:,} values equal to "
        f"the golden model's ({time.monotonic() - started:.0f} s)"
    )
    noticed, unnoticed = [], []
    for fault in switches:
        try:
            run_bench(
                model, generated, "cosim.core.bench_names", name="fault", requests=requests[:FAULT_NAMES],
                plusargs=[f"+fault={fault.number}"],
            )  # fmt: skip
        except Mismatch as mismatch:
            noticed.append((fault, mismatch))
        else:
            unnoticed.append(fault)
    found = Gates(mapped["cells"], findings, tuple(noticed), tuple(unnoticed))
    if not noticed:
        request = f"{FAULT_NAMES} names"
        raise Mismatch(design.name, describe(model.kind), request, 1, 0, "IDLE", "faults noticed", f"1 to {faults}", 0)
    return found


def check_unknown(design: Design, *, generated: Generated | None = None) -> Findings:
    """Return what Icarus finds from power-up with every register and writable memory X, ports known in every cycle.

    ``generated``: another Verilog than the design's own, for a test. Raises Mismatch at the first unknown port or
    difference.
    """
    generated = generate(design) if generated is None else generated
    folder = generated.work / "unknown"
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / f"{design.name}.v"
    pessimistic(generated.path, design.name, source)
    model = build(Simulator.ICARUS, [source], design.name, folder)
    requests = _names(design, range(1, 4))
    bench = "cosim.evidence.bench_reset"
    _, findings = run_bench(model, generated, bench, name="unknown", requests=requests, short=True)
    return findings


def check_random(
    design: Design, seeds: Sequence[int], *, generated: Generated | None = None
) -> list[Findings]:
    """Return what Verilator finds from power-up with random registers and memories, for each seed of theirs.

    Each run resets the core once, for one cycle, and then makes a name of the same seed; the first run also resets it
    during names. ``generated`` and Mismatch as in `check_unknown`.
    """
    generated = generate(design) if generated is None else generated
    folder = generated.work / "random"
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / f"{design.name}.v"
    write_bytes(source, without_initial_values(generated.path.read_text()).encode())
    model = build(Simulator.VERILATOR, [source], design.name, folder, power_up=True)

    def run(seed: int) -> Findings:
        _, findings = run_bench(
            model, generated, "cosim.evidence.bench_reset",
            name=f"seed{seed}", requests=_names(design, [seed]), seed=seed,
            test_filter=None if seed == seeds[0] else "power_up", plusargs=[RANDOM_VALUES, f"+verilator+seed+{seed}"],
        )  # fmt: skip
        return findings

    # Each is a process of its own.
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        return list(pool.map(run, seeds))
