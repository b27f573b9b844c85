"""Small designs with several streams, which simulators compile in seconds."""

from __future__ import annotations

from functools import cache

from hdl.core.config import CoreConfig
from hdl.core.cores import core_config
from hdl.design import Design
from talos_ref.model.config import ModelConfig
from tests.helpers.core_bench import random_checkpoint
from tests.helpers.designs import design_of

__all__ = ["SMALL", "barrel_config", "small_barrel"]

# No two dimensions are equal, and blocks of tokens and of hidden units are not full.
SMALL = ModelConfig(alphabet="abcdef", block_size=6, n_embd=6, n_head=3, mlp_dim=10)


def barrel_config(model: ModelConfig = SMALL, *, streams: int = 4, rows: int = 4, lanes: int = 3) -> CoreConfig:
    """Return a core of several streams for a model."""
    return CoreConfig(
        name="barrel", arithmetic_name="folded", tile_rows=rows, tile_columns=model.n_embd, sampler_lanes=lanes,
        first_layer_in_rom=True, streams=streams, model=model,
    )  # fmt: skip


@cache
def small_barrel(alphabet: str = "ab") -> Design:
    """Return the named core with a model of few letters and random weights."""
    model = ModelConfig(alphabet=alphabet, block_size=6, n_embd=4, n_head=2, mlp_dim=10)
    return design_of(core_config("barrel", model), random_checkpoint(model, 1))
