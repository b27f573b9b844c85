"""The quantisation study: every format with its error, likelihoods and names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from talos_ref.golden.arithmetic import ARITHMETICS, arithmetic
from talos_ref.golden.batched import batched_logits
from talos_ref.golden.format import Format
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.studies.nll import BatchedLogits, mean_nll, padded_tokens
from talos_ref.studies.quant.activations import per_tensor_logits, per_vector_logits
from talos_ref.studies.quant.forward import Array, forward
from talos_ref.studies.quant.weights import WEIGHT_FORMATS, fixed, largest_error, symmetric
from talos_ref.studies.samples import sample_names

__all__ = ["Row", "SAMPLES", "SLICE", "quantisation_rows", "row_names", "single_precision_nll"]

SAMPLES = 5
SLICE = 500
"""Words of the published slice."""
SEED, TEMPERATURE = 42, 0.5


@dataclass(frozen=True, kw_only=True)
class Row:
    """One format, measured."""

    format: str
    kind: str
    """What is rounded: ``weights``, ``weights and activations``, or all that a ``circuit`` computes."""
    max_error: float
    """Largest distance of a weight from its float32 value."""
    nll: float
    """Mean over the slice, nats a character; of rows of kind ``weights`` as `single_precision_nll` takes it."""
    nll_exact: float
    """The same with float64 arithmetic and an exact sum."""
    nll_all: float
    """Mean over the whole list, taken as ``nll_exact``."""
    samples: list[str]
    """Names of ``random.Random(42).choices`` at temperature 0.5."""


def single_precision_nll(words: Sequence[str], checkpoint: Checkpoint) -> float:
    """Return the mean NLL as the published study takes it: all values, and the running sum, in single precision.

    The sum of 3,517 terms is then good to some 1e-5 a character, which can move the fourth digit of the mean.
    """
    inputs, targets = padded_tokens(words, checkpoint.config)
    used = targets >= 0
    logits = forward(checkpoint.tensors, checkpoint.config, inputs)[used]
    shifted = logits - logits.max(axis=-1, keepdims=True)
    terms = np.log(np.exp(shifted).sum(axis=-1)) - shifted[np.arange(len(shifted)), targets[used]]
    # cumsum adds from the first to the last, where sum adds in pairs.
    return float(np.cumsum(terms, dtype=np.float32)[-1]) / len(terms)


def _without_padding(model: BatchedLogits, bos: int) -> BatchedLogits:
    """Return the model for inputs padded with BOS, which computes no position beyond the longest name."""

    def logits(tokens: npt.NDArray[np.int64]) -> Array:
        used = 1 + int(np.flatnonzero((tokens != bos).any(axis=0)).max(initial=0))
        found = model(tokens[:, :used])
        return np.pad(found, ((0, 0), (0, tokens.shape[1] - used), (0, 0)))

    return logits


@dataclass(frozen=True, kw_only=True)
class _Contender:
    """A format before it is measured."""

    kind: str
    weights: Checkpoint
    """As real numbers."""
    logits: BatchedLogits


def _weights(checkpoint: Checkpoint, name: str) -> _Contender:
    rounded = WEIGHT_FORMATS[name](checkpoint)
    tensors = {tensor: value.astype(np.float64) for tensor, value in rounded.tensors.items()}
    logits = partial(forward, tensors, checkpoint.config)
    return _Contender(kind="weights", weights=rounded, logits=logits)


def _activations(checkpoint: Checkpoint, logits: BatchedLogits) -> _Contender:
    return _Contender(kind="weights and activations", weights=symmetric(checkpoint, 8), logits=logits)


def _circuit(checkpoint: Checkpoint, name: str, word: Format) -> _Contender:
    model, scale = IntegerModel(checkpoint, arithmetic(name, checkpoint.config, word)), 1 << word.fraction
    return _Contender(
        kind="circuit",
        weights=fixed(checkpoint, word),
        logits=lambda tokens: batched_logits(model, tokens) / scale,
    )


def _contenders(checkpoint: Checkpoint, words: Sequence[str]) -> dict[str, Callable[[], _Contender]]:
    """Return format -> how to make it; an arithmetic that the model cannot have is left out."""
    found: dict[str, Callable[[], _Contender]]
    found = {name: partial(_weights, checkpoint, name) for name in WEIGHT_FORMATS}
    found["int8, activations by vector"] = lambda: _activations(checkpoint, per_vector_logits(checkpoint))
    found["int8, activations by tensor"] = lambda: _activations(checkpoint, per_tensor_logits(checkpoint, words))
    for name, named in ARITHMETICS.items():
        for word in named.words:
            try:
                arithmetic(name, checkpoint.config, word)
            except ValueError:
                continue
            found[f"{word} {name}"] = partial(_circuit, checkpoint, name, word)
    return found


def row_names(checkpoint: Checkpoint) -> list[str]:
    """Return the formats that `quantisation_rows` measures, in its order."""
    return list(_contenders(checkpoint, []))


def _next(model: BatchedLogits, tokens: list[int]) -> Any:
    return model(np.array([tokens]))[0, -1]


def quantisation_rows(checkpoint: Checkpoint, words: Sequence[str], every_word: Sequence[str]) -> Iterator[Row]:
    """Yield the published formats, 8-bit activations, and every arithmetic in each of its formats.

    ``words`` are the slice, on which activations by tensor are calibrated too. Raises WordListError if the model
    cannot read a word.
    """
    config = checkpoint.config
    # Batches of names of one length have little padding.
    sorted_words = sorted(every_word, key=len)
    for name, make in _contenders(checkpoint, words).items():
        model = make()
        logits = _without_padding(model.logits, config.bos)
        exact = mean_nll(words, config, logits)
        yield Row(
            format=name,
            kind=model.kind,
            max_error=largest_error(checkpoint, model.weights),
            nll=single_precision_nll(words, model.weights) if name in WEIGHT_FORMATS else exact,
            nll_exact=exact,
            nll_all=mean_nll(sorted_words, config, logits),
            samples=sample_names(
                partial(_next, model.logits), config, seed=SEED, temperature=TEMPERATURE, count=SAMPLES
            ),
        )
