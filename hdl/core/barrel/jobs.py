"""What the units of a barrel pass on: the number of a stream, the input of its step, and what has been made of it."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from amaranth.hdl import Cat, Shape, signed
from amaranth.lib import data

from hdl.core.config import CoreConfig
from hdl.units.format import index_shape, shape_of
from hdl.units.registry import softmax_of

__all__ = [
    "Part", "attended_layout", "blocks_of", "job_layout", "logits_layout", "place_of", "products_layout",
    "scored_layout", "stored_layout", "sum_shape", "vector_layout",
]  # fmt: skip


def job_layout(config: CoreConfig) -> data.StructLayout:
    """Return a step on its way: its stream, and its input."""
    model = config.model
    return data.StructLayout(
        {
            "stream": index_shape(config.streams),
            "token": range(model.vocab_size),
            "position": range(model.block_size),
        }
    )


def vector_layout(config: CoreConfig) -> data.ArrayLayout:
    """Return n_embd words."""
    return data.ArrayLayout(shape_of(config.word), config.model.n_embd)


def place_of(config: CoreConfig, stream: Any, position: Any) -> Any:
    """Return the row of a stream's position in a memory of all positions."""
    bits = (config.model.block_size - 1).bit_length()
    return Cat(position[:bits], stream)


def stored_layout(config: CoreConfig) -> data.ArrayLayout:
    """Return what is kept of a position's scores until the largest is known."""
    softmax = softmax_of(config.arithmetic.attention)(config.arithmetic.attention)
    return data.ArrayLayout(softmax.stored_shape, config.model.n_head)


def scored_layout(config: CoreConfig) -> data.StructLayout:
    """Return a job with the largest key of every head."""
    softmax = softmax_of(config.arithmetic.attention)(config.arithmetic.attention)
    return data.StructLayout(
        {"job": job_layout(config), "tops": data.ArrayLayout(softmax.key_shape, config.model.n_head)}
    )


def attended_layout(config: CoreConfig) -> data.StructLayout:
    """Return a job with attention's output."""
    return data.StructLayout({"job": job_layout(config), "attended": vector_layout(config)})


class Part(IntEnum):
    """The matrices that attention's output is multiplied with, in this order."""

    RESIDUAL = 0
    """Wo, for RMSNorm's scale, which takes longest after it."""
    LOGITS = 1
    """lm_head·Wo."""
    HIDDEN = 2
    """fc1·Wo."""


def blocks_of(config: CoreConfig) -> dict[Part, int]:
    """Return part -> blocks of rows, each of which takes a cycle."""
    model = config.model
    rows = {Part.RESIDUAL: model.n_embd, Part.LOGITS: model.vocab_size, Part.HIDDEN: model.mlp_dim}
    return {part: -(-count // config.tile_rows) for part, count in rows.items()}


def sum_shape(config: CoreConfig) -> Shape:
    """Return the shape of a sum of n_embd products and an addend, a logit in Q.24."""
    return signed(2 * config.word.width + (config.model.n_embd - 1).bit_length() + 1)


def products_layout(config: CoreConfig) -> data.StructLayout:
    """Return what a block of rows gives: ``words`` of the residual stream or of hidden units, ``sums`` of logits; which
    ``block`` of a ``part`` it is, and whether the ``last`` one."""
    return data.StructLayout(
        {
            "stream": index_shape(config.streams),
            "part": Part,
            "block": index_shape(max(blocks_of(config).values())),
            "last": 1,
            "words": data.ArrayLayout(shape_of(config.word), config.tile_rows),
            "sums": data.ArrayLayout(sum_shape(config), config.tile_rows),
        }
    )


def logits_layout(config: CoreConfig) -> data.StructLayout:
    """Return a stream with the logits of its step."""
    logits = data.ArrayLayout(shape_of(config.arithmetic.logit), config.model.vocab_size)
    return data.StructLayout({"stream": index_shape(config.streams), "logits": logits})
