"""The smallest design with a tile of several rows: two letters, four multipliers for the projections."""

from __future__ import annotations

from functools import cache

import numpy as np

from hdl.core.config import CoreConfig
from hdl.design import Design
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig
from tests.helpers.designs import design_of

__all__ = ["tiny_design"]


@cache
def tiny_design() -> Design:
    """Return it, with random weights, in the published arithmetic."""
    model = ModelConfig(alphabet="ab", block_size=4, n_embd=4, n_head=1, mlp_dim=4)
    rng = np.random.default_rng(1)
    tensors = {name: rng.normal(0, 0.5, shape).astype(np.float32) for name, shape in model.shapes().items()}
    config = CoreConfig(name="tiny", arithmetic_name="talos-v2", tile_rows=4, tile_columns=1, model=model)
    return design_of(config, Checkpoint(model, tensors))
