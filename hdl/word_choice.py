"""Which number format a core gets with a checkpoint: the one asked for, or the smallest that holds the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from talos_ref.commands.word_format import AUTO, model_words
from talos_ref.golden.arithmetic import arithmetic
from talos_ref.golden.format import Q4_12, Format, named_format
from talos_ref.model.checkpoint import Checkpoint, default_checkpoint
from talos_ref.studies.format_choice import choose_format

__all__ = ["WordChoice", "choose_word"]


@dataclass(frozen=True, kw_only=True)
class WordChoice:
    """A format, and what has to be said of it."""

    word: Format
    reason: str
    """One line: why this one, or that it was asked for."""
    warning: str | None
    """One line, with the remedy, if something clips and that costs accuracy."""


def choose_word(
    arithmetic_name: str, checkpoint: Checkpoint, format: str | None = None, words: Sequence[str] | None = None
) -> WordChoice:
    """Return the format of weights and activations in an arithmetic.

    Parameters
    ----------
    format
        Name of one; ``auto`` and None ask for the smallest that holds the model.
    words
        What the activations are measured on; without them, names of the float model's own.

    Raises
    ------
    ValueError
        If the model or the format cannot be had in the arithmetic.
    """
    asked = None if format in (None, AUTO) else named_format(str(format))
    if asked is not None:
        arithmetic(arithmetic_name, checkpoint.config, asked)
    if words is None and asked in (None, Q4_12) and checkpoint == default_checkpoint():
        arithmetic(arithmetic_name, checkpoint.config)
        return WordChoice(word=Q4_12, reason=f"{Q4_12} is the published format of these weights", warning=None)
    choice = choose_format(checkpoint, model_words(checkpoint) if words is None else words, arithmetic_name)
    if asked is None or asked == choice.word:
        reason = choice.reason if asked is None else f"{asked} was asked for"
        warning = None if choice.trial.is_harmless(choice.nll_float) else choice.warning
        return WordChoice(word=choice.word, reason=reason, warning=warning)
    trial = next(trial for trial in choice.trials if trial.word == asked)
    warning = None
    if trial.clipped and not trial.is_harmless(choice.nll_float):
        clipped = ", ".join(f"{name} ({found.count} of {found.values})" for name, found in trial.clipped.items())
        warning = (
            f"{asked} clips {clipped}: NLL {trial.nll:.5f} where float64 has {choice.nll_float:.5f}; "
            f"--format {AUTO} takes {choice.word}"
        )
    return WordChoice(word=asked, reason=f"{asked} was asked for", warning=warning)
