"""What follows attention in ``folded``: one product of its output, made with Wo multiplied into all that follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from talos_ref.golden import arrays
from talos_ref.golden.arrays import Ints, Saturate
from talos_ref.golden.format import Format
from talos_ref.golden.linear import matvec
from talos_ref.golden.mlp import DeferredMlp, Products, Tensors, Vector, Words, batched_project, project
from talos_ref.model.config import ModelConfig

__all__ = ["FoldedMlp"]


@dataclass(frozen=True, kw_only=True)
class FoldedMlp(DeferredMlp):
    """The last layer of `DeferredMlp` with Wo multiplied into fc1 and lm_head.

        hidden = relu(F1 + fc1_wo · attended)            F1 = fc1 · x,      fc1_wo = fc1 · Wo
        logits = L + lm_head_wo · attended + s · (folded · hidden)          L = lm_head · x,  lm_head_wo = lm_head · Wo

    ``s`` is RMSNorm's scale of ``x + Wo · attended``, which nothing else needs. F1, L and the products of two matrices
    are words, rounded once. In a model of one layer F1 and L are functions of token and position alone. A logit, whose
    format ``scaled_linear`` has, is one integer bit wider than a word: the least likely letters lie below -8.
    """

    folds_projection: ClassVar[bool] = True

    @property
    def logit(self) -> Format:
        """A word with one integer bit more."""
        return self.scaled_linear.word

    def fold(self, words: Words, config: ModelConfig, saturate: Saturate) -> dict[str, Ints]:
        """Return ``folded`` [vocab, mlp_dim], ``fc1_wo`` [mlp_dim, n_embd] and ``lm_head_wo`` [vocab, n_embd]."""
        at = f"layer{config.n_layer - 1}."
        fc1, head, wo = (words[name].astype(np.int64) for name in (at + "fc1", "lm_head", at + "wo"))
        products = {"fc1_wo": fc1 @ wo, "lm_head_wo": head @ wo}
        return DeferredMlp.fold(self, words, config, saturate) | {
            name: self.linear.batched_requantise(name, product, saturate) for name, product in products.items()
        }

    def addends(self, tensors: Tensors, at: str, x: Vector) -> tuple[list[int], list[int]]:
        """Return F1, mlp_dim words, and L, vocab_size words, of the residual stream before attention is added."""
        return self.linear.compute(tensors[at + "fc1"], x), self.linear.compute(tensors["lm_head"], x)

    def hidden(self, tensors: Tensors, at: str, x: Vector, attended: Vector) -> list[int]:
        """Return the hidden units before the scale."""
        addends, _ = self.addends(tensors, at, x)
        totals = zip(matvec(tensors["fc1_wo"], attended), addends, strict=True)
        return [max(self.linear.requantise(total + self.as_sum(addend)), 0) for total, addend in totals]

    def as_sum(self, word: int) -> int:
        """Return a word as a Q.24 sum."""
        return word << self.linear.word.fraction

    def last_layer(self, tensors: Tensors, at: str, x: Vector, attended: Vector, hidden: Vector) -> list[int]:
        """Return the logits."""
        scale = self.rmsnorm.scale(project(self.linear, tensors, at, x, attended))
        _, addends = self.addends(tensors, at, x)
        direct = zip(matvec(tensors["lm_head_wo"], attended), addends, strict=True)
        return [
            self.scaled_linear.requantise(total, scale, part + self.as_sum(addend))
            for total, (part, addend) in zip(matvec(tensors["folded"], hidden), direct, strict=True)
        ]

    def batched_last_layer(self, products: Products, at: str, x: Ints, attended: Ints, saturate: Saturate) -> Ints:
        """Return ``last_layer`` of every name."""
        within, linear = arrays.within(at, saturate), self.linear
        shift = linear.word.fraction
        stream = batched_project(linear, products, at, x, attended, within)
        scale = self.rmsnorm.batched_scale(stream, within)
        first = linear.batched_requantise("hidden addend", products[at + "fc1"](x), within)
        direct = linear.batched_requantise("logits addend", products["lm_head"](x), saturate)
        # ReLU first: what it drops does not saturate.
        sums = np.maximum(products["fc1_wo"](attended) + (first << shift), 0)
        hidden = linear.batched_requantise("hidden", sums, within)
        addends = products["lm_head_wo"](attended) + (direct << shift)
        return self.scaled_linear.batched_requantise("logits", products["folded"](hidden), scale, saturate, addends)
