"""The register block over a scripted core: any accesses at any times, against the model."""

from __future__ import annotations

import random
from typing import Any

import pytest
from register_bench import drive
from streams import seed

from cosim.register_host import RegisterHost
from cosim.register_traffic import EVENTS, direct_step, published_name, random_traffic, restarts
from hdl.config import core_config

every_arithmetic = pytest.mark.parametrize("core", ["tile16", "fused"])


def check(model: Any) -> None:
    assert not model.mismatches, "\n".join(map(str, model.mismatches[:20]))


@every_arithmetic
def test_any_accesses(core: str) -> None:
    """At random, with gaps and without, resets in between; everything that can go wrong comes up."""
    draw = random.Random(seed())

    async def bench(host: RegisterHost) -> None:
        await random_traffic(host, draw, 2500, step_cycles=8)

    model = drive(core_config(core), draw.getrandbits(32), bench)
    check(model)
    assert not [event for event in EVENTS if event not in model.events]


def test_names_restarted_in_any_cycle() -> None:
    draw = random.Random(seed())

    async def bench(host: RegisterHost) -> None:
        await restarts(host, draw, 60, step_cycles=8)

    model = drive(core_config("fused"), draw.getrandbits(32), bench)
    check(model)
    assert model.events["name"] >= 60


def test_the_published_host() -> None:
    async def bench(host: RegisterHost) -> None:
        for name in range(5):
            letters, _ = await published_name(host, name, 0x80, 15, pause=name)
            assert letters
        logits = await direct_step(host, 26, 0, clear=True, pause=3)
        assert len(set(logits)) > 20

    check(drive(core_config("tile16"), 1, bench))
