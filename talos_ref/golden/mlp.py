"""What follows attention in a layer: output projection, MLP and, in the last layer, the head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from talos_ref.golden import arrays
from talos_ref.golden.arrays import Ints, Product, Saturate
from talos_ref.golden.format import Format
from talos_ref.golden.linear import Linear, Matrix, ScaledLinear, add, matvec
from talos_ref.golden.rmsnorm import RmsNorm, batched_normalise, normalise
from talos_ref.model.config import ModelConfig

__all__ = [
    "DeferredMlp",
    "Mlp",
    "PlainMlp",
    "Products",
    "Tensors",
    "Vector",
    "Words",
    "batched_project",
    "project",
]

Words = Mapping[str, npt.NDArray[Any]]
"""Tensor name -> words [rows, columns]."""
Tensors = Mapping[str, Matrix]
Products = Mapping[str, Product]
Vector = Sequence[int]


class Mlp(Protocol):
    """The part of a step from attention's output on.

    ``at`` is the prefix of a layer's tensors, ``x`` the residual stream before attention is added, ``attended`` the
    output of attention; n_embd words each. In the batched forms ``saturate`` is given the units of a layer under that
    prefix, the logits without.
    """

    @property
    def scaled_linear(self) -> ScaledLinear | None:
        """What applies RMSNorm's scale after the MLP; None if its input is normalised."""

    @property
    def logit(self) -> Format:
        """Format of a logit."""

    @property
    def folds_projection(self) -> bool:
        """Whether the last layer multiplies attention's output alone, and adds functions of its input x beside."""

    def addends(self, tensors: Tensors, at: str, x: Vector) -> tuple[list[int], list[int]]:
        """Return those functions: mlp_dim words for the hidden units, vocab_size for the logits; without, nothing."""

    def fold(self, words: Words, config: ModelConfig, saturate: Saturate) -> dict[str, Ints]:
        """Return the constants that are made of the weights, by name; each saturates as a unit of that name."""

    def hidden(self, tensors: Tensors, at: str, x: Vector, attended: Vector) -> list[int]:
        """Return the hidden units, mlp_dim words, not negative."""

    def layer(self, tensors: Tensors, at: str, x: Vector, attended: Vector, hidden: Vector) -> list[int]:
        """Return the residual stream after the layer, from its hidden units."""

    def last_layer(self, tensors: Tensors, at: str, x: Vector, attended: Vector, hidden: Vector) -> list[int]:
        """Return the logits, from the hidden units."""

    def batched_layer(self, products: Products, at: str, x: Ints, attended: Ints, saturate: Saturate) -> Ints:
        """Return ``layer`` of every name [name, n_embd]."""

    def batched_last_layer(self, products: Products, at: str, x: Ints, attended: Ints, saturate: Saturate) -> Ints:
        """Return ``last_layer`` of every name [name, vocab]."""

    def constants(self) -> dict[str, Any]:
        """Return the constants that need no weights, by name."""


@dataclass(frozen=True, kw_only=True)
class PlainMlp:
    """The formula of the model, each product rounded to words.

        x1 = x + Wo · attended;  hidden = relu(fc1 · norm(x1));  x2 = x1 + fc2 · hidden;  logits = lm_head · x2
    """

    linear: Linear
    rmsnorm: RmsNorm
    scaled_linear: None = None
    folds_projection: ClassVar[bool] = False

    def addends(self, tensors: Tensors, at: str, x: Vector) -> tuple[list[int], list[int]]:
        """Return nothing."""
        return [], []

    @property
    def logit(self) -> Format:
        """A word."""
        return self.linear.word

    def fold(self, words: Words, config: ModelConfig, saturate: Saturate) -> dict[str, Ints]:
        """Return nothing: no constant is made of the weights."""
        return {}

    def hidden(self, tensors: Tensors, at: str, x: Vector, attended: Vector) -> list[int]:
        """Return the hidden units."""
        normed = normalise(self.rmsnorm, project(self.linear, tensors, at, x, attended))
        return [max(value, 0) for value in self.linear.compute(tensors[at + "fc1"], normed)]

    def layer(self, tensors: Tensors, at: str, x: Vector, attended: Vector, hidden: Vector) -> list[int]:
        """Return the residual stream after the layer."""
        x = project(self.linear, tensors, at, x, attended)
        return add(self.linear.word, x, self.linear.compute(tensors[at + "fc2"], hidden))

    def last_layer(self, tensors: Tensors, at: str, x: Vector, attended: Vector, hidden: Vector) -> list[int]:
        """Return the logits."""
        return self.linear.compute(tensors["lm_head"], self.layer(tensors, at, x, attended, hidden))

    def batched_layer(self, products: Products, at: str, x: Ints, attended: Ints, saturate: Saturate) -> Ints:
        """Return ``layer`` of every name."""
        linear = self.linear
        saturate = arrays.within(at, saturate)
        x = batched_project(linear, products, at, x, attended, saturate)
        normed = batched_normalise(self.rmsnorm, x, saturate)
        hidden = _batched_relu(linear, products[at + "fc1"](normed), saturate)
        mlp = linear.batched_requantise("mlp", products[at + "fc2"](hidden), saturate)
        return arrays.add("residual", linear.word, x, mlp, saturate)

    def batched_last_layer(self, products: Products, at: str, x: Ints, attended: Ints, saturate: Saturate) -> Ints:
        """Return ``last_layer`` of every name."""
        x = self.batched_layer(products, at, x, attended, saturate)
        return self.linear.batched_requantise("logits", products["lm_head"](x), saturate)

    def constants(self) -> dict[str, Any]:
        """Return nothing."""
        return {}


