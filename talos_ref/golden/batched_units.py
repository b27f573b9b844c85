"""The integer units on arrays: parameters, tables and formulas of their plain counterparts, many values at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from talos_ref.golden import format as plain
from talos_ref.golden.attention import Attention, StepAttention
from talos_ref.golden.divide import ReciprocalDivide, TruncatingDivide
from talos_ref.golden.exp import Exp2, StepExp, WrappingExp
from talos_ref.golden.format import Format, Rounding
from talos_ref.golden.linear import ScaledLinear
from talos_ref.golden.rmsnorm import RmsNorm, RootRmsNorm
from talos_ref.golden.sampler import BucketSampler, Sampler

__all__ = [
    "Ints",
    "Product",
    "saturate",
    "requantise",
    "requantise_scaled",
    "add",
    "rms_scale",
    "normalise",
    "attend",
    "sampling_weights",
    "draw",
]

Ints = npt.NDArray[np.int64]

_shift: Callable[[Any, int, Rounding], Any] = plain.shift_right
"""The plain shift holds for arrays as it stands: it only adds and shifts."""


def saturate(format: Format, values: Ints) -> Ints:
    """Return ``Format.saturate`` of every element."""
    result: Ints = np.clip(values, format.low, format.high)
    return result


def requantise(format: Format, values: Ints, fraction: int) -> Ints:
    """Return ``Format.requantise`` of every element; ``fraction`` is what the elements have."""
    return saturate(format, _shift(values, fraction - format.fraction, format.rounding))


def add(word: Format, a: Ints, b: Ints) -> Ints:
    """Return the saturated sum."""
    return saturate(word, a + b)


class Product:
    """``matrix · x`` for many vectors: exact Q.24 sums [name, rows] from words [name, columns].

    Float64 holds the sums exactly: at most 1,024 products below 2^30 stay under 2^53.
    """

    def __init__(self, matrix: npt.ArrayLike) -> None:
        self.transposed = np.ascontiguousarray(np.asarray(matrix, dtype=np.float64).T)
        # OpenBLAS wakes its threads from 2^18 multiplications on, which takes several times as long as the product.
        self.block = max(1, (1 << 18) // self.transposed.size - 1)

    def __call__(self, x: Ints) -> Ints:
        vectors = x.astype(np.float64)
        sums = np.empty((len(x), self.transposed.shape[1]))
        for start in range(0, len(x), self.block):
            block = slice(start, start + self.block)
            np.matmul(vectors[block], self.transposed, out=sums[block])
        return sums.astype(np.int64)


def requantise_scaled(linear: ScaledLinear, total: Ints, scale: Ints | int, addend: Ints | int = 0) -> Ints:
    """Return ``ScaledLinear.requantise`` of every element."""
    fraction = linear.wide.fraction + linear.scale_format.fraction
    wide = requantise(linear.wide, total, 2 * linear.word.fraction)
    product = wide * scale + (addend << (fraction - 2 * linear.word.fraction))
    return saturate(linear.word, _shift(product, fraction - linear.word.fraction, Rounding.NEAREST))


def _bit_length(values: Ints) -> Ints:
    # Exact below 2^53, and no sum of squares or weights comes near.
    return np.frexp(values.astype(np.float64))[1].astype(np.int64)


def _nearest(values: Ints, bits: Ints) -> Ints:
    return (values + ((1 << bits) >> 1)) >> bits


def _tabulate(function: Callable[[int], int], inputs: Iterable[int]) -> Ints:
    return np.array([function(value) for value in inputs], dtype=np.int64)


@cache
def _rsqrt(norm: RmsNorm) -> tuple[int, Ints]:
    assert not isinstance(norm, RootRmsNorm)
    low = norm.table.first << norm.table.step_bits
    return low, _tabulate(norm.table.compute, range(low, 1 << norm.table.input_bits))


@cache
def _reciprocal(divide: ReciprocalDivide) -> tuple[int, Ints]:
    low = divide.table.first << divide.table.step_bits
    return low, _tabulate(divide.table.compute, range(low, 1 << divide.table.input_bits))


@cache
def _falling(exp: StepExp | WrappingExp, bits: int) -> Ints:
    return _tabulate(lambda fall: exp.compute(-fall), range(1 << bits))


def _weights_of_fall(exp: StepExp | WrappingExp, fall: Ints) -> Ints:
    return _falling(exp, int(fall.max()).bit_length())[fall]


@cache
def _mantissas(exp: Exp2) -> Ints:
    return _tabulate(exp.table.compute, range(1 << exp.fraction))


def rms_scale(norm: RmsNorm, x: Ints) -> Ints:
    """Return the scale [name, 1] of every vector [name, n_embd]."""
    square: Callable[[Any], Any] = norm.square
    total: Ints = square(x).sum(axis=-1, keepdims=True)
    if isinstance(norm, RootRmsNorm):
        mean = (total >> norm.log2_n) + 1
        # A correctly rounded root of a number below 2^52 is never rounded up to an integer it does not reach.
        root = np.sqrt((mean << norm.word.fraction).astype(np.float64)).astype(np.int64)
        return np.minimum((1 << 2 * norm.word.fraction) // root, norm.scale_format.high)
    m = total + norm.eps
    e = (_bit_length(m) + 1) // 2
    denormalise = np.maximum(e - norm.unit_exponent, 0)
    low, table = _rsqrt(norm)
    u = m >> (2 * (denormalise + norm.unit_exponent) - norm.table.input_bits)
    scale = saturate(norm.scale_format, _nearest(table[np.maximum(u - low, 0)], denormalise))
    return np.where(e < norm.unit_exponent, norm.scale_format.high, scale)


def normalise(word: Format, norm: RmsNorm, x: Ints) -> Ints:
    """Return every vector [name, n_embd] times its scale, as words."""
    return requantise(word, x * rms_scale(norm, x), word.fraction + norm.scale_format.fraction)


def _exp2_weights(exp: Exp2, t: Ints) -> Ints:
    """Return the weights of sums that lie along the last axis."""
    exponent: Callable[[Any], Any] = exp.exponent
    n = exponent(t)
    mantissa = _mantissas(exp)[t & ((1 << exp.fraction) - 1)]
    # Past the mantissa's width nothing is left, however far the shift goes.
    weights: Ints = mantissa >> np.minimum(n.max(axis=-1, keepdims=True) - n, exp.width)
    return weights


def _divide(divide: TruncatingDivide | ReciprocalDivide, numerator: Ints, denominator: Ints) -> Ints:
    word = divide.word
    if isinstance(divide, TruncatingDivide):
        return saturate(word, np.sign(numerator) * (np.abs(numerator) // denominator))
    table = divide.table
    e = _bit_length(denominator) - table.input_bits
    low, reciprocals = _reciprocal(divide)
    wide = numerator >> (e + table.input_bits - divide.guard)
    quotient = _shift(wide * reciprocals[(denominator >> e) - low], table.fraction + divide.guard, Rounding.NEAREST)
    return saturate(word, quotient)


def attend(attention: Attention, q: Ints, keys: Ints, values: Ints) -> Ints:
    """Return the outputs [name, n_embd] of queries [name, n_embd] over keys and values [name, position, n_embd]."""
    by_head = (-1, q.shape[1] // attention.head_dim, attention.head_dim)
    positions = (len(q), -1, *by_head[1:])
    totals = np.einsum("nhd,nphd->nhp", q.reshape(by_head), keys.reshape(positions))
    if isinstance(attention, StepAttention):
        scores = saturate(attention.word, _shift(totals, attention.score_shift, Rounding.FLOOR))
        weights = _weights_of_fall(attention.exp, scores.max(axis=-1, keepdims=True) - scores)
    else:
        score: Callable[[Any], Any] = attention.score
        weights = _exp2_weights(attention.exp, score(totals))
    numerator = np.einsum("nhp,nphd->nhd", weights, values.reshape(positions))
    denominator = weights.sum(axis=-1, keepdims=True)  # [name, head, 1]
    return _divide(attention.divide, numerator, denominator).reshape(q.shape)


def sampling_weights(sampler: Sampler, logits: Ints, temperature: int) -> Ints:
    """Return the weights of all tokens [name, vocab] at a temperature (UQ8.8)."""
    if isinstance(sampler, BucketSampler):
        temper: Callable[[Any, int], Any] = sampler.temper
        return _weights_of_fall(sampler.exp, -temper(logits - logits.max(axis=-1, keepdims=True), temperature))
    inverse, shift = sampler.inverse(temperature), sampler.shift(temperature)
    return _exp2_weights(sampler.exp, _shift(logits * inverse, shift, Rounding.NEAREST))


def draw(sampler: Sampler, logits: Ints, temperature: int, rng: Ints) -> Ints:
    """Return the tokens [name] drawn from logits [name, vocab] at a temperature (UQ8.8) with the states [name]."""
    sums = sampling_weights(sampler, logits, temperature).cumsum(axis=-1)
    if isinstance(sampler, BucketSampler):
        sums &= 0xFFFFFFFF
        total = sums[:, -1]
        uniform = (rng * sampler.multiplier & 0xFFFFFFFF) >> 8
        cut = np.minimum(uniform * total >> 24, (total - 1) & 0xFFFFFFFF)
    else:
        threshold: Callable[[Any, Any], Any] = sampler.cut
        cut = threshold(rng, sums[:, -1])
    beyond = sums > cut[:, None]
    tokens: Ints = np.where(beyond.any(axis=-1), beyond.argmax(axis=-1), logits.argmax(axis=-1))
    return tokens
