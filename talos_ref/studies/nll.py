"""How well a model predicts words: mean negative log likelihood, and divergence from another model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from talos_ref.model.config import ModelConfig
from talos_ref.model.words import check_words, word_tokens

__all__ = ["Array", "Quality", "padded_tokens", "evaluate", "mean_nll"]

Array = npt.NDArray[np.float64]
"""Real numbers."""
BatchedLogits = Callable[[npt.NDArray[np.int64]], Array]
"""Tokens [name, position] -> real logits [name, position, vocab]."""

BATCH = 512


@dataclass(frozen=True, kw_only=True)
class Quality:
    """Means over all predicted characters, the BOS that ends a word included."""

    nll: float
    """Negative log likelihood in nats."""
    kl: float
    """KL(reference ‖ model) in nats; 0 without a reference."""
    characters: int
    """Predictions counted."""


def padded_tokens(words: Sequence[str], config: ModelConfig) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return inputs [name, block] padded with BOS, and targets [name, block] with −1 where nothing is predicted.

    BOS + word + BOS gives one prediction a letter and one for the end, and at most ``block_size`` of them: a longer
    word is cut (`words.word_tokens`). Raises ValueError as `words.check_words`.
    """
    check_words(words, config, truncate=True)
    inputs = np.full((len(words), config.block_size), config.bos)
    targets = np.full((len(words), config.block_size), -1)
    for row, word in enumerate(words):
        tokens = word_tokens(word, config)
        inputs[row, : len(tokens) - 1] = tokens[:-1]
        targets[row, : len(tokens) - 1] = tokens[1:]
    return inputs, targets


def _log_softmax(logits: Array) -> Array:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def evaluate(
    words: Sequence[str], config: ModelConfig, model: BatchedLogits, reference: BatchedLogits | None = None
) -> Quality:
    """Return the quality of ``model`` on ``words``, measured against ``reference`` where given.

    Both take inputs as `padded_tokens` makes them; logits of a fixed-point model are divided by 2^fraction first.
    """
    inputs, targets = padded_tokens(words, config)
    nll = kl = 0.0
    for start in range(0, len(words), BATCH):
        batch, wanted = inputs[start : start + BATCH], targets[start : start + BATCH]
        used = wanted >= 0
        log_q = _log_softmax(model(batch)[used])  # [prediction, vocab]
        nll -= float(log_q[np.arange(len(log_q)), wanted[used]].sum())
        if reference is not None:
            log_p = _log_softmax(reference(batch)[used])
            kl += float((np.exp(log_p) * (log_p - log_q)).sum())
    characters = int((targets >= 0).sum())
    return Quality(nll=nll / characters, kl=kl / characters, characters=characters)


def mean_nll(words: Sequence[str], config: ModelConfig, model: BatchedLogits) -> float:
    """Return the mean negative log likelihood in nats per predicted character."""
    return evaluate(words, config, model).nll
