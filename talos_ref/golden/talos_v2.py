"""``talos-v2``: the arithmetic of the published TALOS-V2 RTL."""

from __future__ import annotations

from dataclasses import replace

from talos_ref.golden.attention import StepAttention
from talos_ref.golden.datapath import Arithmetic
from talos_ref.golden.divide import TruncatingDivide
from talos_ref.golden.exp import StepExp, WrappingExp
from talos_ref.golden.format import Q4_12, Format, Rounding
from talos_ref.golden.linear import Linear
from talos_ref.golden.mlp import PlainMlp
from talos_ref.golden.rmsnorm import RootRmsNorm
from talos_ref.golden.sampler import BucketSampler
from talos_ref.model.config import ModelConfig

__all__ = ["talos_v2"]


def talos_v2(config: ModelConfig, word: Format = Q4_12) -> Arithmetic:
    """Return the arithmetic of the published TALOS-V2 RTL.

    Raises ValueError if a dimension has no shift for its root, or the word is not Q4.12.
    """
    rounding = Rounding.FLOOR
    if replace(word, rounding=rounding) != replace(Q4_12, rounding=rounding):
        raise ValueError(f"word must be {Q4_12} in talos-v2, not {word}; use precise for wider words")
    word = replace(word, rounding=rounding)
    linear, rmsnorm = Linear(word=word), RootRmsNorm(n=config.n_embd, word=word)
    return Arithmetic(
        name="talos-v2",
        word=word,
        linear=linear,
        rmsnorm=rmsnorm,
        attention=StepAttention(
            word=word, head_dim=config.head_dim, exp=StepExp(), divide=TruncatingDivide(word=word)
        ),
        mlp=PlainMlp(linear=linear, rmsnorm=rmsnorm),
        sampler=BucketSampler(exp=WrappingExp()),
    )
