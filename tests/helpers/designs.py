"""Designs that several tests share: every named core with the committed checkpoint."""

from __future__ import annotations

from functools import cache

import numpy as np

from hdl.core.config import CLOCK_HZ, CoreConfig
from hdl.core.cores import core_config
from hdl.design import Design, make_design
from talos_ref.golden.format import Q5_12
from talos_ref.model.checkpoint import Checkpoint, default_checkpoint
from talos_ref.model.config import ModelConfig

__all__ = ["design_of", "published", "small_design", "tiny_design"]


@cache
def published(core: str) -> Design:
    """Return a named core with the committed checkpoint."""
    return make_design(core, default_checkpoint())


def small_design(alphabet: str) -> Design:
    """Return a design with random weights, seven positions and words of Q5.12; its hidden units keep their order."""
    model = ModelConfig(alphabet=alphabet, block_size=7, n_embd=8, n_head=2, mlp_dim=12)
    rng = np.random.default_rng(3)
    tensors = {name: rng.normal(0, 0.4, shape).astype(np.float32) for name, shape in model.shapes().items()}
    return design_of(core_config("wide", model, Q5_12), Checkpoint(model, tensors))


@cache
def tiny_design() -> Design:
    """Return a design of two letters, one of which seven segments cannot form, that is compiled in half a minute."""
    model = ModelConfig(alphabet="nあ", block_size=5, n_embd=4, n_head=1, mlp_dim=6)
    rng = np.random.default_rng(3)
    tensors = {name: rng.normal(0, 0.4, shape).astype(np.float32) for name, shape in model.shapes().items()}
    return design_of(core_config("tile16", model), Checkpoint(model, tensors))


def design_of(config: CoreConfig, checkpoint: Checkpoint) -> Design:
    """Return a design whose hidden units stay in their own order, which spares the search for a better one."""
    order = tuple(range(config.model.mlp_dim))
    return Design(core=config, checkpoint=checkpoint, clock_hz=CLOCK_HZ, hidden_order=order)
