"""The sampler of ``folded``: the largest logit after noise, which is a draw from the softmax."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from talos_ref.golden import arrays
from talos_ref.golden.arrays import Ints
from talos_ref.golden.format import Rounding, shift_right
from talos_ref.golden.gumbel_noise import GumbelNoise
from talos_ref.golden.lane_bits import batched_lane_bits, lane_bits
from talos_ref.golden.sampler import TEMPERATURE, argmax

__all__ = ["GumbelSampler"]

BIN = 128
"""Values of noise that a probability takes together."""
ROWS = 64
"""Rows of logits that are worked on at once."""


@dataclass(frozen=True, kw_only=True)
class GumbelSampler:
    """Gumbel-max (Gumbel 1954; Maddison, Tarlow and Minka 2014): noise that depends on no logit, and one maximum.

        G[i] = GumbelNoise(lane_bits(rng, i))                              Q6.12
        key[i] = logit[i] · 2^4 + round(T · G[i] / 2^4)                    Q10.16, 26 bits; T is UQ8.8
        token = first index of the largest key;  the argmax of the logits at T = 0

    T · G has 20 fraction bits, of which 16 stay: at T = 1/16 all that are not 0, so that ties are as rare there as at
    any other temperature, 2^-14 between two tokens as likely. Any temperature from 1/16 to 16 is honoured.
    """

    noise: GumbelNoise
    fraction: int = 16
    """Fraction bits of a key."""
    min_temperature: int = 0x10
    max_temperature: int = 0x1000
    greedy_at_zero: bool = True

    @property
    def key_shift(self) -> int:
        """Fraction bits that a key has more than a logit."""
        return self.fraction - self.noise.fraction

    @property
    def noise_shift(self) -> int:
        """Fraction bits that ``T · G`` loses."""
        return self.noise.fraction + TEMPERATURE.fraction - self.fraction

    def honoured(self, temperature: int) -> int:
        """Return the temperature (UQ8.8) that is drawn with where another is asked for; 0 stays, for it is greedy."""
        return min(max(temperature, self.min_temperature), self.max_temperature) if temperature else 0

    def noises(self, count: int, temperature: int, rng: int) -> list[int]:
        """Return the noise of lanes 0 to ``count - 1`` at a temperature, as it is added to a key."""
        return [
            shift_right(temperature * self.noise.compute(lane_bits(rng, lane)), self.noise_shift, Rounding.NEAREST)
            for lane in range(count)
        ]

    def draw(self, logits: Sequence[int], temperature: int, rng: int) -> int:
        """Return the token drawn with the state ``rng``."""
        noises = self.noises(len(logits), temperature, rng)
        return argmax([(logit << self.key_shift) + noise for logit, noise in zip(logits, noises, strict=True)])

    def batched_noises(self, count: int, temperature: int, rng: Ints) -> Ints:
        """Return ``noises`` [name, lane] of states [name]."""
        noise = self.noise.batched_compute(batched_lane_bits(rng, count))
        noises: Ints = arrays.shift(temperature * noise, self.noise_shift, Rounding.NEAREST)
        return noises

    def batched_draw(self, logits: Ints, temperature: int, rng: Ints) -> Ints:
        """Return the tokens [name] drawn from logits [name, vocab] with the states [name]."""
        noises = self.batched_noises(logits.shape[-1], temperature, rng)
        tokens: Ints = ((logits << self.key_shift) + noises).argmax(axis=-1)
        return tokens

    def batched_probability(self, logits: Ints, tokens: Ints, temperature: int) -> npt.NDArray[np.float64]:
        """Return the probability [name] of drawing the tokens [name] from logits [name, vocab], within 2^-14 of itself.

        The mean over a token's own noise of the probability that all others stay below it; noise is taken ``BIN``
        values at a time. `studies.sampler_test.exact_probabilities` needs no bins, and more time.
        """
        _, probabilities = self.noise.distribution
        below = np.concatenate([np.zeros(1), probabilities.cumsum()])  # of a noise less than least + index
        starts = np.arange(0, len(probabilities), BIN)
        own = np.add.reduceat(probabilities, starts)
        middle = starts + BIN // 2
        result = np.empty(len(tokens))
        for first in range(0, len(tokens), ROWS):
            rows = slice(first, first + ROWS)
            gap = np.take_along_axis(logits[rows], tokens[rows, None], axis=1) - logits[rows]
            steps = (gap << TEMPERATURE.fraction) // temperature
            others = below[np.clip(middle + steps[:, :, None], 0, len(probabilities))]
            np.put_along_axis(others, tokens[rows, None, None], 1.0, axis=1)
            result[rows] = others.prod(axis=1) @ own
        return result

    def constants(self) -> dict[str, Any]:
        """Return the table of the noise."""
        return {"gumbel": self.noise.to_json(), "gumbel_offsets": list(self.noise.offsets)}
