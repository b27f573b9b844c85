"""``precise``: our arithmetic, rounded to nearest, with exact sums and interpolated functions."""

from __future__ import annotations

from dataclasses import replace

from talos_ref.golden.attention import Exp2Attention
from talos_ref.golden.datapath import Arithmetic
from talos_ref.golden.divide import ReciprocalDivide
from talos_ref.golden.exp import Exp2
from talos_ref.golden.format import FORMATS, Q4_12, Format, Rounding
from talos_ref.golden.linear import Linear, ScaledLinear
from talos_ref.golden.mlp import DeferredMlp
from talos_ref.golden.rmsnorm import TableRmsNorm
from talos_ref.golden.sampler import Exp2Sampler
from talos_ref.model.config import ModelConfig

__all__ = ["precise"]


def precise(config: ModelConfig, word: Format = Q4_12) -> Arithmetic:
    """Return our arithmetic; ValueError if the word is none of ``FORMATS``."""
    rounding = Rounding.NEAREST
    word = replace(word, rounding=rounding)
    if word not in [replace(format, rounding=rounding) for format in FORMATS]:
        raise ValueError(f"word must be one of {', '.join(map(str, FORMATS))} in precise, not {word}")
    linear, rmsnorm = Linear(word=word), TableRmsNorm(n=config.n_embd, word=word)
    scaled_linear = ScaledLinear(word=word, scale_format=rmsnorm.scale_format)
    return Arithmetic(
        name="precise",
        word=word,
        linear=linear,
        rmsnorm=rmsnorm,
        attention=Exp2Attention(
            word=word, head_dim=config.head_dim, scaled_linear=scaled_linear, exp=Exp2(),
            divide=ReciprocalDivide(word=word),
        ),
        mlp=DeferredMlp(linear=linear, scaled_linear=scaled_linear, rmsnorm=rmsnorm),
        sampler=Exp2Sampler(exp=Exp2()),
    )  # fmt: skip
