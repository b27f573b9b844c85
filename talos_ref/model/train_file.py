"""From a file of words to a checkpoint: which model the words need, and its training."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from talos_ref.files import check_writable
from talos_ref.model.checkpoint import Checkpoint, save
from talos_ref.model.config import ModelConfig
from talos_ref.model.train import SEED, STEPS, train_words
from talos_ref.model.word_report import WordReport
from talos_ref.model.words import WordList, names_path, read_words
from talos_ref.progress import progress_bar

__all__ = ["MAX_FITTED_BLOCK", "Training", "read_training_words", "train_file"]

MAX_FITTED_BLOCK = 64
"""Largest block that is chosen for the words' sake: what a circuit takes. A larger one must be asked for."""
AVERAGED = 100
"""Steps whose mean loss is shown: the loss of one word alone says little."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """A trained checkpoint and what it was trained on."""

    checkpoint: Checkpoint
    report: WordReport
    loss: float
    """Mean over the last steps, 100 at most, in nats per prediction."""


def read_training_words(
    names: str | Path | None = None, *, truncate: bool = False, alphabet: str | None = None, **dimensions: int
) -> tuple[WordList, ModelConfig]:
    """Return the words of a file (`words.names_path`) and a model that holds them.

    The alphabet is that of the words, sorted, and the block is 16, or as long as the longest word needs, up to 64;
    both give way to ``alphabet`` and to ``dimensions``, fields of ModelConfig. With ``truncate`` the block stays 16 and
    longer words are to be cut. Raises OSError if the words cannot be had, WordListError if they do not fit, and
    TypeError or ValueError as ModelConfig.
    """
    # The dimensions first: what is wrong with them does not depend on the words.
    asked = ModelConfig(alphabet=alphabet or "a", **dimensions)
    most = asked.block_size if truncate or "block_size" in dimensions else MAX_FITTED_BLOCK
    words = read_words(names_path(names), alphabet=alphabet, block_size=most, truncate=truncate)
    if "block_size" not in dimensions and not truncate:
        dimensions["block_size"] = max(asked.block_size, words.report.block_size)
    return words, ModelConfig(alphabet=alphabet or words.report.alphabet, **dimensions)


def train_file(
    names: str | Path | None,
    out: str | Path,
    *,
    steps: int = STEPS,
    seed: int = SEED,
    truncate: bool = False,
    alphabet: str | None = None,
    **dimensions: int,
) -> Training:
    """Train on a file of words, write the checkpoint to ``out`` and return it; options as `read_training_words`.

    Draws a progress bar with the loss on a terminal. Raises OSError, before anything is trained, if ``out`` cannot be
    written, and what `read_training_words` and `train_words` raise.
    """
    check_writable(out)
    words, config = read_training_words(names, truncate=truncate, alphabet=alphabet, **dimensions)
    losses: deque[float] = deque(maxlen=AVERAGED)
    with progress_bar("train", steps) as report:

        def show(done: int, loss: float) -> None:
            losses.append(loss)
            if done % 10 == 0 or done == steps:
                report(done, f"loss {fmean(losses):.3f}")

        checkpoint = train_words(words.words, config, steps, seed, show, truncate=truncate)
    save(checkpoint, out)
    return Training(checkpoint=checkpoint, report=words.report, loss=fmean(losses))
