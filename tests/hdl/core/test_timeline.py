"""The printed cycle table against the simulation: every step takes the cycles that the latencies add up to."""

from __future__ import annotations

from collections import Counter

import pytest

from cosim.core.bench_run import run_bench
from cosim.core.request import name_request, step_request
from cosim.core.verify import NAMES_BENCH, compile_design, generate
from cosim.engine.simulators import Simulator
from hdl.core.config import CORES, CoreConfig
from hdl.core.core import Core
from hdl.core.interface import Stage
from hdl.core.timeline import stage_cycles, timeline
from talos_ref.golden.generate import steps
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.model.checkpoint import default_checkpoint
from talos_ref.model.config import ModelConfig
from tests.helpers.core_bench import Script, lock_step, random_checkpoint
from tests.helpers.designs import design_of, published

NAMES = 60


class Observed(IntegerModel):
    """Remembers the hidden units of the last layer."""

    units: list[int]

    def hidden(self, x: list[int], attended: list[int], layer: int) -> list[int]:
        self.units = super().hidden(x, attended, layer)
        return self.units


@pytest.mark.parametrize("name", CORES)
def test_steps_take_the_cycles_of_the_timeline(name: str) -> None:
    checkpoint = default_checkpoint()
    config = CORES[name]
    core, model = Core(published(config.name)), Observed(checkpoint, config.arithmetic)
    # Temperature 2 gives long names, and so positions in the cache's second row.
    requests = [name_request(seed, 0x200 if seed % 2 else 0x80, 15) for seed in range(1, NAMES + 1)]
    built = compile_design(Simulator.VERILATOR, generate(published(name)))
    findings = run_bench(built, published(name), NAMES_BENCH, requests=requests)
    longest = 0
    for request, counted in zip(requests, findings.counted, strict=True):
        stages: Counter[Stage] = Counter()
        golden = steps(model, seed=request.seed, temperature=request.temperature)
        for step, measured in zip(golden, counted.step_cycles, strict=True):
            units = [model.units[unit] > 0 for unit in core.hidden_order]
            blocks = [sum(units[first : first + config.tile_rows]) for first in range(0, len(units), config.tile_rows)]
            done = timeline(core, step.pos, blocks)
            assert measured == done[-1].cycle, (
                f"seed {request.seed}, position {step.pos}, non-zero hidden units {blocks}: "
                f"expected {done[-1].cycle} cycles, not {measured}"
            )
            stages.update(stage_cycles(done))
            longest = max(longest, step.pos)
        assert [stages[stage] for stage in Stage] == list(counted.stages), f"seed {request.seed}: cycles by stage"
    assert longest >= 9


@pytest.mark.parametrize("arithmetic_name", ["precise", "talos-v2"])
def test_query_after_value_and_dense_head(arithmetic_name: str) -> None:
    """Two layers whose query comes last, and a head that the tile makes: no cycle depends on the hidden units."""
    model = ModelConfig(alphabet="abcde", block_size=5, n_embd=8, n_head=2, mlp_dim=12, n_layer=2)
    config = CoreConfig(
        name="any", arithmetic_name=arithmetic_name, tile_rows=4, tile_columns=3, attention_positions=2, model=model,
        share_multipliers=True, sparse_head=False,
    )  # fmt: skip
    assert config.query_last
    checkpoint = random_checkpoint(model, 1)
    core = Core(design_of(config, checkpoint))
    positions = range(model.block_size)
    scripts = [Script(request=step_request(1, 0x80, 0, position)) for position in positions]
    expected = Counter[Stage]()
    for position in positions:
        expected.update(stage_cycles(timeline(core, position)))
    assert lock_step(config, checkpoint, scripts).stages == expected
