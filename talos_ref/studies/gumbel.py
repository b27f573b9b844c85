"""Gumbel-max without drawing: the exact probability of every token."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from talos_ref.golden.gumbel_sampler import GumbelSampler
from talos_ref.studies.nll import Array

__all__ = ["exact_probabilities"]


def exact_probabilities(sampler: GumbelSampler, logits: Sequence[int], temperature: int) -> Array:
    """Return the probability of every token at a temperature (UQ8.8), as the sampler rounds and breaks ties.

    P[i] = Σ over noise g of P(G = g) · Π over j of P(key[j] < key[i] at G[i] = g), with <= for j > i, the lanes being
    independent and all 2^32 bits of a lane as likely. Raises ValueError for a temperature that is not drawn at.
    """
    if not sampler.min_temperature <= temperature <= sampler.max_temperature:
        raise ValueError(
            f"temperature must be {sampler.min_temperature} to {sampler.max_temperature}, not {temperature!r}"
        )
    least, probabilities = sampler.noise.distribution
    below = np.concatenate([np.zeros(1), probabilities.cumsum()])  # of a noise less than least + index
    own = np.flatnonzero(probabilities)
    half = (1 << sampler.noise_shift) >> 1
    scaled = (temperature * (least + own) + half) >> sampler.noise_shift
    result = []
    for i, logit in enumerate(logits):
        product = probabilities[own]
        for j, other in enumerate(logits):
            if i == j:
                continue
            # A noise of token j loses while round(T · G / 2^shift) < bound, which is G < (bound · 2^shift - half) / T.
            bound = scaled + ((logit - other) << sampler.key_shift) + (j > i)
            ceiling = -((half - (bound << sampler.noise_shift)) // temperature)
            product = product * below[np.clip(ceiling - least, 0, len(probabilities))]
        result.append(product.sum())
    return np.array(result)
