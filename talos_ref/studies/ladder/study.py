"""The steps of the ladder in their order, and what is measured of each."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig
from talos_ref.studies.format_choice import choose_format
from talos_ref.studies.ladder import autograd_bigram, counting_bigram, four_heads, mlp, neural_bigram, one_head
from talos_ref.studies.ladder.trained import SEED, OnProgress, Trained
from talos_ref.studies.samples import sample_names

__all__ = ["LADDER", "SAMPLES", "Step", "check_enough", "checkpoint_of", "climb"]

SAMPLES, TEMPERATURE = 5, 1.0


class Train(Protocol):
    """The ``train`` of a step."""

    def __call__(self, words: Sequence[str], config: ModelConfig, on_progress: OnProgress, steps: int = ...) -> Trained:
        """Return the trained model."""


@dataclass(frozen=True)
class Step:
    """A model of the ladder."""

    model: str
    train: Train
    steps: int
    """Steps of its training."""


LADDER = (
    Step("counting bigram", counting_bigram.train, counting_bigram.STEPS),
    Step("neural bigram", neural_bigram.train, neural_bigram.STEPS),
    Step("neural bigram by autograd", autograd_bigram.train, autograd_bigram.STEPS),
    Step("MLP on three letters", mlp.train, mlp.STEPS),
    Step("one head, SGD", one_head.train, one_head.STEPS),
    Step("four heads, Adam", four_heads.train, four_heads.STEPS),
)


def check_enough(words: Sequence[str], config: ModelConfig) -> None:
    """Raise ValueError if the words that the last step learns, or those that it keeps back, fill no window."""
    for part in four_heads.split(words, np.random.default_rng(SEED)):
        if sum(len(word) + 1 for word in part) < config.block_size:
            raise ValueError(
                f"words must be so many that a tenth of them has {config.block_size} letters and ends; give more words"
            )


def climb(step: Step, words: Sequence[str], config: ModelConfig, on_progress: OnProgress) -> dict[str, Any]:
    """Return what is known of a step once it is trained, for JSON.

    ``nll``, ``validation_nll``, ``parameters``, ``samples`` (names of ``random.Random(42).choices`` at temperature 1)
    and ``seconds`` of training. For a circuit's model ``tensors``, and ``circuit``: the format that fits its
    checkpoint, and on the words, each from its beginning, the NLL of the float64 and of the fixed-point model, and
    their divergence. Raises ValueError as `check_enough`, at the step that needs the words.
    """
    start = time.perf_counter()
    trained = step.train(words, config, on_progress, step.steps)
    seconds = time.perf_counter() - start
    return {
        "model": step.model,
        "nll": trained.nll,
        "validation_nll": trained.validation_nll,
        "parameters": trained.parameters,
        "samples": sample_names(
            trained.next_logits, config, seed=SEED, temperature=TEMPERATURE, count=SAMPLES
        ),
        "seconds": seconds,
        "circuit": None if trained.checkpoint is None else _circuit(trained.checkpoint, words),
        "tensors": None if trained.checkpoint is None else _lists(trained.checkpoint),
    }  # fmt: skip


def _circuit(checkpoint: Checkpoint, words: Sequence[str]) -> dict[str, Any]:
    block = checkpoint.config.block_size
    choice = choose_format(checkpoint, [word[: block - 1] for word in words])
    return {
        "digest": checkpoint.digest,
        "format": str(choice.word),
        "nll_float": choice.nll_float,
        "nll_fixed": choice.trial.nll,
        "kl": choice.trial.kl,
    }


def _lists(checkpoint: Checkpoint) -> dict[str, list[list[float]]]:
    return {name: tensor.tolist() for name, tensor in checkpoint.tensors.items()}


def checkpoint_of(tensors: Mapping[str, list[list[float]]], config: ModelConfig) -> Checkpoint:
    """Return the checkpoint whose tensors `climb` gave."""
    return Checkpoint(config, {name: np.array(rows, dtype=np.float32) for name, rows in tensors.items()})
