"""Names drawn by Python's generator from any model: the samples that a study shows."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from talos_ref.golden.float_ops import softmax
from talos_ref.model.config import ModelConfig

__all__ = ["NextLogits", "sample_names"]

NextLogits = Callable[[list[int]], npt.ArrayLike]
"""Tokens so far, BOS first -> real logits [vocab] of the token that comes next."""


def sample_names(
    next_logits: NextLogits, config: ModelConfig, *, seed: int, temperature: float, count: int
) -> list[str]:
    """Return ``count`` names, each token drawn by ``random.Random(seed).choices``, one generator for all names.

    A name ends at BOS or after ``config.max_letters`` letters. The draws are those of `float_model.names_by_choices`.
    """
    rng, names = random.Random(seed), []
    for _ in range(count):
        tokens = [config.bos]
        while len(tokens) <= config.max_letters:
            logits = np.asarray(next_logits(tokens), dtype=np.float64)
            token = rng.choices(range(config.vocab_size), weights=softmax(logits / temperature).tolist())[0]
            if token == config.bos:
                break
            tokens.append(token)
        names.append(config.decode(tokens))
    return names
