"""The registers over every core in both simulators: the published host, any accesses, restarts in any cycle."""

from __future__ import annotations

from functools import cache

import pytest

from cosim.core.bench_run import run_bench
from cosim.core.verify import generate
from cosim.engine.compile import Model, compile_verilog
from cosim.engine.simulators import Simulator
from hdl.core.config import CORES
from tests.helpers.designs import published


@cache
def compiled(core: str, kind: Simulator) -> Model:
    generated = generate(published(core), system=True)
    # The C++ of `wide` takes longer to optimise than its few runs would take without.
    return compile_verilog(kind, [generated.path], generated.top, generated.work, quick=core == "wide")


@pytest.mark.parametrize("core", CORES)
def test_published_host_and_any_accesses(core: str) -> None:
    """Everything that can go wrong comes up."""
    seed = 20 + list(CORES).index(core)
    _run(core, Simulator.VERILATOR, "published|anything|every_register", seed=seed, accesses=9_000)


@pytest.mark.parametrize("core", CORES)
def test_published_host_in_icarus(core: str) -> None:
    """All that is read is known, from the first cycle on."""
    _run(core, Simulator.ICARUS, "published", seed=1, accesses=70)


def test_any_accesses_in_icarus() -> None:
    """And names that are restarted."""
    _run("tile16", Simulator.ICARUS, "anything|names", seed=5, accesses=320)


def test_a_thousand_names_restarted_in_any_cycle() -> None:
    """By clears, resets and starts."""
    _run("fused", Simulator.VERILATOR, "names", seed=30, accesses=20_000)


def _run(core: str, kind: Simulator, tests: str, *, seed: int, accesses: int) -> None:
    """Run tests of the bench; there must have been so many accesses, and several values compared at each."""
    findings = run_bench(
        compiled(core, kind), published(core), "cosim.registers.bench_registers", test_filter=tests, seed=seed,
        short=kind is Simulator.ICARUS,
    )  # fmt: skip
    assert len(findings.tests) == tests.count("|") + 1
    assert findings.steps >= accesses
    assert findings.values > 3 * findings.steps
