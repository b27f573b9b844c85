"""The ports of a core with several streams: batches in, results of all streams out, counters and digest beside."""

from __future__ import annotations

from typing import Any

from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.core.config import CoreConfig
from hdl.core.interface import ROM_CHECK
from hdl.units.format import index_shape, shape_of
from talos_ref.golden.digest import DIGEST_BITS
from talos_ref.golden.sampler import TEMPERATURE

__all__ = ["COUNTERS", "BarrelSignature", "batch_layout", "result_layout", "tap_layout"]

COUNTERS = data.StructLayout({"cycles": 48, "steps": 48, "letters": 48, "digest": DIGEST_BITS})
"""They count from the last batch on that was accepted while no stream was busy.

``cycles`` in which a stream was busy; ``steps``, the one that draws BOS too; ``letters``; ``digest`` of all steps, see
``talos_ref.golden.digest``.
"""


def batch_layout(config: CoreConfig) -> data.StructLayout:
    """Return the payload of a batch: ``count`` names of the seeds from ``seed`` on.

    ``temperature``: UQ8.8, 0 is greedy; ``limit``: letters at most, 1 to block_size - 1.
    """
    return data.StructLayout(
        {"seed": 32, "count": 32, "temperature": shape_of(TEMPERATURE), "limit": range(config.model.block_size)}
    )


def result_layout(config: CoreConfig) -> data.StructLayout:
    """Return the payload of a step's result: its stream, the seed of its name, its position, and the token drawn."""
    model = config.model
    return data.StructLayout(
        {
            "stream": index_shape(config.streams),
            "seed": 32,
            "position": range(model.block_size),
            "token": range(model.vocab_size),
            "last": 1,
        }
    )


def tap_layout(config: CoreConfig) -> data.StructLayout:
    """Return what a test bench sees of a step beside its result: stream, logits, and the random state drawn with."""
    logits = data.ArrayLayout(shape_of(config.arithmetic.logit), config.model.vocab_size)
    return data.StructLayout({"stream": index_shape(config.streams), "rng": 32, "logits": logits})


class BarrelSignature(wiring.Signature):
    """The ports of the core.

    Members
    -------
    batch : In(stream)
        Accepted when all seeds of the batch before it have been handed out. An illegal one (no names, or a limit that
        is 0 or too large) is accepted, raises ``error`` and runs nothing.
    result : Out(stream)
        One transfer a step, the steps of a stream in order. A stream whose result isn't taken waits, and in time all.
    tap_valid, tap : Out(1), Out(tap_layout)
        Only with ``tap``: valid for one cycle a step, in the order of the results and before them.
    clear : In(1)
        Abandons all batches, in any cycle.
    busy, error : Out(1)
        A stream is at work, or seeds are left. ``error`` holds from an illegal batch to the next one.
    counters : Out(COUNTERS)
    rom_passed, rom_corrupt : Out(1)
        As of ``hdl.core.interface.CoreSignature``.
    """

    def __init__(self, config: CoreConfig, *, tap: bool = True) -> None:
        members: dict[str, Any] = {
            "batch": In(stream.Signature(batch_layout(config))),
            "result": Out(stream.Signature(result_layout(config))),
            "clear": In(1),
            "busy": Out(1),
            "error": Out(1),
            "counters": Out(COUNTERS),
        }
        if tap:
            members |= {"tap_valid": Out(1), "tap": Out(tap_layout(config))}
        super().__init__(members | (ROM_CHECK if config.scrub else {}))
