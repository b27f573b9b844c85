"""Samplers: from logits, a temperature and a random state to a token."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from talos_ref.golden import arrays
from talos_ref.golden.arrays import Ints
from talos_ref.golden.exp import EXP_TABLE, Exp2, WrappingExp
from talos_ref.golden.format import Format, Rounding, shift_right

__all__ = ["TEMPERATURE", "Sampler", "BucketSampler", "Exp2Sampler", "argmax"]

TEMPERATURE = Format(width=16, fraction=8, signed=False)
"""UQ8.8, as in the register map."""


class Sampler(Protocol):
    """Draws a token; temperatures are UQ8.8."""

    @property
    def min_temperature(self) -> int:
        """Least temperature that tokens are drawn at."""

    @property
    def max_temperature(self) -> int:
        """Largest temperature."""

    @property
    def greedy_at_zero(self) -> bool:
        """Whether temperature 0 means the argmax."""

    def honoured(self, temperature: int) -> int:
        """Return the temperature that is drawn with where another is asked for."""

    def draw(self, logits: Sequence[int], temperature: int, rng: int) -> int:
        """Return the token drawn with the state ``rng``."""

    def batched_probability(self, logits: Ints, tokens: Ints, temperature: int) -> npt.NDArray[np.float64]:
        """Return the probability [name] of drawing the tokens [name] from logits [name, vocab]."""

    def batched_draw(self, logits: Ints, temperature: int, rng: Ints) -> Ints:
        """Return the tokens [name] drawn from logits [name, vocab] with the states [name]."""

    def constants(self) -> dict[str, Any]:
        """Return the tables and constants by name."""


def argmax(logits: Sequence[float]) -> int:
    """Return the index of the first maximum."""
    return max(range(len(logits)), key=logits.__getitem__)


def _share(weights: Ints, tokens: Ints) -> npt.NDArray[np.float64]:
    shares: npt.NDArray[np.float64] = weights[np.arange(len(tokens)), tokens] / weights.sum(axis=-1)
    return shares


@dataclass(frozen=True, kw_only=True)
class BucketSampler:
    """The sampler of ``talos-v2``: four temperatures, WrappingExp, sums modulo 2^32.

        delta = logit - top;  doubled for T <= 0x80, as it is to 0x100, halved (>> 1) to 0x200, quartered (>> 2) above
        cut = min((((rng · 0x149FB mod 2^32) >> 8) · Σw) >> 24, Σw - 1)
        token = first index whose running sum exceeds cut, the argmax if none does
    """

    exp: WrappingExp
    multiplier: int = 0x149FB
    min_temperature: int = 0
    max_temperature: int = 0xFFFF
    greedy_at_zero: bool = False

    def temper(self, delta: int, temperature: int) -> int:
        """Return ``delta`` after the temperature (UQ8.8)."""
        if temperature <= 0x80:
            return delta << 1
        return delta >> (2 if temperature > 0x200 else 1 if temperature > 0x100 else 0)

    def honoured(self, temperature: int) -> int:
        """Return the temperature (UQ8.8) that is drawn with where another is asked for: 0.5, 1, 2 or 4."""
        return next((bound for bound in (0x80, 0x100, 0x200) if temperature <= bound), 0x400)

    def weights(self, logits: Sequence[int], temperature: int) -> list[int]:
        """Return the weights of all tokens, below 2^32."""
        top = max(logits)
        return [self.exp.compute(self.temper(logit - top, temperature)) for logit in logits]

    def cut(self, rng: int, total: int) -> int:
        """Return the threshold for a sum of weights."""
        uniform = (rng * self.multiplier & 0xFFFFFFFF) >> 8
        return min(uniform * total >> 24, (total - 1) & 0xFFFFFFFF)

    def draw(self, logits: Sequence[int], temperature: int, rng: int) -> int:
        """Return the token drawn with the state ``rng``."""
        sums = [total & 0xFFFFFFFF for total in accumulate(self.weights(logits, temperature))]
        cut = self.cut(rng, sums[-1])
        return next((token for token, total in enumerate(sums) if total > cut), argmax(logits))

    def batched_weights(self, logits: Ints, temperature: int) -> Ints:
        """Return ``weights`` of logits [name, vocab]."""
        delta = logits - logits.max(axis=-1, keepdims=True)
        return self.exp.batched_compute(self.batched_temper(delta, temperature))

    def batched_probability(self, logits: Ints, tokens: Ints, temperature: int) -> npt.NDArray[np.float64]:
        """Return the weights [name] of the tokens [name], as shares of all weights."""
        return _share(self.batched_weights(logits, temperature), tokens)

    def batched_temper(self, delta: Ints, temperature: int) -> Ints:
        """Return ``temper`` of every element."""
        temper: Callable[[Any, int], Any] = self.temper
        tempered: Ints = temper(delta, temperature)
        return tempered

    def batched_draw(self, logits: Ints, temperature: int, rng: Ints) -> Ints:
        """Return the tokens [name] drawn from logits [name, vocab] with the states [name]."""
        sums = self.batched_weights(logits, temperature).cumsum(axis=-1) & 0xFFFFFFFF
        total = sums[:, -1]
        uniform = (rng * self.multiplier & 0xFFFFFFFF) >> 8
        beyond = sums > np.minimum(uniform * total >> 24, (total - 1) & 0xFFFFFFFF)[:, None]
        tokens: Ints = np.where(beyond.any(axis=-1), beyond.argmax(axis=-1), logits.argmax(axis=-1))
        return tokens

    def constants(self) -> dict[str, Any]:
        """Return the table of e^(-i/4) and what the random state is multiplied by."""
        return {"exp": list(EXP_TABLE), "random_multiplier": self.multiplier}


@dataclass(frozen=True, kw_only=True)
class Exp2Sampler:
    """The sampler of ``precise``: any temperature from 1/16 to 16 as a division, greedy at 0.

        shift = 16 if T >= 1 else 12
        inverse = round(log2(e) · 2^(8 + shift)) divided by T (UQ8.8), rounded half up      17 bits
        t = round(logit · inverse / 2^shift), Q.12;  weight = Exp2(t)
        cut = ((rng mod 2^24) · Σw) >> 24;  token = first index whose running sum exceeds cut

    The cut is the threshold of the float64 model, ``(rng mod 2^24) / 2^24``, and always below the sum.
    """

    exp: Exp2
    min_temperature: int = 0x10
    max_temperature: int = 0x1000
    greedy_at_zero: bool = True

    def honoured(self, temperature: int) -> int:
        """Return the temperature (UQ8.8) that is drawn with where another is asked for; 0 stays, for it is greedy."""
        return max(temperature, self.min_temperature) if temperature else 0

    def shift(self, temperature: int) -> int:
        """Return the fraction bits of the inverse."""
        return 16 if temperature >= 0x100 else 12

    def numerator(self, temperature: int) -> int:
        """Return ``log2(e)`` with as many fraction bits as make the quotient by UQ8.8 an inverse."""
        return round(math.log2(math.e) * (1 << (TEMPERATURE.fraction + self.shift(temperature))))

    def inverse(self, temperature: int) -> int:
        """Return ``log2(e) / T``; computed once a name."""
        return (self.numerator(temperature) + temperature // 2) // temperature

    def exponents(self, logits: Sequence[int], temperature: int) -> list[int]:
        """Return ``t`` for all tokens, Q.12."""
        inverse, shift = self.inverse(temperature), self.shift(temperature)
        return [shift_right(logit * inverse, shift, Rounding.NEAREST) for logit in logits]

    def weights(self, logits: Sequence[int], temperature: int) -> list[int]:
        """Return the weights of all tokens, UQ1.16."""
        return self.exp.weights(self.exponents(logits, temperature))

    def cut(self, rng: int, total: int) -> int:
        """Return the threshold for a sum of weights."""
        return (rng & 0xFFFFFF) * total >> 24

    def draw(self, logits: Sequence[int], temperature: int, rng: int) -> int:
        """Return the token drawn with the state ``rng``."""
        sums = list(accumulate(self.weights(logits, temperature)))
        cut = self.cut(rng, sums[-1])
        return next(token for token, total in enumerate(sums) if total > cut)

    def batched_weights(self, logits: Ints, temperature: int) -> Ints:
        """Return ``weights`` of logits [name, vocab]."""
        inverse, shift = self.inverse(temperature), self.shift(temperature)
        return self.exp.batched_weights(arrays.shift(logits * inverse, shift, Rounding.NEAREST))

    def batched_probability(self, logits: Ints, tokens: Ints, temperature: int) -> npt.NDArray[np.float64]:
        """Return the weights [name] of the tokens [name], as shares of all weights."""
        return _share(self.batched_weights(logits, temperature), tokens)

    def batched_draw(self, logits: Ints, temperature: int, rng: Ints) -> Ints:
        """Return the tokens [name] drawn from logits [name, vocab] with the states [name]."""
        sums = self.batched_weights(logits, temperature).cumsum(axis=-1)
        cut = (rng & 0xFFFFFF) * sums[:, -1] >> 24
        tokens: Ints = (sums > cut[:, None]).argmax(axis=-1)
        return tokens

    def constants(self) -> dict[str, Any]:
        """Return the table of mantissas, and ``log2(e)`` as it is divided by a temperature."""
        return self.exp.constants() | {
            "inverse_numerator_below_one": self.numerator(0xFF),
            "inverse_numerator_from_one": self.numerator(0x100),
        }
