"""Small models of the shape that kernels are written for: random weights, few letters and any length of a name."""

from __future__ import annotations

import numpy as np

from talos_ref.model.checkpoint import Checkpoint, default_checkpoint
from talos_ref.model.config import ModelConfig

__all__ = ["MODELS", "small"]


def small(alphabet: str, block_size: int, seed: int = 3) -> Checkpoint:
    """Return a checkpoint of normally distributed weights."""
    config = ModelConfig(alphabet=alphabet, block_size=block_size)
    rng = np.random.default_rng(seed)
    return Checkpoint(config, {n: rng.normal(0, 0.15, s).astype(np.float32) for n, s in config.shapes().items()})


MODELS = {"shipped": default_checkpoint(), "five tokens": small("abcd", 7), "six tokens": small("abcde", 13)}
"""Odd and even numbers of tokens; no two blocks are of one size."""
