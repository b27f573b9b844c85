"""Which format a checkpoint needs: the smallest that holds all that is computed, or loses nothing by clipping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from talos_ref.golden.arithmetic import ARITHMETICS, arithmetic
from talos_ref.golden.arrays import Ints
from talos_ref.golden.clipping import ClipCounter, Clipped, clipped_constants, clipped_weights, counted_logits
from talos_ref.golden.float_model import FloatModel
from talos_ref.golden.format import Format
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.studies.nll import Array, evaluate, mean_nll

__all__ = ["Choice", "FormatTrial", "choose_format"]

SAMPLE = 2000
"""Words at most that formats are measured on, spread evenly over the list."""
NLL_LIMIT = 1e-3
"""Nats that clipping may move the mean NLL by."""
KL_LIMIT = 1e-5
"""Nats of KL that clipping may cost. NLL alone could hide it: what clipping moves cancels in a mean, and KL adds up."""
NAMED = 3
"""Tensors and units that a warning names."""


@dataclass(frozen=True, kw_only=True)
class FormatTrial:
    """One format, measured."""

    word: Format
    weights: Mapping[str, Clipped]
    """Tensors that have a weight beyond the word."""
    constants: Mapping[str, Clipped]
    """Folded constants with an entry beyond it."""
    activations: Mapping[str, Clipped]
    """Units of a step that saturate on the words: ``embed``, ``layer0.q``, ``logits`` and so on."""
    nll: float
    """Mean NLL of the fixed-point model, nats a character."""
    kl: float
    """Mean KL(float64 ‖ fixed), nats a character."""

    @property
    def clipped(self) -> dict[str, Clipped]:
        """Everything that clips."""
        return {**self.weights, **self.constants, **self.activations}

    def is_harmless(self, nll_float: float) -> bool:
        """Return whether fixed point costs less than NLL and KL may move by."""
        return abs(self.nll - nll_float) <= NLL_LIMIT and self.kl <= KL_LIMIT


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The format picked for a checkpoint, and why."""

    word: Format
    reason: str
    """One line."""
    warning: str | None
    """One line with the remedy, if anything clips or fixed point costs more than it may."""
    nll_float: float
    """Mean NLL of the float64 model, nats a character."""
    characters: int
    """Predictions that every format was measured on."""
    trials: tuple[FormatTrial, ...]
    """Every format that the arithmetic is defined for, the narrowest first."""

    @property
    def trial(self) -> FormatTrial:
        """That of the format picked."""
        return next(trial for trial in self.trials if trial.word == self.word)


def choose_format(checkpoint: Checkpoint, words: Sequence[str], arithmetic_name: str = "precise") -> Choice:
    """Return the smallest format in which nothing clips that matters, measured on at most ``SAMPLE`` of the words.

    Nothing matters if no weight, no folded constant and no activation clips, or if NLL and KL stay within
    ``NLL_LIMIT`` and ``KL_LIMIT`` of the float64 model. If no format is so, the one with the least KL is taken.

    Raises ValueError for an unknown arithmetic, one that the model can't have, or words that the model can't read.
    """
    config = checkpoint.config
    arithmetic(arithmetic_name, config)
    sample = words[:: -(-len(words) // SAMPLE)] if words else words
    exact = FloatModel(checkpoint).batched_logits
    nll_float = mean_nll(sample, config, exact)
    trials = []
    for word in ARITHMETICS[arithmetic_name].words:
        spec, counter = arithmetic(arithmetic_name, config, word), ClipCounter()
        model = IntegerModel(checkpoint, spec)

        def fixed(tokens: Ints, model: IntegerModel = model, counter: ClipCounter = counter) -> Array:
            return counted_logits(model, tokens, counter) / (1 << model.arithmetic.word.fraction)

        quality = evaluate(sample, config, fixed, exact)
        trials.append(
            FormatTrial(
                word=word,
                weights=clipped_weights(checkpoint, spec.word),
                constants=clipped_constants(checkpoint, spec),
                activations=counter.clipped,
                nll=quality.nll,
                kl=quality.kl,
            )
        )
    fitting = [trial for trial in trials if not trial.clipped or trial.is_harmless(nll_float)]
    picked = fitting[0] if fitting else min(trials, key=lambda trial: trial.kl)
    return Choice(
        word=picked.word,
        reason=_reason(picked, nll_float),
        warning=_warning(picked, trials, nll_float, arithmetic_name),
        nll_float=nll_float,
        characters=quality.characters,
        trials=tuple(trials),
    )


def _cost(trial: FormatTrial, nll_float: float) -> str:
    return f"NLL {trial.nll:.5f} where float64 has {nll_float:.5f}, KL {trial.kl:.1e}"


def _reason(picked: FormatTrial, nll_float: float) -> str:
    if not picked.clipped:
        why = "the smallest format in which nothing clips"
    elif picked.is_harmless(nll_float):
        why = "the smallest format in which clipping is harmless"
    else:
        why = "the format in which clipping costs least"
    return f"{picked.word} is {why}: {_cost(picked, nll_float)}"


def _warning(picked: FormatTrial, trials: Sequence[FormatTrial], nll_float: float, name: str) -> str | None:
    harmless = picked.is_harmless(nll_float)
    if not picked.clipped and abs(picked.nll - nll_float) <= NLL_LIMIT:
        return None
    roomier = [other for other, named in ARITHMETICS.items() if len(named.words) > len(ARITHMETICS[name].words)]
    if picked.clipped and harmless:
        holds = [trial.word for trial in trials if not trial.clipped]
        remedy = "that is harmless" + (f", and {holds[0]} would hold everything" if holds else "")
    elif roomier:
        remedy = f"use {roomier[0]}, which loses less"
    elif picked.clipped:
        remedy = "train for fewer steps: weights grow with every one"
    else:
        remedy = f"no format of {name} has more than {picked.word.fraction} bits below the point"
    what = f"clips {_listed(picked.clipped)}" if picked.clipped else "clips nothing but is too coarse"
    return f"{picked.word} {what}: {_cost(picked, nll_float)}; {remedy}"


def _listed(clipped: Mapping[str, Clipped]) -> str:
    """Return the names that clip most, with how many of their values do."""
    worst = sorted(clipped.items(), key=lambda item: -item[1].count / item[1].values)
    parts = [f"{name} ({found.count} of {found.values}, up to {found.largest:.3g})" for name, found in worst[:NAMED]]
    return ", ".join(parts) + (f" and {len(worst) - NAMED} more" if len(worst) > NAMED else "")
