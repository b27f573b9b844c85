"""The folded head against the golden formula, with its three inputs ending in every order."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import pytest
from amaranth.hdl import signed

from hdl.units.folded_head import FoldedHead
from talos_ref.golden.arithmetic import precise
from talos_ref.golden.format import Q4_12, Q5_12, Q6_12, Format
from talos_ref.golden.linear import ScaledLinear as ScaledLinearSpec
from talos_ref.golden.linear import matvec
from talos_ref.model.config import MICROGPT
from tests.helpers.banks import with_bank
from tests.helpers.streams import run, seed


@dataclass(frozen=True)
class Step:
    """One step: the three inputs, and the cycles in which their parts come, counted from ``clear``."""

    hidden: list[int]
    addends: list[int]
    scale: int
    hidden_cycles: list[int]
    """Of every hidden block."""
    addend_cycles: list[int]
    """Of every row block of the addends."""
    scale_cycle: int


def spec_of(word: Format) -> ScaledLinearSpec:
    spec = precise(MICROGPT, word).scaled_linear
    assert spec is not None
    return spec


def rising(draw: random.Random, count: int, latest: int) -> list[int]:
    return sorted(draw.sample(range(1, latest + count), count))


def draw_step(
    draw: random.Random, spec: ScaledLinearSpec, mlp: int, vocab: int, rows: int, latest: tuple[int, int, int]
) -> Step:
    density, high, most = draw.choice((0, 0.1, 0.5, 1)), spec.word.high, spec.scale_format.high
    return Step(
        [draw.choice((high, draw.randint(1, high))) if draw.random() < density else 0 for _ in range(mlp)],
        [draw.choice((1, 1 << 9)) * draw.randint(-(1 << 27), 1 << 27) for _ in range(vocab)],
        draw.choice((0, 1, 8192, most, draw.randint(0, most))),
        rising(draw, -(-mlp // rows), latest[0]),
        rising(draw, -(-vocab // rows), latest[1]),
        draw.randint(1, latest[2]),
    )


def heads(head: FoldedHead, steps: list[Step], mlp: int, rows: int) -> list[tuple[list[int], int, int]]:
    """Return (logits, their cycle, that of the last input) of every step; exactly one offer a step."""
    answers: list[tuple[list[int], int, int]] = []

    async def bench(ctx: Any) -> None:
        for step in steps:
            ctx.set(head.clear, 1)
            ctx.set(head.scale_valid, 0)
            await ctx.tick()
            ctx.set(head.clear, 0)
            shown = [0] * mlp
            inputs_end, offered = 0, 0
            cycle = 0
            while not offered or cycle < offered + 4:
                cycle += 1
                ctx.set(head.hidden, shown)
                ctx.set(head.announced.valid, cycle in step.hidden_cycles)
                if cycle in step.hidden_cycles:
                    block = step.hidden_cycles.index(cycle)
                    places = slice(block * rows, (block + 1) * rows)
                    bits = sum((value != 0) << place for place, value in enumerate(step.hidden[places]))
                    ctx.set(head.announced.p.row, block)
                    ctx.set(head.announced.p.non_zero, bits)
                    ctx.set(head.announced.p.last, block == len(step.hidden_cycles) - 1)
                    shown[places] = step.hidden[places]
                ctx.set(head.addends.valid, cycle in step.addend_cycles)
                if cycle in step.addend_cycles:
                    block = step.addend_cycles.index(cycle)
                    words = step.addends[block * rows : (block + 1) * rows]
                    # Rows beyond the vocabulary are padding, and must not matter.
                    ctx.set(head.addends.p.totals, words + [12345] * (rows - len(words)))
                    ctx.set(head.addends.p.row, block)
                    ctx.set(head.addends.p.last, block == len(step.addend_cycles) - 1)
                if cycle == step.scale_cycle:
                    ctx.set(head.scale, step.scale)
                    ctx.set(head.scale_valid, 1)
                there = cycle >= max(step.addend_cycles[-1], step.scale_cycle)
                if there and not inputs_end and ctx.get(head.sparse.done):
                    inputs_end = cycle
                if ctx.get(head.o.valid):
                    assert not offered, f"a second offer in cycle {cycle}, after that in {offered}: {step}"
                    offered = cycle
                    logits = [ctx.get(head.o.p[token]) for token in range(head.vocab_size)]
                    answers.append((logits, offered, inputs_end))
                assert cycle < 300, f"no logits: {step}"
                await ctx.tick()

    run(with_bank(head, [head.sparse_multipliers, head.scale_multipliers]), bench)
    return answers


@pytest.mark.parametrize(
    ("vocab", "mlp", "rows", "word"),
    [(27, 64, 16, Q4_12), (5, 12, 4, Q4_12), (3, 7, 16, Q4_12), (6, 5, 2, Q4_12), (4, 9, 4, Q5_12), (3, 6, 2, Q6_12)],
)
def test_logits(vocab: int, mlp: int, rows: int, word: Format) -> None:
    draw = random.Random(seed())
    spec, total = spec_of(word), signed(2 * word.width + 6)
    folded = [[draw.randint(-4000, 4000) for _ in range(mlp)] for _ in range(vocab)]
    head = FoldedHead(folded, spec, word=word, tile_rows=rows, total_shape=total)
    # Each of the three is the last to come in some steps, and they come together in others.
    latest = [(60, 2, 2), (2, 60, 2), (2, 2, 90), (4, 4, 4), (20, 20, 20)]
    steps = [draw_step(draw, spec, mlp, vocab, rows, ends) for ends in latest for _ in range(8)]
    answers = heads(head, steps, mlp, rows)
    assert len(answers) == len(steps)
    for step, (logits, offered, inputs_end) in zip(steps, answers, strict=True):
        sums = zip(matvec(folded, step.hidden), step.addends, strict=True)
        expected = [spec.requantise(exact, step.scale, addend) for exact, addend in sums]
        for token, (got, want) in enumerate(zip(logits, expected, strict=True)):
            assert got == want, f"logit {token} must be {want}, not {got}: {step}"
        assert offered == inputs_end + FoldedHead.LATENCY
    assert any(inputs_end > max(step.addend_cycles[-1], step.scale_cycle) for step, (_, _, inputs_end) in zip(
        steps, answers, strict=True)), "the hidden units must come last in some step"  # fmt: skip
