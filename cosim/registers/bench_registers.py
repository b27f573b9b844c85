"""Bench of the registers over a core: the published host, any accesses at random, restarts in mid-name."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import cocotb

from cosim.core.bench_config import PROGRESS, BenchConfig, Findings
from cosim.core.checker import Mismatch
from cosim.core.cocotb_pins import running_test
from cosim.core.model import GoldenModel
from cosim.registers import traffic
from cosim.registers.cocotb_pins import SystemPins
from cosim.registers.host import OUTPUTS, RegisterHost
from cosim.registers.model import RegisterModel
from cosim.registers.traffic import EVENTS, direct_step, published_name, random_traffic, restarts
from hdl.build_cache import build_id
from hdl.core.config import CoreConfig
from hdl.core.schedule import schedule
from hdl.design import Design
from talos_ref.model.checkpoint import default_checkpoint

__all__ = ["anything", "every_register", "names", "published"]

SEED_2 = {"talos-v2": [10, 4, 11, 24, 13], "precise": [0, 0, 17, 8, 13], "folded": [18, 0, 17, 4, 13]}
"""Letters of the published checkpoint at temperature 0.5: as published, as the float model draws, by Gumbel-max."""


def _step_cycles(core: CoreConfig) -> int:
    """Return about what a step takes: 310, 53 and 43 cycles for the named cores, whose means are 298, 56 and 22."""
    return 25 + 5 * len(schedule(core)) // 4


@asynccontextmanager
async def _host(dut: Any, seed: int) -> AsyncIterator[tuple[RegisterHost, BenchConfig]]:
    """Yield a host of a machine that was reset; raise the first mismatch at the end, all of them printed."""
    config, test = BenchConfig.from_environment(), running_test()
    design = Design.load(Path(config.design))
    core = design.core
    model = RegisterModel(core, GoldenModel(design), build=build_id(design), clock_hz=design.clock_hz)
    pins = SystemPins(dut, design.clock_hz, OUTPUTS)
    await pins.start()
    host = RegisterHost(pins, model)
    try:
        yield host, config
    except RuntimeError as error:
        model.report(host.now, "the run", "going on", str(error))
    mismatch = None
    if model.mismatches:
        for found in model.mismatches:
            print(f"{core.name} in {config.simulator}, seed {seed}, {found}", flush=True)
        first = model.mismatches[0]
        mismatch = Mismatch(
            core.name, config.simulator, f"{len(model.mismatches)} mismatches of the registers, in the log", seed,
            first.access, "REGISTERS", f"cycle {first.cycle}, {first.what}", first.expected, first.actual,
        )  # fmt: skip
    config.add(
        Findings(
            tests=(test,), counted=(), steps=model.accesses, values=model.compared,
            mismatch=mismatch.to_json() if mismatch else None,
        )
    )  # fmt: skip
    print(f"{model.accesses} accesses in {host.now} cycles, {model.compared} values; {model.events}", flush=True)
    if mismatch is not None:
        raise mismatch


def _seed() -> int:
    return int(cocotb.RANDOM_SEED)


@cocotb.test()
async def published(dut: Any) -> None:
    """The published host's accesses: names one after another from the random state, then direct steps with logits."""
    async with _host(dut, 2) as (host, config):
        model = host.model.model
        letters, state = await published_name(host, 2, 0x80, model.max_letters, pause=9)
        # Letters of other checkpoints are the golden model's, as every letter is.
        if Design.load(Path(config.design)).checkpoint == default_checkpoint():
            wanted = SEED_2[host.model.core.arithmetic_name]
            if letters != wanted:
                host.model.report(host.now, "letters of seed 2", str(wanted), str(letters))
        for _ in range(0 if config.short else 5):
            letters, state = await published_name(host, state, 0x80, model.max_letters, pause=9)
        for position, token in enumerate([model.bos, *letters][: 2 if config.short else model.block_size]):
            await direct_step(host, token, position, clear=position == 0, pause=9)


@cocotb.test()
async def anything(dut: Any) -> None:
    """Any accesses at random; everything that can go wrong has to come up."""
    seed = _seed()
    async with _host(dut, seed) as (host, config):
        short = config.short
        await random_traffic(
            host, random.Random(seed), 300 if short else 9_000,
            step_cycles=_step_cycles(host.model.core), resets=0.01,
        )
        missing = [event for event in EVENTS if event not in host.model.events]
        if missing and not short:
            host.model.report(host.now, "what random traffic meets", "everything", f"not {', '.join(missing)}")


@cocotb.test()
async def every_register(dut: Any) -> None:
    """Every word is read, and every register is written in part, and where that is refused."""
    seed = _seed()
    async with _host(dut, seed) as (host, _):
        for running in (False, True):
            await traffic.every_register(host, random.Random(seed), running=running)
        await host.set("control", clear=1)
        await host.idle(2)


@cocotb.test()
async def names(dut: Any) -> None:
    """Names, many of them ended by a clear, a reset or another start in any cycle; each that ends is right."""
    seed = _seed()
    async with _host(dut, seed) as (host, config):
        await restarts(
            host,
            random.Random(seed),
            2 if config.short else 1000,
            step_cycles=_step_cycles(host.model.core),
            report=lambda done, total: print(f"{PROGRESS}{done} {total}", flush=True),
        )
