"""Direct steps that are looked for: contexts in which something rare happens to the logits, by the golden model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cosim.core.request import Request, step_request
from cosim.coverage.stimulus import TEMPERATURES
from hdl.design import Design
from talos_ref.golden.arrays import Ints
from talos_ref.golden.batched import batched_logits
from talos_ref.golden.format import Format
from talos_ref.golden.integer_model import IntegerModel

__all__ = ["Searched", "search"]

_SEED = 1
_CHUNK = 1024
_KEPT, _CHANGED = 6, 8
"""Contexts that a round begins with, for each target, and those that it makes of each."""


@dataclass(frozen=True)
class Searched:
    """What a search has found."""

    requests: tuple[Request, ...]
    """Direct steps, context by context."""
    missed: dict[tuple[str, str], float]
    """Row and point that no context reaches -> how far a logit was from it at least, as a real number."""
    contexts: int


def search(design: Design, contexts: int, rounds: int) -> Searched:
    """Return steps through contexts in which a token is the largest, logits tie, or lie at an end of their format.

    Of so many random contexts, each as long as the block, the nearest are changed in one to three tokens, round after
    round. Seeds are fixed.
    """
    model, generator = IntegerModel(design.checkpoint, design.arithmetic), np.random.default_rng(_SEED)
    tokens, block, format = design.model.vocab_size, design.model.block_size, design.arithmetic.logit
    if not contexts:
        return Searched((), {}, 0)
    tried = generator.integers(0, tokens, (contexts, block))
    best: dict[tuple[str, str], list[tuple[int, list[int]]]] = {}
    made = contexts
    for number in range(rounds + 1):
        for target, distance in _distances(_logits(model, tried), format).items():
            nearest = np.argsort(distance, axis=None)[:_KEPT]
            places = [divmod(int(place), block) for place in nearest]
            found = [(int(distance[n, p]), tried[n, : p + 1].tolist()) for n, p in places]
            best[target] = sorted(best.get(target, []) + found, key=lambda entry: (entry[0], len(entry[1])))[:_KEPT]
        waiting = [entry for entries in best.values() if entries[0][0] for entry in entries]
        if number == rounds or not waiting:
            break
        tried = np.array(
            [_changed(context, tokens, block, generator) for _, context in waiting for _ in range(_CHANGED)]
        )
        made += len(tried)
    reached = {tuple(entries[0][1]) for entries in best.values() if not entries[0][0]}
    return Searched(
        tuple(request for context in sorted(reached) for request in _steps(context)),
        {target: format.to_float(entries[0][0]) for target, entries in best.items() if entries[0][0]},
        made,
    )


def _logits(model: IntegerModel, tried: npt.NDArray[np.int64]) -> Ints:
    """Return the logits [context, position, token]."""
    parts = [batched_logits(model, tried[first : first + _CHUNK]) for first in range(0, len(tried), _CHUNK)]
    return np.concatenate(parts)


def _distances(logits: Ints, format: Format) -> dict[tuple[str, str], Ints]:
    """Return row and point -> [context, position] how far they are from being reached; 0 where they are."""
    order = np.sort(logits, axis=-1)
    top, second, third = (order[..., -n] for n in (1, 2, 3))
    ties = top == second
    found = {
        ("argmax", str(token)): np.where(
            logits.argmax(axis=-1) == token, 0, np.maximum(top - logits[..., token], 1)
        )
        for token in range(logits.shape[-1])
    }
    return found | {
        ("logits that are the largest", "two"): np.where(ties & (third == top), 1, top - second),
        ("logits that are the largest", "three or more"): top - third,
        ("largest logit", "the format's lowest"): top - format.low,
        ("largest logit", "negative"): np.maximum(top + 1, 0),
        ("largest logit", "0"): np.abs(top),
        ("largest logit", "the format's highest"): format.high - top,
        ("logits", "one at the format's lowest"): order[..., 0] - format.low,
    }


def _changed(context: list[int], tokens: int, block: int, generator: np.random.Generator) -> list[int]:
    """Return a whole context like this one, but for one to three tokens."""
    changed = [*context, *generator.integers(0, tokens, block - len(context)).tolist()]
    for _ in range(generator.integers(1, 4)):
        changed[generator.integers(0, len(context))] = int(generator.integers(0, tokens))
    return changed


def _steps(context: tuple[int, ...]) -> list[Request]:
    """Return direct steps through a context."""
    return [
        step_request(1 + position, TEMPERATURES[position % len(TEMPERATURES)], token, position)
        for position, token in enumerate(context)
    ]
