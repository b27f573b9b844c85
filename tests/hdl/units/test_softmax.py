"""Scores, what is kept of them, and attention weights, against the golden specifications of both arithmetics."""

from __future__ import annotations

import random
from typing import Any

import pytest
from amaranth.hdl import Module, Signal, signed

from hdl.units.registry import softmax_of
from talos_ref.golden.arithmetic import arithmetic
from talos_ref.golden.attention import Attention, Exp2Attention
from talos_ref.golden.format import Q4_12, Q5_12, Q6_12, Format
from talos_ref.model.config import ModelConfig
from tests.helpers.combinational import evaluate_all
from tests.helpers.streams import assert_equal, seed

# (arithmetic, heads, word) of an n_embd of 16: a root that is a shift for talos-v2, and one that is none for precise.
CASES = [
    ("talos-v2", 4, Q4_12), ("talos-v2", 16, Q4_12), ("talos-v2", 1, Q4_12), ("precise", 4, Q4_12),
    ("precise", 2, Q4_12), ("precise", 16, Q4_12), ("precise", 4, Q5_12), ("precise", 1, Q6_12),
]  # fmt: skip
LANES = 8


def spec_of(name: str, heads: int, word: Format) -> Attention:
    return arithmetic(name, ModelConfig(n_head=heads), word).attention


def key(spec: Attention, score: int) -> int:
    """What is compared to find the largest: the score, or its integer part."""
    return spec.exp.exponent(score) if isinstance(spec, Exp2Attention) else score


def total_width(spec: Attention) -> int:
    return 2 * spec.word.width + (spec.head_dim - 1).bit_length()


def totals(draw: random.Random, spec: Attention, count: int) -> list[int]:
    """Sums of products: the largest of both signs, values around every rounding half, and any."""
    bits = 2 * spec.word.width
    largest = spec.head_dim << (bits - 2)
    cases = [largest, -largest + (spec.head_dim << (spec.word.width - 1)), 0, -1, 1]
    cases += [near + (step << 11) for step in range(-40, 40) for near in (-1, 0, 1)]
    cases += [near + (sign << bit) for bit in range(10, bits + 1) for sign in (-1, 1) for near in (-1, 0, 1)]
    cases += [draw.randint(-(1 << width), 1 << width) for width in range(12, bits + 1) for _ in range(count // 20)]
    return [min(max(total, -largest), largest) for total in cases]


@pytest.mark.parametrize(("name", "heads", "word"), CASES)
def test_scores(name: str, heads: int, word: Format) -> None:
    draw = random.Random(seed())
    spec = spec_of(name, heads, word)
    circuit = softmax_of(spec)(spec)
    cases = [(total,) for total in totals(draw, spec, 2000)]

    def build(m: Module, total: Any) -> Any:
        score = Signal(circuit.score_shape)
        m.d.comb += score.eq(circuit.score(total))
        return score

    # One more bit than the sums have, for the largest of them all.
    actual = evaluate_all([signed(total_width(spec) + 1)], build, cases, LANES)
    assert_equal(actual, [spec.score(total) for (total,) in cases], cases)


@pytest.mark.parametrize(("name", "heads", "word"), CASES)
def test_keys(name: str, heads: int, word: Format) -> None:
    draw = random.Random(seed())
    spec = spec_of(name, heads, word)
    circuit = softmax_of(spec)(spec)
    cases = [(spec.score(total),) for total in totals(draw, spec, 1000)]

    def build(m: Module, score: Any) -> Any:
        found = Signal(circuit.key_shape)
        m.d.comb += found.eq(circuit.key(score))
        return found

    actual = evaluate_all([circuit.score_shape], build, cases, LANES)
    assert_equal(actual, [key(spec, score) for (score,) in cases], cases)


@pytest.mark.parametrize(("name", "heads", "word"), CASES)
def test_weights(name: str, heads: int, word: Format) -> None:
    """Every weight of lists of scores, each stored and then weighed with the largest key of its list."""
    draw = random.Random(seed())
    spec = spec_of(name, heads, word)
    circuit = softmax_of(spec)(spec)
    pool = [spec.score(total) for total in totals(draw, spec, 400)]
    lists = [[draw.choice(pool) for _ in range(draw.randint(1, 16))] for _ in range(150)]
    # Scores as they are met: close to each other, so that the weights matter.
    lists += [[draw.randint(-7 << 12, 7 << 12) for _ in range(8)] for _ in range(150)]
    # Every distance from a largest score, in steps of less than a table's.
    top_score = draw.randint(32_000, 32_767)
    lists.append([top_score, *(max(top_score - 37 * place, -(1 << 15)) for place in range(1760))])
    # Every fraction of an exponent.
    lists.append(list(range(1 << 12)))
    cases, expected = [], []
    for scores in lists:
        top = max(key(spec, score) for score in scores)
        cases += [(score, top) for score in scores]
        expected += spec.weights(scores)

    def build(m: Module, score: Any, top: Any) -> Any:
        stored = Signal(circuit.stored_shape)
        m.d.comb += stored.eq(circuit.store(m, score))
        return circuit.weight(m, stored, top)

    actual = evaluate_all([circuit.score_shape, circuit.key_shape], build, cases, LANES)
    assert_equal(actual, expected, cases)
