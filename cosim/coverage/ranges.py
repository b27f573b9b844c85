"""What each unit of a design can be given to bring to its format, by the weights: no clipping beyond it is possible.

Every token at every position is taken, and any weights that attention may give to what it attends to.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from cosim.coverage.spans import Span, SpanProduct
from hdl.design import Design
from talos_ref.golden import arrays
from talos_ref.golden.arrays import Ints
from talos_ref.golden.format import Format
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.golden.rmsnorm import RmsNorm, batched_normalise

__all__ = ["Range", "ranges"]

_CASES = 1000
"""Tokens and positions that are followed one by one; of more, what they span."""


@dataclass(frozen=True)
class Range:
    """Of a unit: its format, and the least and the largest of each element before it clips, [element]."""

    format: Format
    low: Ints
    high: Ints

    def joined(self, other: Range) -> Range:
        """Return what spans both."""
        if self.low.shape != other.low.shape:
            return Range(self.format, np.array([self.low.min(), other.low.min()]).min(keepdims=True),
                         np.array([self.high.max(), other.high.max()]).max(keepdims=True))  # fmt: skip
        return Range(self.format, np.minimum(self.low, other.low), np.maximum(self.high, other.high))

    @property
    def words(self) -> tuple[Ints, Ints]:
        """The least and the largest of each element after clipping."""
        return np.clip(self.low, *self._ends), np.clip(self.high, *self._ends)

    @property
    def _ends(self) -> tuple[int, int]:
        return self.format.low, self.format.high


class _Recorder:
    """Takes the place of `arrays.saturate`, and keeps what it is given."""

    def __init__(self) -> None:
        self.ranges: dict[str, Range] = {}

    def __call__(self, unit: str, format: Format, values: Any) -> Any:
        span = cast(Span, values)
        self._keep(unit, format, span.low, span.high)
        if span.floored is not None:
            # The circuit clips before ReLU.
            self._keep(f"{unit} sum", format, span.floored.astype(np.int64), span.high)
        return span.clip(format.low, format.high)

    def _keep(self, unit: str, format: Format, low: Ints, high: Ints) -> None:
        width = low.shape[-1]
        found = Range(format, low.reshape(-1, width).min(0), high.reshape(-1, width).max(0))
        self.ranges[unit] = self.ranges[unit].joined(found) if unit in self.ranges else found


class _SpanNorm:
    """RMSNorm of spans: its scale falls as the sum of squares rises, but for `SLACK` where lines of its table meet."""

    SLACK = 2

    def __init__(self, norm: RmsNorm) -> None:
        self._norm = norm
        self.word, self.scale_format = norm.word, norm.scale_format

    def batched_scale(self, x: Any, saturate: Any) -> Any:
        """Return the scales [case, 1] of vectors [case, n]."""
        norm = cast(Any, self._norm)
        near = np.where((x.low <= 0) & (x.high >= 0), 0, np.minimum(np.abs(x.low), np.abs(x.high)))
        far = np.maximum(np.abs(x.low), np.abs(x.high))
        least, most = (
            [norm.scale_of_sum(sum(map(norm.square, row))) for row in size.tolist()] for size in (far, near)
        )
        exact = (near == far).all(axis=1)
        top = self.scale_format.high
        slack = np.where(exact, 0, self.SLACK)
        # A scale at the format's highest may have been clipped to it.
        low = np.maximum(np.array(least) - slack, 0)
        high = np.where(np.array(most) + slack >= top, top + 1, np.array(most) + slack)
        scale = saturate("scale", self.scale_format, Span.between(low[:, None], high[:, None]))
        return _Scale(scale.center, scale.terms, scale.radius, vector=x, most=self._most(int(far.max())))

    def _most(self, largest: int) -> int:
        """Return what an element up to ``largest`` times the scale is at most: its own square is in the sum."""
        norm = cast(Any, self._norm)
        products: list[int] = [
            value * min(norm.scale_of_sum(norm.square(value)) + self.SLACK, self.scale_format.high)
            for value in range(largest + 1)
        ]
        return max(products)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Scale(Span):
    """The scales of vectors, which know what their own vector can become by them."""

    vector: Span
    most: int

    def __rmul__(self, other: Any) -> Span:
        product = Span.__mul__(other, self)
        return product.clip(-self.most, self.most) if other is self.vector else product


def ranges(design: Design) -> dict[str, Range]:
    """Return unit -> range, by the names that `talos_ref.golden.batched.BatchedModel` gives to units."""
    config, arithmetic = design.model, design.arithmetic
    model, record = IntegerModel(design.checkpoint, arithmetic), _Recorder()
    norm = cast(RmsNorm, _SpanNorm(arithmetic.rmsnorm))
    mlp = replace(cast(Any, arithmetic.mlp), rmsnorm=norm)
    saturate = cast(arrays.Saturate, record)
    products = {name: SpanProduct(matrix) for name, matrix in model.tensors.items() if name not in ("wte", "wpe")}
    wte, wpe = (np.array(model.tensors[name], dtype=np.float64) for name in ("wte", "wpe"))
    embedded = (wpe[:, None, :] + wte[None, :, :]).reshape(-1, config.n_embd)
    x = record("embed", arithmetic.word, _few(Span.of(embedded)))
    x = batched_normalise(norm, x, saturate)
    for layer in range(config.n_layer):
        at = f"layer{layer}."
        within = arrays.within(at, saturate)
        normed: Any = batched_normalise(norm, cast(Ints, x), within)
        q, k, v = (cast(Ints, products[f"{at}w{name}"](normed)) for name in "qkv")
        k, v = (arithmetic.linear.batched_requantise(name, total, within) for name, total in (("k", k), ("v", v)))
        q = arithmetic.attention.batched_query(q, within)
        _scores(design, cast(Any, q), cast(Any, k), within)
        attended = _attended(arithmetic.word, cast(Any, v), within)
        if layer < config.n_layer - 1:
            x = mlp.batched_layer(products, at, x, attended, saturate)
            x = Span.between(x.low, x.high)
    mlp.batched_last_layer(products, at, x, attended, saturate)
    return record.ranges


def _few(span: Span) -> Span:
    if len(span.center) <= _CASES:
        return span
    return Span.between(span.low.min(0, keepdims=True), span.high.max(0, keepdims=True))


def _scores(design: Design, q: Span, k: Span, saturate: Any) -> None:
    """Score every query against every key, where scores saturate; of keys that come later, too."""
    heads = (-1, design.model.n_head, design.model.head_dim)
    low, high = 0, 0
    queries = [end.reshape(heads) for end in (q.low, q.high)]
    keys = [end.reshape(heads) for end in (k.low, k.high)]
    for head in range(design.model.n_head):
        total = np.zeros((2, len(queries[0]), len(keys[0])))
        for lane in range(design.model.head_dim):
            ends = [np.multiply.outer(a[:, head, lane], b[:, head, lane]) for a in queries for b in keys]
            total += np.minimum.reduce(ends), np.maximum.reduce(ends)
        low, high = min(low, int(total[0].min())), max(high, int(total[1].max()))
    design.arithmetic.attention.batched_score(cast(Ints, Span.between([[low]], [[high]])), saturate)


def _attended(word: Format, v: Span, saturate: Any) -> Any:
    """Return what attention makes of values: a mean of them, a few units away where it is made by a reciprocal."""
    low, high = v.low.min(0, keepdims=True), v.high.max(0, keepdims=True)
    slack = (np.maximum(np.abs(low), np.abs(high)) >> 13) + 2
    return saturate("attention", word, Span.between(low - slack, high + slack, symbols=True))
