"""What a format clips: values beyond it, counted for every weight, folded constant and unit of a step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from talos_ref.golden.arrays import Ints, saturate
from talos_ref.golden.batched import BatchedModel
from talos_ref.golden.datapath import Arithmetic
from talos_ref.golden.format import Format
from talos_ref.golden.integer_model import IntegerModel, constant_words
from talos_ref.model.checkpoint import Checkpoint

__all__ = ["Clipped", "ClipCounter", "clipped_weights", "clipped_constants", "counted_logits"]


@dataclass(frozen=True, kw_only=True)
class Clipped:
    """How much of a tensor, or of what a unit has made, lies beyond its format."""

    count: int
    """Values beyond it."""
    values: int
    """Values in all."""
    largest: float
    """Largest magnitude, as a real number."""


class ClipCounter:
    """Saturates as `arrays.saturate` does, and counts what it clips, unit by unit."""

    def __init__(self) -> None:
        self._units: dict[str, Clipped] = {}

    def __call__(self, unit: str, format: Format, values: Ints) -> Ints:
        saturated = saturate(unit, format, values)
        found = Clipped(
            count=int((saturated != values).sum()),
            values=values.size,
            largest=format.to_float(int(np.abs(values).max(initial=0))),
        )
        before = self._units.get(unit, Clipped(count=0, values=0, largest=0.0))
        self._units[unit] = Clipped(
            count=before.count + found.count,
            values=before.values + found.values,
            largest=max(before.largest, found.largest),
        )
        return saturated

    @property
    def units(self) -> dict[str, Clipped]:
        """Unit -> its count, in the order of the datapath."""
        return dict(self._units)

    @property
    def clipped(self) -> dict[str, Clipped]:
        """The units that have clipped anything."""
        return {unit: found for unit, found in self._units.items() if found.count}


def clipped_weights(checkpoint: Checkpoint, word: Format) -> dict[str, Clipped]:
    """Return tensor name -> count, for the tensors that have a weight beyond ``word``."""
    result = {}
    for name, tensor in checkpoint.tensors.items():
        words = np.rint(tensor.astype(np.float64) * (1 << word.fraction))
        if count := int(((words < word.low) | (words > word.high)).sum()):
            result[name] = Clipped(count=count, values=tensor.size, largest=float(np.abs(tensor).max()))
    return result


def clipped_constants(checkpoint: Checkpoint, arithmetic: Arithmetic) -> dict[str, Clipped]:
    """Return name -> count, for the constants made of the weights that have an entry beyond their format."""
    counter = ClipCounter()
    constant_words(checkpoint, arithmetic, counter)
    return counter.clipped


def counted_logits(model: IntegerModel, tokens: npt.NDArray[np.int64], counter: ClipCounter) -> Ints:
    """Return logits [name, position, vocab] of inputs [name, position]; ``counter`` counts what clips on the way.

    An input of BOS after the first position is padding: neither it nor what follows is computed, and its logits are 0.
    """
    batched = BatchedModel(model, counter)
    cache = batched.new_cache(*tokens.shape)
    logits: Ints = np.zeros((*tokens.shape, model.config.vocab_size), dtype=np.int64)
    names = np.arange(len(tokens))
    for position in range(tokens.shape[1]):
        if position:
            going = tokens[names, position] != model.config.bos
            names = names[going]
            cache.keep(going)
        if not len(names):
            break
        logits[names, position] = batched.logits(tokens[names, position], cache)
    return logits