@dataclass(frozen=True, kw_only=True)
class DeferredMlp:
    """RMSNorm's scale is applied after the MLP, and the last layer's second matrix joins the head.

        x1 = x + Wo · attended;  hidden = relu(fc1 · x1);  s = scale(x1)
        x2 = x1 + s · (fc2 · hidden);  logits = lm_head · x1 + s · (folded · hidden)
        folded = sat(round(lm_head · fc2)), a word each

    A positive scale commutes with both products and with ReLU, so that it can be made beside them.
    """

    linear: Linear
    scaled_linear: ScaledLinear
    rmsnorm: RmsNorm
    folds_projection: ClassVar[bool] = False

    def addends(self, tensors: Tensors, at: str, x: Vector) -> tuple[list[int], list[int]]:
        """Return nothing."""
        return [], []

    @property
    def logit(self) -> Format:
        """A word."""
        return self.linear.word

    def fold(self, words: Words, config: ModelConfig, saturate: Saturate) -> dict[str, Ints]:
        """Return ``folded`` [vocab, mlp_dim], each exact sum rounded once to a word."""
        head, fc2 = (words[name].astype(np.int64) for name in ("lm_head", f"layer{config.n_layer - 1}.fc2"))
        return {"folded": self.linear.batched_requantise("folded", head @ fc2, saturate)}

    def hidden(self, tensors: Tensors, at: str, x: Vector, attended: Vector) -> list[int]:
        """Return the hidden units before the scale."""
        x = project(self.linear, tensors, at, x, attended)
        return [max(value, 0) for value in self.linear.compute(tensors[at + "fc1"], x)]

    def layer(self, tensors: Tensors, at: str, x: Vector, attended: Vector, hidden: Vector) -> list[int]:
        """Return the residual stream after the layer."""
        x = project(self.linear, tensors, at, x, attended)
        scale = self.rmsnorm.scale(x)
        mlp = [self.scaled_linear.requantise(total, scale) for total in matvec(tensors[at + "fc2"], hidden)]
        return add(self.linear.word, x, mlp)

    def last_layer(self, tensors: Tensors, at: str, x: Vector, attended: Vector, hidden: Vector) -> list[int]:
        """Return the logits."""
        x = project(self.linear, tensors, at, x, attended)
        scale = self.rmsnorm.scale(x)
        totals = zip(matvec(tensors["folded"], hidden), matvec(tensors["lm_head"], x), strict=True)
        return [self.scaled_linear.requantise(total, scale, addend) for total, addend in totals]

    def _batched_enter(
        self, products: Products, at: str, x: Ints, attended: Ints, saturate: Saturate
    ) -> tuple[Ints, Ints, Ints]:
        """Return the residual stream after attention, the hidden units and the scale."""
        saturate = arrays.within(at, saturate)
        x = batched_project(self.linear, products, at, x, attended, saturate)
        hidden = _batched_relu(self.linear, products[at + "fc1"](x), saturate)
        return x, hidden, self.rmsnorm.batched_scale(x, saturate)

    def batched_layer(self, products: Products, at: str, x: Ints, attended: Ints, saturate: Saturate) -> Ints:
        """Return ``layer`` of every name."""
        x, hidden, scale = self._batched_enter(products, at, x, attended, saturate)
        mlp = self.scaled_linear.batched_requantise(f"{at}mlp", products[at + "fc2"](hidden), scale, saturate)
        return arrays.add(f"{at}residual", self.linear.word, x, mlp, saturate)

    def batched_last_layer(self, products: Products, at: str, x: Ints, attended: Ints, saturate: Saturate) -> Ints:
        """Return ``last_layer`` of every name."""
        x, hidden, scale = self._batched_enter(products, at, x, attended, saturate)
        totals, addends = products["folded"](hidden), products["lm_head"](x)
        return self.scaled_linear.batched_requantise("logits", totals, scale, saturate, addends)

    def constants(self) -> dict[str, Any]:
        """Return the format that a sum has before its scale."""
        return {"wide": str(self.scaled_linear.wide)}


def project(linear: Linear, tensors: Tensors, at: str, x: Vector, attended: Vector) -> list[int]:
    """Return the residual stream after attention."""
    return add(linear.word, x, linear.compute(tensors[at + "wo"], attended))


def batched_project(linear: Linear, products: Products, at: str, x: Ints, attended: Ints, saturate: Saturate) -> Ints:
    """Return the residual streams [name, n_embd] after attention."""
    projected = linear.batched_requantise("projection", products[at + "wo"](attended), saturate)
    return arrays.add("residual", linear.word, x, projected, saturate)


def _batched_relu(linear: Linear, totals: Ints, saturate: Saturate) -> Ints:
    # ReLU first: what it drops does not saturate.
    return linear.batched_requantise("hidden", np.maximum(totals, 0), saturate)
