"""The first stage: the words, the model that holds them, and its weights."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from statistics import fmean

from cosim.names.order import Order
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig
from talos_ref.model.train import train_words
from talos_ref.model.train_file import AVERAGED, read_training_words
from talos_ref.model.words import WordList
from talos_ref.progress import progress_bar

__all__ = ["Trained", "read_list", "train"]


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A checkpoint and how it came about."""

    checkpoint: Checkpoint
    loss: float
    """Mean over the last steps, 100 at most, in nats a character."""
    seconds: float


def read_list(order: Order) -> tuple[WordList, ModelConfig]:
    """Return the words and a model that holds them.

    Raises OSError if the file cannot be read; WordListError, which names everything that is wrong with the words;
    ValueError for dimensions that no model has.
    """
    return read_training_words(
        order.word_list, truncate=order.truncate, alphabet=order.alphabet, **order.dimensions
    )


def train(order: Order, words: WordList, config: ModelConfig) -> Trained:
    """Return the trained model; draws a progress bar with the loss on a terminal."""
    losses: deque[float] = deque(maxlen=AVERAGED)
    started = time.monotonic()
    with progress_bar("train", order.steps) as bar:

        def show(done: int, loss: float) -> None:
            losses.append(loss)
            if done % 10 == 0 or done == order.steps:
                bar(done, f"loss {fmean(losses):.3f}")

        checkpoint = train_words(
            words.words, config, order.steps, order.training_seed, show, truncate=order.truncate
        )
    return Trained(checkpoint=checkpoint, loss=fmean(losses), seconds=time.monotonic() - started)
