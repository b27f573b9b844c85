"""The checks of ``python -m cosim gates`` and ``reset``: a core as mapped cells, a core from any state at power-up."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from cosim.core.bench_config import Findings
from cosim.core.bench_run import run_bench
from cosim.core.check import check_names
from cosim.core.checker import Mismatch
from cosim.core.request import Request, name_request
from cosim.core.verify import NAMES_BENCH, Generated, compile_recorded, generate
from cosim.engine.compile import compile_verilog
from cosim.engine.digests import bench_digest
from cosim.engine.simulators import Simulator, describe
from cosim.evidence.ecp5_gates import CELLS, count_cells, tie
from cosim.evidence.ecp5_gates import netlist_verilog as write_netlist
from cosim.evidence.gate_level import Fault, cell_models, insert_faults, netlist_verilog
from cosim.evidence.power_up import pessimistic, without_initial_values
from hdl.build_cache import cached, design_folder
from hdl.design import Design
from hdl.device.ecp5_netlist import route_core
from hdl.device.resources import read_synthesis, synthesise
from talos_ref.files import write_bytes
from talos_ref.processes import workers

__all__ = [
    "FAULT_NAMES", "FaultyNetlist", "Gates", "RANDOM_VALUES", "check_gates", "check_random", "check_unknown",
    "cyclone_v_netlist", "ecp5_netlist",
]  # fmt: skip

RANDOM_VALUES = "+verilator+rand+reset+2"
"""Argument of a simulation by Verilator: registers start with random values, of ``+verilator+seed+N``."""

_RESET_BENCH = "cosim.evidence.bench_reset"
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


@dataclass(frozen=True)
class FaultyNetlist:
    """Verilog of a netlist that has switches for faults, and of its cells."""

    sources: list[Path]
    faults: list[Fault]
    cells: dict[str, int]
    """How many of each kind."""


NetlistOf = Callable[[Design, int], FaultyNetlist]
"""Makes the netlist of a design with switches for so many faults."""


def check_gates(design: Design, names: int, faults: int, say: Say, netlist: NetlistOf | None = None) -> Gates:
    """Return what lock step with the golden model finds on a mapped design, names of seeds 1 to ``names``.

    ``netlist`` is of the Cyclone V by default.

    Then each of ``faults`` bits is flipped, one at a time, in three names. Not every one can be noticed: inputs that
    select a bit may not occur, a weight's last bit may be rounded away; but Mismatch is raised if none is. It is raised
    too at the first difference without a fault, and RuntimeError if Yosys or a simulator fails.
    """
    started = time.monotonic()
    made = (netlist or cyclone_v_netlist)(design, faults)
    say(f"{design.name}: mapped to {sum(made.cells.values()):,} cells ({time.monotonic() - started:.0f} s)")
    work = design_folder(design) / "gates"
    model = compile_recorded(Simulator.VERILATOR, design, made.sources, work, quick=True)
    say(f"{design.name}: netlist compiled by {describe(model.kind)} ({model.seconds:.0f} s)")
    requests = _names(design, range(1, names + 1))
    started = time.monotonic()
    findings = run_bench(model, design, NAMES_BENCH, requests=requests)
    check_names(findings, requests, design.core)
    say(
        f"{design.name}: {len(findings.counted)} names, {findings.steps} steps, {findings.values:,} values equal to "
        f"the golden model's ({time.monotonic() - started:.0f} s)"
    )
    noticed, unnoticed = [], []
    for fault in made.faults:
        found = run_bench(
            model, design, NAMES_BENCH, requests=requests[:FAULT_NAMES], plusargs=[f"+fault={fault.number}"],
            raise_mismatch=False,
        )  # fmt: skip
        if found.mismatch is None:
            unnoticed.append(fault)
        else:
            noticed.append((fault, Mismatch(**found.mismatch)))
    if not noticed:
        request = f"{FAULT_NAMES} names"
        raise Mismatch(design.name, describe(model.kind), request, 1, 0, "IDLE", "faults noticed", f"1 to {faults}", 0)
    return Gates(made.cells, findings, tuple(noticed), tuple(unnoticed))


def cyclone_v_netlist(design: Design, faults: int) -> FaultyNetlist:
    """Return a design as Yosys maps it to the Cyclone V."""
    synthesis = synthesise(design)
    name, models = f"{design.name}.netlist.json", cell_models()
    netlist = (synthesis / name).read_bytes()

    def make(folder: Path) -> None:
        (folder / name).write_bytes(netlist)
        netlist_verilog(folder / name, folder / "netlist.v")
        text, switches = insert_faults((folder / "netlist.v").read_text(), faults, seed=1)
        write_bytes(folder / f"{design.name}.v", text.encode())
        write_bytes(folder / "cells.v", models.encode())
        write_bytes(folder / "faults.json", json.dumps([asdict(fault) for fault in switches]).encode())

    digests = [hashlib.sha256(data).hexdigest() for data in (netlist, models.encode())]
    made_from = {"netlist": digests[0], "cells": digests[1], "faults": faults, "bench": bench_digest()}
    folder = cached(design_folder(design), "netlist", made_from, make)
    switches = [Fault(**fields) for fields in json.loads((folder / "faults.json").read_text())]
    cells: dict[str, int] = read_synthesis(synthesis)["cells"]
    return FaultyNetlist([folder / f"{design.name}.v", folder / "cells.v"], switches, cells)


def ecp5_netlist(design: Design, faults: int) -> FaultyNetlist:
    """Return a design as nextpnr places and routes it on the ECP5, without pins; it takes some minutes."""
    routed, models = route_core(design), CELLS.read_bytes()
    netlist = json.loads(gzip.decompress(routed.read_bytes()))

    def make(folder: Path) -> None:
        tied, switches = tie(netlist, design.name, faults)
        write_netlist(tied, folder, folder / f"{design.name}.v")
        write_bytes(folder / "cells.v", models)
        write_bytes(folder / "faults.json", json.dumps([asdict(fault) for fault in switches]).encode())

    made_from = {"routed": routed.parent.name, "cells": hashlib.sha256(models).hexdigest(), "faults": faults}
    folder = cached(design_folder(design), "ecp5-netlist", {**made_from, "bench": bench_digest()}, make)
    switches = [Fault(**fields) for fields in json.loads((folder / "faults.json").read_text())]
    return FaultyNetlist([folder / f"{design.name}.v", folder / "cells.v"], switches, count_cells(netlist))


def check_unknown(design: Design, *, generated: Generated | None = None) -> Findings:
    """Return what Icarus finds from power-up with every register and writable memory X, ports known in every cycle.

    ``generated``: another Verilog than the design's own, for a test. Raises Mismatch at the first unknown port or
    difference.
    """
    generated = generate(design) if generated is None else generated

    def make(folder: Path) -> None:
        pessimistic(generated.path, design.name, folder / f"{design.name}.v")

    source = _changed(generated, "pessimistic", make)
    model = compile_verilog(Simulator.ICARUS, [source], design.name, generated.work / "unknown")
    requests = _names(design, range(1, 4))
    return run_bench(model, design, _RESET_BENCH, requests=requests, short=True)


def check_random(
    design: Design, seeds: Sequence[int], *, generated: Generated | None = None
) -> list[Findings]:
    """Return what Verilator finds from power-up with random registers and memories, for each seed of theirs.

    Each run resets the core once, for one cycle, and then makes a name of the same seed; the first run also resets it
    during names. ``generated`` and Mismatch as in `check_unknown`.
    """
    generated = generate(design) if generated is None else generated

    def make(folder: Path) -> None:
        text = without_initial_values(generated.path.read_text())
        write_bytes(folder / f"{design.name}.v", text.encode())

    source = _changed(generated, "without-initial-values", make)
    model = compile_verilog(Simulator.VERILATOR, [source], design.name, generated.work / "random", power_up=True)

    def run(seed: int) -> Findings:
        return run_bench(
            model, design, _RESET_BENCH,
            requests=_names(design, [seed]), seed=seed, test_filter=None if seed == seeds[0] else "power_up",
            plusargs=[RANDOM_VALUES, f"+verilator+seed+{seed}"],
        )  # fmt: skip

    # Each is a process of its own.
    with workers(os.cpu_count() or 1) as pool:
        return list(pool.map(run, seeds))


def _changed(generated: Generated, kind: str, make: Callable[[Path], None]) -> Path:
    """Return the Verilog of a core in another form, made unless it is there."""
    made_from = {"verilog": generated.sha256, "bench": bench_digest()}
    return cached(generated.work, kind, made_from, make) / f"{generated.top}.v"
