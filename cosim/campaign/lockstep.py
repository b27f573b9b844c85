"""Shards of the lock step: a core's generated Verilog in a simulator beside the golden model."""

from __future__ import annotations

from typing import Any

from cosim.barrel.verify import name_batch, verify_batch
from cosim.campaign.shard import Outcome, Shard, Status
from cosim.core.checker import Mismatch
from cosim.core.verify import generate, verify
from cosim.engine.simulators import describe, simulator
from cosim.simulate import name_requests
from hdl.design import Design

__all__ = ["made_of", "run"]


def made_of(shard: Shard, design: Design) -> dict[str, Any]:
    """Return what simulates it, the SHA-256 of the very Verilog, generated if need be, and what else answers."""
    found = {"simulator": describe(simulator(shard.simulator)), "verilog": generate(design).sha256}
    if shard.reference != "c":
        return found
    # Late: only who asks for it needs the extension.
    from cosim.campaign import kernels

    return found | kernels.made_of(shard, design)


def run(shard: Shard, design: Design) -> Outcome:
    """Make every name in the simulator and compare all outputs; SimulatorError if a tool fails."""
    runs = _batch if design.core.streams > 1 else _names
    return runs(shard, design)


def _names(shard: Shard, design: Design) -> Outcome:
    requests = name_requests(design.core, shard.seed, shard.names, shard.temperature)
    found = verify(
        simulator(shard.simulator), generate(design), requests, recorded=0, report=lambda what, done, total: None,
        reference=shard.reference,
    )  # fmt: skip
    return _outcome(found.steps, found.values, found.mismatch, found.cycles, found.verilog_sha256)


def _batch(shard: Shard, design: Design) -> Outcome:
    batch = name_batch(design.core, shard.seed, shard.names, shard.temperature)
    found = verify_batch(design, simulator(shard.simulator), batch, reference=shard.reference)
    if found.mismatch is not None:
        # The counters are those of a batch that has ended.
        return _outcome(0, found.values, found.mismatch, 0, found.verilog_sha256)
    return _outcome(found.steps, found.values, None, found.cycles, found.verilog_sha256)


def _outcome(steps: int, values: int, mismatch: dict[str, Any] | None, cycles: int, sha256: str) -> Outcome:
    figures = {"cycles": cycles, "verilog_sha256": sha256}
    if mismatch is None:
        return Outcome(status=Status.PASSED, steps=steps, values=values, figures=figures)
    said = str(Mismatch(**mismatch))
    return Outcome(status=Status.DIFFERS, steps=steps, values=values, said=said, figures=figures)
