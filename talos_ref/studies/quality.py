"""What fixed point costs: likelihood of real words, divergence from float64, and honesty of the samplers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from talos_ref.golden.arithmetic import talos_v2
from talos_ref.golden.batched import batched_logits, replay
from talos_ref.golden.exp import WrappingExp
from talos_ref.golden.float_model import FloatModel
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.golden.sampler import TEMPERATURE, BucketSampler
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.studies.nll import BatchedLogits, Quality, evaluate, padded_tokens

__all__ = ["SamplerQuality", "dequantised", "fixed_quality", "float_nll", "sampled_quality", "wrapped_share"]

LEAST_PROBABILITY = 2.0**-24
"""One step of the threshold that a token is drawn with: no sampler here can draw anything rarer."""


@dataclass(frozen=True, kw_only=True)
class SamplerQuality:
    """How well the distribution that a sampler really draws from predicts words."""

    nll: float
    """Mean over all characters of ``-ln(probability)``, nats; an impossible character counts as 2^-24."""
    impossible: int
    """Characters that are never drawn."""
    characters: int
    """Predictions counted, the BOS that ends a word included."""


def dequantised(model: IntegerModel) -> BatchedLogits:
    """Return the model's logits as real numbers, for `nll.evaluate`."""
    scale = 1 << model.arithmetic.word.fraction
    return lambda tokens: batched_logits(model, tokens) / scale


def fixed_quality(words: Sequence[str], checkpoint: Checkpoint, model: IntegerModel) -> Quality:
    """Return the mean NLL of ``words`` under softmax(logits / 2^fraction), and the mean KL(float64 ‖ fixed)."""
    return evaluate(words, model.config, dequantised(model), FloatModel(checkpoint).batched_logits)


def float_nll(words: Sequence[str], checkpoint: Checkpoint, temperature: float) -> float:
    """Return the float64 model's mean NLL of ``words`` at a temperature above 0, nats per predicted character."""
    if not temperature > 0:
        raise ValueError(f"temperature must be above 0, not {temperature!r}")
    model = FloatModel(checkpoint)
    return evaluate(words, model.config, lambda tokens: model.batched_logits(tokens) / temperature).nll


def sampled_quality(words: Sequence[str], model: IntegerModel, temperature: int) -> SamplerQuality:
    """Return the quality of what the sampler draws at a temperature (UQ8.8), on inputs and targets as for `nll`."""
    inputs, targets = padded_tokens(words, model.config)
    used = targets >= 0
    logits, wanted = batched_logits(model, inputs)[used], targets[used]
    probabilities = model.arithmetic.sampler.batched_probability(logits, wanted, temperature)
    counted = np.where(probabilities > 0, probabilities, LEAST_PROBABILITY)
    return SamplerQuality(
        nll=float(-np.log(counted).mean()),
        impossible=int((probabilities == 0).sum()),
        characters=len(wanted),
    )


def wrapped_share(checkpoint: Checkpoint, seeds: Sequence[int], temperature: float = 0.5) -> float:
    """Return the share of names with a token drawn through a wrap of the published sampler (`WrappingExp.wraps`).

    Names are those of ``talos-v2`` at a temperature, one a seed. Without the wraps such a token, 16 or more units of
    tempered logit below the best, would have had a weight of nearly nothing.
    """
    sampler, q8_8 = BucketSampler(exp=WrappingExp()), round(temperature * (1 << TEMPERATURE.fraction))
    wraps: Callable[[Any], Any] = sampler.exp.wraps
    steps = replay(checkpoint, talos_v2(checkpoint.config), seeds, q8_8)
    drawn = steps.logits[np.arange(len(steps)), steps.token_out]
    wrapped = wraps(sampler.batched_temper(drawn - steps.top_logit, q8_8))
    return len(np.unique(steps.seed_index[wrapped])) / len(seeds)
