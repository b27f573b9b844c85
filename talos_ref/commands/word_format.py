"""The format of words that a command computes in: the one asked for, or the smallest that the model needs."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from talos_ref.golden.arithmetic import Arithmetic, arithmetic
from talos_ref.golden.clipping import clipped_constants, clipped_weights
from talos_ref.golden.float_model import FloatModel
from talos_ref.golden.format import Q4_12, Format, named_format
from talos_ref.golden.generate import letters
from talos_ref.model.checkpoint import Checkpoint, default_checkpoint
from talos_ref.studies.format_choice import choose_format

__all__ = ["AUTO", "model_words", "pick_arithmetic", "pick_format"]

AUTO = "auto"
SAMPLE = 200
"""Names of its own that a model is measured on where there are no words."""


def model_words(checkpoint: Checkpoint, count: int = SAMPLE) -> list[str]:
    """Return names that the float model makes at temperature 1, seeds 1 to ``count``, without the empty ones."""
    model, config = FloatModel(checkpoint), checkpoint.config
    names = [config.decode(letters(model, seed=seed, temperature=1.0)) for seed in range(1, count + 1)]
    return [name for name in names if name] or [config.alphabet[0]]


def _say(kind: str, text: str) -> None:
    print(f"{kind}: {text}", file=sys.stderr)


def _warn_of_clipping(checkpoint: Checkpoint, name: str, word: Format) -> None:
    spec = arithmetic(name, checkpoint.config, word)
    found = {**clipped_weights(checkpoint, spec.word), **clipped_constants(checkpoint, spec)}
    if found:
        worst = max(found, key=lambda tensor: found[tensor].count / found[tensor].values)
        clipped = found[worst]
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        where = f"{worst} ({clipped.count} of {clipped.values}, up to {clipped.largest:.3g}){more}"
        _say("warning", f"{word} clips {where}; --format {AUTO} picks one that holds them")


def pick_format(checkpoint: Checkpoint, name: str, asked: str, words: Sequence[str] | None = None) -> Format:
    """Return the format called ``asked``; for ``auto``, the one that `choose_format` takes.

    ``auto`` measures on ``words``, or on `model_words`; the committed checkpoint has Q4.12, as it is published. What
    was picked, where it is not Q4.12, is said on standard error, and so is what clips where that costs accuracy. Raises
    ValueError for another name, and if the arithmetic ``name`` is not defined for the model or the format.
    """
    if asked != AUTO:
        word = named_format(asked)
        _warn_of_clipping(checkpoint, name, word)
        return word
    if checkpoint == default_checkpoint():
        return Q4_12
    choice = choose_format(checkpoint, model_words(checkpoint) if words is None else words, name)
    if choice.word != Q4_12:
        _say("note", choice.reason)
    if choice.warning is not None and not choice.trial.is_harmless(choice.nll_float):
        _say("warning", choice.warning)
    return choice.word


def pick_arithmetic(
    checkpoint: Checkpoint, name: str, asked: str, words: Sequence[str] | None = None
) -> Arithmetic | None:
    """Return a named arithmetic in the format of `pick_format`; None for ``float``."""
    if name == "float":
        return None
    return arithmetic(name, checkpoint.config, pick_format(checkpoint, name, asked, words))
