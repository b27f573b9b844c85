"""The requests of the random tests, and those of a campaign's names."""

from __future__ import annotations

from cosim.barrel.batch import Batch
from cosim.core.request import Request, name_request, step_request
from hdl.core.config import CoreConfig

__all__ = [
    "TEMPERATURES", "campaign_batches", "campaign_requests", "every_token", "mixed_batches", "mixed_requests"
]  # fmt: skip

TEMPERATURES = (
    *(0x80, 0, 0x0F, 0x10, 0x40, 0x81, 0x100, 0x101, 0x200, 0x201, 0x400, 0x800, 0x1000, 0x1001, 0xFFFF),
)
"""UQ8.8: the default, both sides of what a sampler distinguishes, and what it draws with another temperature for."""
_CAMPAIGN = (0x80, 0x100, 0x200)


def _seed(index: int) -> int:
    """Return seeds over all 32 bits."""
    return 0x9E3779B9 * (index + 1) & 0xFFFFFFFF


def mixed_requests(core: CoreConfig, count: int) -> list[Request]:
    """Return names of seeds over all 32 bits, each tenth one greedy, at all temperatures that names have golden forms
    side by side for."""
    sampler, limit = core.arithmetic.sampler, core.model.max_letters
    used = {value: sampler.honoured(value) for value in TEMPERATURES}
    values = [value for value in used if not used[value] or used[value] <= sampler.max_temperature]
    return [
        name_request(_seed(index), values[index % len(values)], limit, greedy=index % 10 == 9)
        for index in range(count)
    ]


def every_token(core: CoreConfig) -> list[Request]:
    """Return direct steps with every token at every position: for each token the whole cache, one token further on."""
    tokens, block = core.model.vocab_size, core.model.block_size
    return [
        step_request(_seed(first * block + position), TEMPERATURES[(first + position) % len(TEMPERATURES)],
                     (first + position) % tokens, position)
        for first in range(tokens) for position in range(block)
    ]  # fmt: skip


def campaign_requests(core: CoreConfig, count: int) -> list[Request]:
    """Return the names of seeds from 1 on, ``count`` in all, at the temperatures of a campaign: 0.5, 1 and 2."""
    values, limit = _CAMPAIGN, core.model.max_letters
    return [name_request(1 + index // len(values), values[index % len(values)], limit) for index in range(count)]


def mixed_batches(core: CoreConfig, count: int) -> list[Batch]:
    """Return batches of seeds over all 32 bits, at all temperatures and limits, of one name to three a stream."""
    longest = core.model.max_letters
    return [
        Batch(seed=_seed(index), count=1 + 5 * index % (3 * core.streams),
              temperature=TEMPERATURES[index % len(TEMPERATURES)], limit=longest - index % 3 * index % longest)
        for index in range(count)
    ]  # fmt: skip


def campaign_batches(core: CoreConfig, count: int) -> list[Batch]:
    """Return a batch for each temperature of a campaign, together ``count`` names of seeds from 1 on."""
    shares = [len(range(first, count, len(_CAMPAIGN))) for first in range(len(_CAMPAIGN))]
    return [
        Batch(seed=1, count=share, temperature=value, limit=core.model.max_letters)
        for share, value in zip(shares, _CAMPAIGN, strict=True) if share
    ]  # fmt: skip
