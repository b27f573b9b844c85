"""The ports of a core: a request in, a result a step out, counters beside."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.units.format import shape_of
from talos_ref.golden.format import Format
from talos_ref.golden.sampler import TEMPERATURE
from talos_ref.model.config import ModelConfig

__all__ = ["Mode", "ROM_CHECK", "Stage", "COUNTERS", "CoreSignature", "request_layout", "result_layout"]


class Mode(IntEnum):
    """What a request asks for."""

    NAME = 0
    """A whole name from BOS; every drawn token is fed back."""
    STEP = 1
    """One step with the token and position given (direct mode)."""


class Stage(IntEnum):
    """What the core waits for or works on; every busy cycle belongs to exactly one stage."""

    IDLE = 0
    NORM = 1
    QKV = 2
    ATTENTION = 3
    WO = 4
    FC1 = 5
    FC2 = 6
    LM_HEAD = 7
    SAMPLE = 8
    STALL = 9
    """A finished step waits for its consumer."""


COUNTERS = data.StructLayout(
    {"cycles": 32, "steps": 32, "letters": 32, "stages": data.ArrayLayout(32, len(Stage))}
)
"""Performance counters; they count from the last accepted request on, and stop with its last step.

``cycles`` from the request's acceptance to that of the last result, the sum of ``stages``, which is indexed by
``Stage`` and whose ``IDLE`` stays 0; ``steps``; ``letters``.
"""


ROM_CHECK = {"rom_passed": Out(1), "rom_corrupt": Out(1)}
"""The ports of a core that scrubs its ROMs."""


def request_layout(config: ModelConfig) -> data.StructLayout:
    """Return the payload of a request.

    ``mode``; ``seed``: random state before the first step (0 stands for ``ZERO_STATE``); ``temperature``: UQ8.8;
    ``greedy``: take the argmax and leave the random state alone; ``limit``: letters at most, 1 to block_size - 1
    (NAME); ``token`` and ``position``: input of the step (STEP), where ``position`` is at most the number of cached
    positions.
    """
    return data.StructLayout(
        {
            "mode": Mode,
            "seed": 32,
            "temperature": shape_of(TEMPERATURE),
            "greedy": 1,
            "limit": range(config.block_size),
            "token": range(config.vocab_size),
            "position": range(config.block_size),
        }
    )


def result_layout(config: ModelConfig, word: Format) -> data.StructLayout:
    """Return the payload of a step's result: its input, what was drawn, and the random state after it."""
    return data.StructLayout(
        {
            "position": range(config.block_size),
            "token_in": range(config.vocab_size),
            "token_out": range(config.vocab_size),
            "argmax": range(config.vocab_size),
            "top_logit": shape_of(word),
            "rng": 32,
            "last": 1,
        }
    )


class CoreSignature(wiring.Signature):
    """The ports of a core.

    Members
    -------
    request : In(stream)
        Accepted when the core is idle. An illegal one (limit 0, token beyond the vocabulary, position beyond the
        cache) is accepted, raises ``error`` and runs nothing.
    result : Out(stream)
        One transfer a step. A core that is not relieved of a result stalls with ``logits`` unchanged.
    logits : Out(array of words)
        The logits of the step whose result is offered.
    clear : In(1)
        Abandons the request and empties the cache, in any cycle.
    busy, error : Out(1)
        ``error`` holds from an illegal request to the next one.
    stage : Out(Stage)
        What the cycle is counted as.
    counters : Out(COUNTERS)
        See there.
    rom_passed, rom_corrupt : Out(1)
        Only with ``scrub``: ``passed`` and ``corrupt`` of ``hdl.units.rom_scrubber``, whose passes end with a request
        and with ``clear``.
    """

    def __init__(self, config: ModelConfig, word: Format, *, scrub: bool = False) -> None:
        members: dict[str, Any] = {
            "request": In(stream.Signature(request_layout(config))),
            "result": Out(stream.Signature(result_layout(config, word))),
            "logits": Out(data.ArrayLayout(shape_of(word), config.vocab_size)),
            "clear": In(1),
            "busy": Out(1),
            "error": Out(1),
            "stage": Out(Stage),
            "counters": Out(COUNTERS),
            **(ROM_CHECK if scrub else {}),
        }
        super().__init__(members)
