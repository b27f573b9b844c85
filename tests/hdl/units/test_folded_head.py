"""The folded head against the golden formula, with its three inputs ending in every order."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import pytest
from amaranth.hdl import signed

from hdl.units.folded_head import FoldedHead
from talos_ref.golden.arithmetic import precise
from talos_ref.golden.linear import ScaledLinear as ScaledLinearSpec
from talos_ref.golden.linear import matvec
from talos_ref.model.config import MICROGPT
from tests.helpers.banks import with_bank
from tests.helpers.streams import run, seed

spec = precise(MICROGPT).scaled_linear
assert spec is not None
SPEC: ScaledLinearSpec = spec
TOTAL = signed(38)


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


def rising(draw: random.Random, count: int, latest: int) -> list[int]:
    return sorted(draw.sample(range(1, latest + count), count))


def draw_step(draw: random.Random, mlp: int, vocab: int, rows: int, latest: tuple[int, int, int]) -> Step:
    density = draw.choice((0, 0.1, 0.5, 1))
    return Step(
        [draw.choice((32767, draw.randint(1, 32767))) if draw.random() < density else 0 for _ in range(mlp)],
        [draw.choice((1, 1 << 9)) * draw.randint(-(1 << 27), 1 << 27) for _ in range(vocab)],
        draw.choice((0, 1, 8192, SPEC.scale_format.high, draw.randint(0, SPEC.scale_format.high))),
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


@pytest.mark.parametrize(("vocab", "mlp", "rows"), [(27, 64, 16), (5, 12, 4), (3, 7, 16), (6, 5, 2)])
def test_logits(vocab: int, mlp: int, rows: int) -> None:
    draw = random.Random(seed())
    folded = [[draw.randint(-4000, 4000) for _ in range(mlp)] for _ in range(vocab)]
    head = FoldedHead(folded, SPEC, tile_rows=rows, total_shape=TOTAL)
    # Each of the three is the last to come in some steps, and they come together in others.
    latest = [(60, 2, 2), (2, 60, 2), (2, 2, 90), (4, 4, 4), (20, 20, 20)]
    steps = [draw_step(draw, mlp, vocab, rows, ends) for ends in latest for _ in range(8)]
    answers = heads(head, steps, mlp, rows)
    assert len(answers) == len(steps)
    for step, (logits, offered, inputs_end) in zip(steps, answers, strict=True):
        sums = zip(matvec(folded, step.hidden), step.addends, strict=True)
        expected = [SPEC.requantise(total, step.scale, addend) for total, addend in sums]
        for token, (got, want) in enumerate(zip(logits, expected, strict=True)):
            assert got == want, f"logit {token} must be {want}, not {got}: {step}"
        assert offered == inputs_end + FoldedHead.LATENCY
    assert any(inputs_end > max(step.addend_cycles[-1], step.scale_cycle) for step, (_, _, inputs_end) in zip(
        steps, answers, strict=True)), "the hidden units must come last in some step"  # fmt: skip
