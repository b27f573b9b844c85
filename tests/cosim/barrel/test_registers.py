"""Batches behind registers: the digest of a simulated board is host_c's."""

from __future__ import annotations

from cosim.barrel.batch import Batch
from cosim.barrel.registers import run_digests
from cosim.engine.simulators import Simulator
from hdl.core.barrel.jobs import blocks_of
from hdl.registers.batch_map import BATCH_VERSION, batch_map
from hdl.registers.published import VERSION
from tests.helpers.barrel_designs import small_barrel


def batches(count: int) -> list[Batch]:
    limit = small_barrel().model.max_letters
    return [
        Batch(seed=1, count=count, temperature=0x80, limit=limit),
        Batch(seed=0xFFFFFFFA, count=count, temperature=0x400, limit=2),
        Batch(seed=77, count=20, temperature=0, limit=limit),
        # Below and above what the sampler honours.
        Batch(seed=78, count=20, temperature=0x0F, limit=limit),
        Batch(seed=79, count=20, temperature=0xFFFF, limit=limit),
    ]


def test_digests() -> None:
    findings = run_digests(small_barrel(), Simulator.ICARUS, batches(60))
    assert findings.steps > 200
    assert findings.counters["cycles"] >= findings.counters["steps"] > 20
    assert sum(blocks_of(small_barrel().core).values()) >= 3


def test_the_map_is_no_single_streams() -> None:
    """A host of one map refuses the other by the upper half of its version; what both have is in the same place."""
    assert BATCH_VERSION >> 16 != VERSION >> 16
    found = batch_map(small_barrel().model)
    assert [found.register(name).address for name in ("id", "control", "status", "seed")] == [0, 8, 0xC, 0x14]
