"""Attention: scores and weights by their formulas, and outputs against softmax in floating point."""

from __future__ import annotations

import math
import random

import pytest

from talos_ref.golden.arithmetic import precise, talos_v2
from talos_ref.golden.attention import Exp2Attention, StepAttention, attend
from talos_ref.golden.exp import EXP_TABLE
from talos_ref.golden.format import FORMATS, Format
from talos_ref.golden.kv_cache import KVCache, LayerCache
from talos_ref.model.config import MICROGPT, ModelConfig


def vectors(rng: random.Random, count: int, size: int, spread: int) -> list[list[int]]:
    return [[rng.randint(-spread, spread) for _ in range(size)] for _ in range(count)]


def published(q: list[int], keys: list[list[int]], values: list[list[int]]) -> list[int]:
    """One head of four lanes, straight from the description of the published machine."""
    scores = [min(max(((sum(a * b for a, b in zip(q, key, strict=True)) >> 12) >> 1), -32768), 32767) for key in keys]
    weights = [EXP_TABLE[min(((max(scores) - score) + 511) >> 10, 31)] for score in scores]
    out = []
    for lane in range(4):
        numerator = sum(weight * value[lane] for weight, value in zip(weights, values, strict=True))
        quotient = abs(numerator) // sum(weights) * (1 if numerator >= 0 else -1)
        out.append(min(max(quotient, -32768), 32767))
    return out


@pytest.mark.parametrize("spread", [200, 4096, 12000, 32767])
def test_published_attention(spread: int) -> None:
    rng = random.Random(spread)
    attention = talos_v2(MICROGPT).attention
    for _ in range(300):
        count = rng.randint(1, 16)
        (q,) = vectors(rng, 1, 16, spread)
        keys, values = vectors(rng, count, 16, spread), vectors(rng, count, 16, spread)
        expected = []
        for head in range(4):
            lanes = slice(4 * head, 4 * head + 4)
            expected += published(q[lanes], [key[lanes] for key in keys], [value[lanes] for value in values])
        assert attend(attention, q, LayerCache(keys, values)) == expected


@pytest.mark.parametrize("word", FORMATS, ids=str)
def test_precise_attention_is_softmax(word: Format) -> None:
    """Within two units of 2^-12 and the share that t's rounding to 2^-12 moves."""
    rng = random.Random(4)
    attention = precise(MICROGPT, word).attention
    for _ in range(300):
        count = rng.randint(1, 16)
        (q,) = vectors(rng, 1, 16, 6000)
        keys, values = vectors(rng, count, 16, 6000), vectors(rng, count, 16, 4096)
        out = attend(attention, q, LayerCache(keys, values))
        for lane in range(16):
            head = slice(lane // 4 * 4, lane // 4 * 4 + 4)
            # The query carries log2(e) / sqrt(head_dim) already, so the weights are powers of two.
            scores = [sum(a * b for a, b in zip(q[head], key[head], strict=True)) / 2**24 for key in keys]
            weights = [2 ** (score - max(scores)) for score in scores]
            exact = sum(w * value[lane] for w, value in zip(weights, values, strict=True)) / sum(weights)
            assert abs(out[lane] - exact) <= 3


def test_scores() -> None:
    step, exp2 = talos_v2(MICROGPT).attention, precise(MICROGPT).attention
    assert isinstance(step, StepAttention)
    assert isinstance(exp2, Exp2Attention)
    assert (step.score_shift, step.score(8191), step.score(-1), step.score(1 << 40)) == (13, 0, -1, 32767)
    assert [exp2.score(total) for total in (2047, 2048, -2048, -2049)] == [0, 1, 0, -1]
    # Never saturated: products of 16-bit words over a head reach far beyond them.
    assert exp2.score(4 << 30) == 4 << 18


@pytest.mark.parametrize(("head_dim", "scale"), [(1, 11819), (2, 8357), (4, 5909), (8, 4178), (16, 2955)])
def test_query_scale(head_dim: int, scale: int) -> None:
    attention = precise(ModelConfig(n_embd=16, n_head=16 // head_dim)).attention
    assert isinstance(attention, Exp2Attention)
    assert attention.query_scale == scale
    assert abs(scale / 8192 - math.log2(math.e) / math.sqrt(head_dim)) <= 2**-14


@pytest.mark.parametrize("n_head", [8, 2])
def test_published_needs_a_power_of_four(n_head: int) -> None:
    with pytest.raises(ValueError, match=rf"^head_dim must be a power of four in talos-v2, not {16 // n_head}$"):
        talos_v2(ModelConfig(n_head=n_head))


def test_one_position_is_its_value() -> None:
    value = [100 * lane - 700 for lane in range(16)]
    for spec in (talos_v2(MICROGPT), precise(MICROGPT)):
        out = attend(spec.attention, [4096] * 16, LayerCache([[500] * 16], [value]))
        assert max(abs(a - b) for a, b in zip(out, value, strict=True)) <= (0 if spec.name == "talos-v2" else 1)


def test_attention_over_one_position_without_fraction() -> None:
    """A score of 0 has the mantissa 65534, just below 1: the reciprocal takes it."""
    out = attend(precise(MICROGPT).attention, [0] * 16, LayerCache([[0] * 16], [[4096] * 16]))
    assert out == [4096] * 16


def test_cache() -> None:
    cache = KVCache(ModelConfig(n_layer=2))
    for layer in cache.layers:
        layer.keys.extend([[1], [2], [3]])
        layer.values.extend([[4], [5], [6]])
    assert len(cache) == 3
    cache.truncate(1)
    assert len(cache) == 1
    assert [(layer.keys, layer.values) for layer in cache.layers] == [([[1]], [[4]])] * 2
