"""What the co-simulation tests share: one Verilog a core, compiled once a simulator, beside those of make sim."""

from __future__ import annotations

from functools import cache

from cosim.core.request import Request, name_request
from cosim.core.verify import Generated, compile_design, generate
from cosim.engine.compile import Model
from cosim.engine.simulators import Simulator
from hdl.core.cores import core_config
from tests.helpers.designs import published

__all__ = ["compiled", "generated", "mixed_requests", "sampled_requests"]

_TEMPERATURES = (0x80, 0, 0x10, 0x40, 0x81, 0x100, 0x101, 0x200, 0x201, 0x400, 0x1000, 0xFFFF)
"""UQ8.8: the default, the ends of both arithmetics' ranges, and both sides of the buckets of talos-v2."""


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
    config = core_config(core)
    sampler, limit = config.arithmetic.sampler, config.model.max_letters
    legal = [
        value
        for value in _TEMPERATURES
        if sampler.min_temperature <= value <= sampler.max_temperature or (value == 0 and sampler.greedy_at_zero)
    ]
    return [
        name_request(0x9E3779B9 * (index + 1) & 0xFFFFFFFF, legal[index % len(legal)], limit, greedy=index % 10 == 9)
        for index in range(count)
    ]
