"""What the co-simulation tests share: one Verilog a core, compiled once a simulator, beside those of make sim."""

from __future__ import annotations

from functools import cache

from cosim.core.request import Request, name_request
from cosim.core.verify import Generated, compile_design, generate
from cosim.coverage import stimulus
from cosim.engine.compile import Model
from cosim.engine.simulators import Simulator
from hdl.core.cores import core_config
from tests.helpers.designs import published

__all__ = ["compiled", "generated", "mixed_requests", "sampled_requests"]


@cache
def generated(core: str) -> Generated:
    """Return a core's Verilog."""
    return generate(published(core))


@cache
def compiled(core: str, kind: Simulator) -> Model:
    """Return a core, compiled; Icarus can always record waveforms."""
    return compile_design(kind, generated(core), waves=kind is Simulator.ICARUS)


def sampled_requests(core: str, count: int) -> list[Request]:
    """Return the names of seeds 1 to ``count`` at temperature 0.5, which the published figures are for."""
    limit = core_config(core).model.max_letters
    return [name_request(seed, 0x80, limit) for seed in range(1, count + 1)]


def mixed_requests(core: str, count: int) -> list[Request]:
    """Return names of seeds over all 32 bits, at every temperature that the core has, each tenth one greedy."""
    return stimulus.mixed_requests(core_config(core), count)
