"""What a barrel takes of the device's DSP blocks and memory blocks, from its configuration alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from amaranth.hdl import Shape

from hdl.core.barrel.draw import drawn_layout, random_layout
from hdl.core.barrel.head import Head, entry_layout
from hdl.core.barrel.jobs import (
    Part,
    attended_layout,
    blocks_of,
    job_layout,
    logits_layout,
    products_layout,
    scored_layout,
    stored_layout,
    vector_layout,
)  # fmt: skip
from hdl.core.barrel.matrix import Matrix
from hdl.core.barrel.memory import LEAST_DEPTH
from hdl.core.barrel.scores import Scores
from hdl.core.barrel.streams import state_layout
from hdl.core.barrel.sums import Sums
from hdl.core.config import CoreConfig
from hdl.units.format import index_shape, shape_of
from hdl.units.gumbel_noise import GumbelNoise
from hdl.units.multipliers import BankLayout, bank_layout, matrix_layout
from hdl.units.registry import attention_divide_of

__all__ = ["bank_layouts", "barrel_memories"]


def bank_layouts(config: CoreConfig) -> dict[str, BankLayout]:
    """Return bank -> its multipliers, and how they lie in DSP blocks."""
    return {
        "attention": bank_layout([Scores.port(config), *Sums.ports(config)]),
        "matrix": bank_layout([Matrix.port(config)]),
        "head": bank_layout(Head.ports(config)),
    }


def barrel_memories(config: CoreConfig) -> Iterator[tuple[str, int, int, bool]]:
    """Yield name, words, bits of a word, and whether it is written, of every memory that may be in memory blocks."""

    def width(layout: Any) -> int:
        bits: int = Shape.cast(layout).width
        return bits

    def padded(count: int) -> int:
        return 1 << (count - 1).bit_length()

    model, arithmetic, streams = config.model, config.arithmetic, config.streams
    sampler: Any = arithmetic.sampler
    blocks = blocks_of(config)
    places = streams * padded(model.block_size)
    inputs = model.vocab_size * padded(model.block_size)
    steps = sum(blocks.values())
    sums = width(products_layout(config)["sums"].shape)
    yield "queries", inputs, width(vector_layout(config)), False
    yield "pairs", inputs, 2 * width(vector_layout(config)), False
    yield "addends", inputs * padded(steps), config.tile_rows * arithmetic.logit.width, False
    yield "weights", steps, width(matrix_layout(shape_of(config.word), config.tile_rows, model.n_embd)), False
    yield "folded", blocks[Part.HIDDEN] * padded(config.tile_rows), model.vocab_size * config.word.width, False
    division = arithmetic.attention.divide
    if (table := attention_divide_of(division).rom(division)) is not None:
        for head in range(model.n_head):
            yield f"divide {head}", *table, False
    for lane in range(min(config.sampler_lanes, model.vocab_size)):
        yield f"noise {lane}", *GumbelNoise.rom(sampler), False
    written = {
        "keys": (places, vector_layout(config)),
        "values": (places, vector_layout(config)),
        "scores": (places, stored_layout(config)),
        "jobs": (streams, job_layout(config)),
        "scored": (streams, scored_layout(config)),
        "attended": (streams, attended_layout(config)),
        "hidden units": (streams * padded(blocks[Part.HIDDEN]), entry_layout(config)),
        "scales": (streams, shape_of(arithmetic.rmsnorm.scale_format)),
        "logits": (streams, logits_layout(config)["logits"].shape),
        "waiting": (streams, index_shape(streams)),
        "firsts": (streams, index_shape(streams)),
        "drawn": (streams, drawn_layout(config)),
        "states": (streams, state_layout(config)),
        "randoms": (streams, random_layout()),
    }
    for name, (depth, layout) in written.items():
        yield name, max(depth, LEAST_DEPTH), width(layout), True
    for block in range(blocks[Part.LOGITS]):
        yield f"sums {block}", max(streams, LEAST_DEPTH), sums, True
