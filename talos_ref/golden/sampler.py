"""Samplers: from logits, a temperature and a random state to a token."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from talos_ref.golden.exp import Exp2, WrappingExp
from talos_ref.golden.format import Format, Rounding, shift_right

__all__ = ["TEMPERATURE", "BucketSampler", "Exp2Sampler", "Sampler", "argmax"]

TEMPERATURE = Format(width=16, fraction=8, signed=False)
"""UQ8.8, as in the register map."""


def argmax(logits: Sequence[float]) -> int:
    """Return the index of the first maximum."""
    return max(range(len(logits)), key=logits.__getitem__)


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


@dataclass(frozen=True, kw_only=True)
class Exp2Sampler:
    """The sampler of ``precise``: any temperature from 1/16 to 16 as a division, greedy at 0.

        shift = 16 if T >= 1 else 12
        inverse = round(log2(e) · 2^(8 + shift)) divided by T (UQ8.8), rounded half up      17 bits
        t = round(logit · inverse / 2^shift), Q.12;  weight = Exp2(t)
        cut = ((rng mod 2^24) · Σw) >> 24;  token = first index whose running sum exceeds cut

    The cut is the threshold of the float model, ``(rng mod 2^24) / 2^24``, and always below the sum.
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


Sampler = BucketSampler | Exp2Sampler
