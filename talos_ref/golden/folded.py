"""``folded``: `precise` with Wo multiplied into what follows attention, and drawn by Gumbel-max."""

from __future__ import annotations

from dataclasses import replace

from talos_ref.golden.datapath import Arithmetic
from talos_ref.golden.folded_mlp import FoldedMlp
from talos_ref.golden.format import FORMATS, Q4_12, Format, Rounding
from talos_ref.golden.gumbel_noise import GumbelNoise
from talos_ref.golden.gumbel_sampler import GumbelSampler
from talos_ref.golden.linear import Linear, ScaledLinear
from talos_ref.golden.precise import precise
from talos_ref.golden.rmsnorm import TableRmsNorm
from talos_ref.model.config import ModelConfig

__all__ = ["folded"]


def folded(config: ModelConfig, word: Format = Q4_12) -> Arithmetic:
    """Return the arithmetic of models whose part before attention can be a table of (token, position).

    Raises ValueError if the model has more than one layer, or the word is none of ``FORMATS``.
    """
    if config.n_layer != 1:
        raise ValueError(f"n_layer must be 1 in folded, not {config.n_layer}; use precise for more layers")
    word = replace(word, rounding=Rounding.NEAREST)
    if word not in [replace(format, rounding=Rounding.NEAREST) for format in FORMATS]:
        raise ValueError(f"word must be one of {', '.join(map(str, FORMATS))} in folded, not {word}")
    rmsnorm = TableRmsNorm(n=config.n_embd, word=word)
    logit = replace(word, width=word.width + 1)
    mlp = FoldedMlp(
        linear=Linear(word=word),
        scaled_linear=ScaledLinear(word=logit, scale_format=rmsnorm.scale_format),
        rmsnorm=rmsnorm,
    )
    return replace(precise(config, word), name="folded", mlp=mlp, sampler=GumbelSampler(noise=GumbelNoise()))
