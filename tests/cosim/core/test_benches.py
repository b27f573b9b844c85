"""Every core in every simulator: bit for bit the golden model, in the cycles that were promised."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosim.core.bench_run import run_bench
from cosim.core.check import check_names
from cosim.core.measurement import compare_recorded
from cosim.core.recorded import read_requests
from cosim.core.verify import NAMES_BENCH, compile_design, generate
from cosim.coverage.stimulus import every_token
from cosim.engine.simulators import Simulator
from hdl.core.config import CORES
from hdl.core.cores import core_config
from talos_ref.model.config import ModelConfig
from tests.helpers.core_bench import random_checkpoint
from tests.helpers.cosim_designs import compiled, mixed_requests, sampled_requests
from tests.helpers.designs import design_of, published

KINDS = [Simulator.VERILATOR, Simulator.ICARUS]
MEAN_CYCLES = {"tile16": 340, "wide": 80, "fused": 56}
"""At most, over the names of seeds 1 to 1000 at temperature 0.5."""

every_core = pytest.mark.parametrize("core", CORES)
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)


@every_kind
@every_core
def test_names_match_the_golden_model(core: str, kind: Simulator) -> None:
    """All logits, top logit, argmax, tokens, random state and counters, at all temperatures."""
    requests = mixed_requests(core, 240 if kind is Simulator.VERILATOR else 3)
    findings = run_bench(compiled(core, kind), published(core), NAMES_BENCH, requests=requests)
    check_names(findings, requests, CORES[core])
    assert findings.values > findings.steps * CORES[core].model.vocab_size


@every_core
def test_every_token_at_every_position(core: str) -> None:
    """Direct steps, at temperatures on both sides of all that a sampler distinguishes, and beyond its range."""
    findings = run_bench(
        compiled(core, Simulator.VERILATOR), published(core), NAMES_BENCH, requests=every_token(CORES[core])
    )
    assert findings.steps == CORES[core].model.vocab_size * CORES[core].model.block_size


@every_kind
@every_core
@pytest.mark.parametrize("bench", ["direct", "stalls", "control"])
def test_everything_around_a_name(core: str, kind: Simulator, bench: str) -> None:
    """Direct mode, back-pressure, clear and reset in every stage, illegal requests, limits, the seed 0."""
    findings = run_bench(
        compiled(core, kind), published(core), f"cosim.core.bench_{bench}", short=kind is Simulator.ICARUS
    )
    assert len(findings.tests) == {"direct": 4, "stalls": 2, "control": 10}[bench]
    assert findings.steps >= 16


def test_requests_of_an_alphabet_that_fills_its_bits() -> None:
    """Four tokens: every number of two bits is legal, and none is refused for its token."""
    model = ModelConfig(alphabet="abc", block_size=8, n_embd=4, n_head=1, mlp_dim=8)
    design = design_of(core_config("tile16", model), random_checkpoint(model, 1))
    built = compile_design(Simulator.ICARUS, generate(design))
    findings = run_bench(built, design, "cosim.core.bench_control", test_filter="illegal", short=True)
    assert findings.tests == ("illegal",)


@every_core
def test_mean_cycles_stay_below_the_bar(core: str) -> None:
    """Over the names of seeds 1 to 1000; each step's cycles are the same in every name or the data's own."""
    requests = sampled_requests(core, 1000)
    model = compiled(core, Simulator.VERILATOR)
    findings = run_bench(model, published(core), NAMES_BENCH, requests=requests)
    steps = sum(len(counted.step_cycles) for counted in findings.counted)
    assert len(findings.counted) == 1000
    assert sum(counted.cycles for counted in findings.counted) / steps <= MEAN_CYCLES[core]


@every_core
def test_three_ways_of_counting_and_two_simulators_agree(core: str, tmp_path: Path) -> None:
    """Counters, test bench and waveform in Icarus; step by step and stage by stage, as in Verilator."""
    requests = sampled_requests(core, 2)
    waveform = tmp_path / "waves.vcd"
    icarus, verilator = (compiled(core, kind) for kind in (Simulator.ICARUS, Simulator.VERILATOR))
    recorded = run_bench(icarus, published(core), NAMES_BENCH, requests=requests, waveform=waveform)
    assert compare_recorded(recorded.counted, read_requests(waveform, CORES[core])) == []
    other = run_bench(verilator, published(core), NAMES_BENCH, requests=requests)
    assert other.counted == recorded.counted
    for counted in other.counted:
        assert sum(counted.step_cycles) == sum(counted.stages) == counted.cycles


def test_every_core_has_a_bar() -> None:
    """A new core needs a promise."""
    assert MEAN_CYCLES.keys() == CORES.keys()
