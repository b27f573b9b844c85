"""One arithmetic as an object, which the golden model and the circuits are built from."""

from __future__ import annotations

from dataclasses import dataclass

from talos_ref.golden.attention import Attention
from talos_ref.golden.format import Format
from talos_ref.golden.linear import Linear, ScaledLinear, add
from talos_ref.golden.mlp import Mlp
from talos_ref.golden.rmsnorm import RmsNorm, normalise
from talos_ref.golden.sampler import Sampler

__all__ = ["Arithmetic"]


@dataclass(frozen=True, kw_only=True)
class Arithmetic:
    """What every unit of the datapath computes, to the bit."""

    name: str
    word: Format
    """Weights and stored activations."""
    linear: Linear
    rmsnorm: RmsNorm
    attention: Attention
    mlp: Mlp
    sampler: Sampler

    @property
    def scaled_linear(self) -> ScaledLinear | None:
        """Where a scale is deferred past a product; None if every vector is normalised before it."""
        return self.mlp.scaled_linear

    @property
    def logit(self) -> Format:
        """Format of a logit."""
        return self.mlp.logit

    @property
    def deferred(self) -> bool:
        """Whether RMSNorm's scale is applied after the MLP, whose second matrix joins lm_head in the last layer."""
        return self.scaled_linear is not None

    @property
    def folds_projection(self) -> bool:
        """Whether Wo is multiplied into what follows it; what precedes attention is then in ROM, and the model has one
        layer."""
        return self.mlp.folds_projection

    def normalise(self, x: list[int]) -> list[int]:
        """Return ``sat(round(x · scale(x)))``."""
        return normalise(self.rmsnorm, x)

    def add(self, a: list[int], b: list[int]) -> list[int]:
        """Return the saturated sum of two vectors."""
        return add(self.word, a, b)
