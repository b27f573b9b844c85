"""``python -m cosim gates`` and ``reset``: see `cosim.evidence.commands`."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import click

from cosim.engine.simulators import Simulator, describe
from cosim.evidence.commands import (
    FAULT_NAMES,
    Gates,
    check_gates,
    check_random,
    check_unknown,
    cyclone_v_netlist,
    ecp5_netlist,
)
from cosim.options import MAX_NAMES, requests_option
from hdl.design import Design
from hdl.device.cyclone_v import CHIP
from hdl.device.ecp5 import DEVICES
from hdl.options import Choice, cores_option, design_option, design_options, several_designs
from talos_ref.options import Integer, OneOf

__all__ = ["gates", "reset"]


_DEVICES = {"cyclone-v": (CHIP, cyclone_v_netlist), "ecp5": (DEVICES["LFE5U-85F"].chip, ecp5_netlist)}
"""Name of a device -> what a core's shape follows from, and its netlist."""


def _say(line: str) -> None:
    print(line, flush=True)


@click.command()
@design_options()
@requests_option(20, "names, of seeds 1 on")
@click.option("--faults", type=Integer(1, MAX_NAMES), default=12, metavar="N",
              help="bits flipped afterwards (default: 12)")  # fmt: skip
@click.option("--device", type=OneOf(list(_DEVICES)), default="cyclone-v", metavar="NAME",
              help="cyclone-v, mapped, or ecp5, placed and routed, some minutes more (default: cyclone-v)")  # fmt: skip
def gates(count: int, faults: int, device: str, **options: Any) -> None:
    """Run the netlist of a device's cells in lock step with the golden model."""
    chip, netlist = _DEVICES[device]
    design = Choice(**options).resolve(chip=chip)
    for line in _found(design, check_gates(design, count, faults, _say, netlist), faults):
        _say(line)


def _found(design: Design, found: Gates, faults: int) -> Iterator[str]:
    kinds = Counter({kind.removeprefix("MISTRAL_"): count for kind, count in found.cells.items()})
    yield f"{design.name}: " + ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common())
    yield f"{design.name}: {len(found.noticed)} of {faults} flipped bits noticed in {FAULT_NAMES} names"
    for fault, mismatch in found.noticed:
        where = f"seed {mismatch.seed}, step {mismatch.step}, {mismatch.field}"
        yield f"  {fault.describe()}: noticed at {where}"
    for fault in found.unnoticed:
        yield f"  {fault.describe()}: not noticed"


@click.command()
@cores_option
@design_option
@click.option("--seeds", type=Integer(1, MAX_NAMES), default=50, metavar="N",
              help="of random registers (default: 50)")  # fmt: skip
def reset(cores: tuple[str, ...], seeds: int, **options: Any) -> None:
    """Run from registers that are X, and random ones, through a reset to names."""
    for design in several_designs(cores, Choice(**options)):
        started = time.monotonic()
        found = check_unknown(design)
        _say(
            f"{design.name}: every register X at power-up, {describe(Simulator.ICARUS)}: ports known in every cycle "
            f"after a reset, {len(found.counted)} names, {found.values:,} values right "
            f"({time.monotonic() - started:.0f} s)"
        )
        started = time.monotonic()
        runs = check_random(design, range(1, seeds + 1))
        _say(
            f"{design.name}: every register random at power-up, {describe(Simulator.VERILATOR)}: {len(runs)} seeds, "
            f"{sum(len(run.counted) for run in runs)} names, {sum(run.values for run in runs):,} values right "
            f"({time.monotonic() - started:.0f} s)"
        )
