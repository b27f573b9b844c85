"""The requests of the random tests, and those of a campaign's names."""

from __future__ import annotations

from cosim.core.request import Request, name_request
from hdl.core.config import CoreConfig

__all__ = ["campaign_requests", "legal_temperatures", "mixed_requests"]

_TEMPERATURES = (0x80, 0, 0x10, 0x40, 0x81, 0x100, 0x101, 0x200, 0x201, 0x400, 0x1000, 0xFFFF)
"""UQ8.8: the default, the ends of both arithmetics' ranges, and both sides of the buckets of talos-v2."""


def legal_temperatures(core: CoreConfig) -> list[int]:
    """Return those of the tests' temperatures that a core has, UQ8.8."""
    sampler = core.arithmetic.sampler
    return [
        value
        for value in _TEMPERATURES
        if sampler.min_temperature <= value <= sampler.max_temperature or (value == 0 and sampler.greedy_at_zero)
    ]


def mixed_requests(core: CoreConfig, count: int) -> list[Request]:
    """Return names of seeds over all 32 bits, at every temperature that the core has, each tenth one greedy."""
    legal, limit = legal_temperatures(core), core.model.max_letters
    return [
        name_request(0x9E3779B9 * (index + 1) & 0xFFFFFFFF, legal[index % len(legal)], limit, greedy=index % 10 == 9)
        for index in range(count)
    ]


def campaign_requests(core: CoreConfig, count: int) -> list[Request]:
    """Return the names of seeds from 1 on, ``count`` in all, at the temperatures of a campaign: 0.5, 1 and 2."""
    values, limit = (0x80, 0x100, 0x200), core.model.max_letters
    return [name_request(1 + index // len(values), values[index % len(values)], limit) for index in range(count)]
