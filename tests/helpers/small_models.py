"""Small models of the shape that kernels are written for: random weights, as many letters and positions as wanted."""

from __future__ import annotations

import numpy as np

from talos_ref.model.checkpoint import Checkpoint, default_checkpoint
from talos_ref.model.config import ModelConfig

__all__ = ["MODELS", "small"]


def small(alphabet: str, block_size: int, seed: int = 3, spread: float = 0.15) -> Checkpoint:
    """Return a checkpoint of normally distributed weights."""
    config = ModelConfig(alphabet=alphabet, block_size=block_size)
    rng = np.random.default_rng(seed)
    return Checkpoint(config, {n: rng.normal(0, spread, s).astype(np.float32) for n, s in config.shapes().items()})


MODELS = {
    "shipped": default_checkpoint(),
    "five tokens": small("abcd", 7),
    "six tokens": small("abcde", 13),
    # As many as a kernel takes, and weights with which it takes them.
    "32 tokens": small("abcdefghijklmnopqrstuvwxyzåæðøþ", 16, spread=0.1),
}
