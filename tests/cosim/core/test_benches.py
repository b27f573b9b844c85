"""Every core in every simulator: bit for bit the golden model, in the cycles that were promised."""

from __future__ import annotations

import pytest

from cosim.core.measurement import compare_recorded
from cosim.core.verify import run_bench
from cosim.engine.simulators import Simulator
from cosim.engine.waveform import read_requests
from hdl.core.config import CORES
from tests.helpers.cosim_designs import compiled, design, mixed_requests, sampled_requests

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
    model = compiled(core, kind)
    _, findings = run_bench(model, design(core), "cosim.core.bench_names", name="mixed", requests=requests)
    assert [counted.request for counted in findings.counted] == requests
    assert findings.steps == sum(len(counted.step_cycles) for counted in findings.counted) >= len(requests)
    assert findings.values > findings.steps * CORES[core].model.vocab_size


@every_kind
@every_core
@pytest.mark.parametrize("bench", ["direct", "stalls", "control"])
def test_everything_around_a_name(core: str, kind: Simulator, bench: str) -> None:
    """Direct mode, back-pressure, clear, reset, illegal requests, limits, the seed 0."""
    outcome, findings = run_bench(
        compiled(core, kind), design(core), f"cosim.core.bench_{bench}", name=bench, short=kind is Simulator.ICARUS
    )
    assert len(outcome.tests) == {"direct": 4, "stalls": 2, "control": 8}[bench]
    assert findings.steps >= 16


@every_core
def test_mean_cycles_stay_below_the_bar(core: str) -> None:
    """Over the names of seeds 1 to 1000; each step's cycles are the same in every name or the data's own."""
    requests = sampled_requests(core, 1000)
    model = compiled(core, Simulator.VERILATOR)
    _, findings = run_bench(model, design(core), "cosim.core.bench_names", name="thousand", requests=requests)
    steps = sum(len(counted.step_cycles) for counted in findings.counted)
    assert len(findings.counted) == 1000
    assert sum(counted.cycles for counted in findings.counted) / steps <= MEAN_CYCLES[core]


@every_core
def test_three_ways_of_counting_and_two_simulators_agree(core: str) -> None:
    """Counters, test bench and waveform in Icarus; step by step and stage by stage, as in Verilator."""
    requests = sampled_requests(core, 2)
    outcome, recorded = run_bench(
        compiled(core, Simulator.ICARUS), design(core), "cosim.core.bench_names",
        name="agree", requests=requests, waves=True,
    )
    assert outcome.waveform is not None
    assert compare_recorded(recorded.counted, read_requests(outcome.waveform, CORES[core])) == []
    outcome.waveform.unlink()
    model = compiled(core, Simulator.VERILATOR)
    _, other = run_bench(model, design(core), "cosim.core.bench_names", name="agree", requests=requests)
    assert other.counted == recorded.counted
    for counted in other.counted:
        assert sum(counted.step_cycles) == sum(counted.stages) == counted.cycles


def test_every_core_has_a_bar() -> None:
    """A new core needs a promise."""
    assert MEAN_CYCLES.keys() == CORES.keys()
