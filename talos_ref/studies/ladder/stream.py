"""Words in one line, and windows of it: what the last two steps learn from."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from talos_ref.model.config import ModelConfig
from talos_ref.studies.ladder.functions import cross_entropy
from talos_ref.studies.ladder.tensor import Indices, Tensor

__all__ = ["BATCH", "mean_nll", "random_windows", "stream_of"]

BATCH = 32
_TOGETHER = 256


def stream_of(words: Sequence[str], config: ModelConfig) -> Indices:
    """Return all tokens in one line: BOS, and each word with BOS after it.

    Raises ValueError if that is shorter than a window and its targets.
    """
    tokens = [config.bos]
    for word in words:
        tokens += [*config.encode(word), config.bos]
    if len(tokens) <= config.block_size:
        raise ValueError(f"words must have more than {config.block_size} letters and ends in all; give more words")
    return np.array(tokens)


def random_windows(stream: Indices, length: int, rng: np.random.Generator) -> tuple[Indices, Indices]:
    """Return tokens and the tokens that follow them, both [window, length], from 32 random places."""
    places = rng.integers(0, len(stream) - length, BATCH)[:, None] + np.arange(length)
    return stream[places], stream[places + 1]


def mean_nll(forward: Callable[[Indices], Tensor], stream: Indices, length: int) -> float:
    """Return the mean NLL of a whole stream cut into windows, nats a token; a rest of less than a window is left out.

    The published figures are means over 1,280 random windows, which these stand for without chance.
    """
    windows = (len(stream) - 1) // length
    tokens, wanted = (stream[at : at + windows * length].reshape(windows, length) for at in (0, 1))
    total = 0.0
    for at in range(0, windows, _TOGETHER):
        part = wanted[at : at + _TOGETHER]
        total += float(cross_entropy(forward(tokens[at : at + _TOGETHER]), part).value) * len(part)
    return total / windows
