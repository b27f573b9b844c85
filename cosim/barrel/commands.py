"""``python -m cosim digest``: many steps behind registers, and one number of them beside host_c's."""

from __future__ import annotations

from typing import Any

import click

from cosim.barrel.verify import name_batch
from cosim.engine.simulators import Simulator, describe
from cosim.options import requests_option
from hdl.core.config import BARRELS
from hdl.options import Choice, design_options
from talos_ref.options import seed_option, temperature_option

__all__ = ["digest"]


@click.command()
@design_options("default: barrel", cores=tuple(BARRELS))
@requests_option(17_000, "names, of seeds S on; some six steps each")
@seed_option
@temperature_option
def digest(count: int, seed: int, temperature: float, **options: Any) -> None:
    """Draw names on the simulated board, and compare the digest that the circuit makes of all steps with host_c's."""
    from cosim.barrel.registers import run_digests

    design = Choice(**options).resolve("barrel")
    batch = name_batch(design.core, seed, count, temperature)
    found = run_digests(design, Simulator.VERILATOR, [batch]).counters
    where, mean = f"{design.name} behind registers in {describe(Simulator.VERILATOR)}", found["cycles"] / found["steps"]
    print(f"{where}: {found['steps']:,} steps of {count:,} names in {found['cycles']:,} cycles")
    print(f"all {design.core.streams} streams together take {mean:.2f} cycles a step")
    print(f"digest {found['digest']:08x}, equal to host_c's of the same seeds")
