"""Attention's divisions against the golden ones: random and extreme sums, consumers that stall, and their latency."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import pytest
from amaranth.hdl import signed, unsigned

from hdl.units.registry import attention_divide_of
from hdl.units.variants import operands_layout
from talos_ref.golden.arithmetic import arithmetic
from talos_ref.golden.divide import Divide
from talos_ref.golden.format import Q4_12, Q5_12, Q6_12, Format
from talos_ref.model.config import MICROGPT
from tests.helpers.banks import with_bank
from tests.helpers.streams import run, seed

LANES, HEADS, POSITIONS = 6, 3, 16


@dataclass(frozen=True)
class Division:
    """Operands as attention makes them: no quotient lies beyond the words."""

    numerators: list[int]
    denominators: list[int]


def spec_of(name: str, word: Format = Q4_12) -> Divide:
    return arithmetic(name, MICROGPT, word).attention.divide


def weight_width(name: str) -> int:
    return arithmetic(name, MICROGPT).attention.exp.width


def denominator(draw: random.Random, name: str) -> int:
    """A sum of up to 16 weights, whose largest is the arithmetic's full weight, or a mantissa."""
    if name == "talos-v2":
        return draw.choice((4096, 4097, 16 * 4096, draw.randint(4096, 16 * 4096), 4096 + draw.randint(0, 4096)))
    # Around every power of two, where the exponent of the normalisation changes, and the mantissas just below one.
    power = 1 << draw.randint(16, 20)
    near = power + draw.choice((-2, -1, 0, 1, 255, 256, 257))
    return min(max(draw.choice((near, draw.randint(65534, 16 * 131071), 65534)), 65534), 16 * 131071)


def numerator(draw: random.Random, below: int, format: Format) -> int:
    """Any weighted sum of words: the largest of both signs, quotients next to a whole or half one, and small ones."""
    low, high = below * format.low, below * format.high
    word = draw.randint(format.low, format.high)
    near = draw.choice((word * below, word * below + below // 2)) + draw.randint(-2, 2)
    return min(max(draw.choice((low, high, 0, -1, 1, near, draw.randint(low, high))), low), high)


def divisions(draw: random.Random, name: str, count: int, word: Format = Q4_12) -> list[Division]:
    made = []
    for _ in range(count):
        sums = [denominator(draw, name) for _ in range(HEADS)]
        made.append(Division([numerator(draw, sums[lane * HEADS // LANES], word) for lane in range(LANES)], sums))
    return made


def unit_of(name: str, bits_per_cycle: int = 3, word: Format = Q4_12, *, registered: bool = False) -> Any:
    growth = (POSITIONS - 1).bit_length()
    width = weight_width(name) + growth
    operands = operands_layout(LANES, HEADS, signed(width + word.width), unsigned(width))
    spec = spec_of(name, word)
    return attention_divide_of(spec)(spec, operands, bits_per_cycle, registered=registered)


def quotients(unit: Any, given: list[Division], stall: Any) -> tuple[list[list[int]], list[int]]:
    """Return what is offered for every division, and its cycles after the accepting one; ``stall()`` delays."""
    answers: list[list[int]] = []
    spans: list[int] = []

    async def bench(ctx: Any) -> None:
        for index, division in enumerate(given):
            ctx.set(unit.i.p.denominators, division.denominators)
            # Numerators come a cycle later, as attention's do.
            ctx.set(unit.i.p.numerators, [-1] * LANES)
            await ctx.tick()
            ctx.set(unit.i.p.numerators, division.numerators)
            ctx.set(unit.i.valid, 1)
            # With a result untaken, none is accepted.
            assert ctx.get(unit.i.ready) == (index == 0 or not ctx.get(unit.o.valid))
            await ctx.tick()
            ctx.set(unit.i.valid, 0)
            ctx.set(unit.i.p.numerators, [77] * LANES)
            ctx.set(unit.i.p.denominators, [65536] * HEADS)
            cycles = 1
            while not ctx.get(unit.o.valid):
                await ctx.tick()
                cycles += 1
            spans.append(cycles)
            words = [ctx.get(unit.o.p[lane]) for lane in range(LANES)]
            while stall():
                await ctx.tick()
                assert ctx.get(unit.o.valid)
                assert not ctx.get(unit.i.ready)
                assert [ctx.get(unit.o.p[lane]) for lane in range(LANES)] == words
            answers.append(words)
            ctx.set(unit.o.ready, 1)
            assert ctx.get(unit.i.ready)
            await ctx.tick()
            ctx.set(unit.o.ready, 0)
            assert not ctx.get(unit.o.valid)

    ports = [unit.multipliers] if unit.port(unit.spec, LANES) is not None else []
    run(with_bank(unit, ports) if ports else unit, bench)
    return answers, spans


@pytest.mark.parametrize(
    ("name", "bits_per_cycle", "word", "registered"),
    [
        ("talos-v2", 3, Q4_12, False), ("talos-v2", 1, Q4_12, True),
        ("precise", 3, Q4_12, False), ("precise", 3, Q4_12, True), ("precise", 3, Q5_12, False),
        ("precise", 3, Q6_12, False), ("precise", 3, Q6_12, True),
    ],
    ids=str,
)  # fmt: skip
def test_quotients(name: str, bits_per_cycle: int, word: Format, registered: bool) -> None:
    draw = random.Random(seed())
    spec, unit = spec_of(name, word), unit_of(name, bits_per_cycle, word, registered=registered)
    given = divisions(draw, name, 150 if name == "talos-v2" else 500, word)
    answers, spans = quotients(unit, given, lambda: draw.random() < 0.4)
    for division, words in zip(given, answers, strict=True):
        for lane, got in enumerate(words):
            below = division.denominators[lane * HEADS // LANES]
            want = spec.compute(division.numerators[lane], below)
            assert got == want, f"lane {lane}: {division.numerators[lane]} / {below}: expected {want}, not {got}"
    assert set(spans) == {unit.LATENCY}


@pytest.mark.parametrize("name", ["talos-v2", "precise"])
def test_back_to_back(name: str) -> None:
    """A division is accepted in the cycle that takes the one before."""
    draw = random.Random(seed())
    spec, unit = spec_of(name), unit_of(name)
    given = divisions(draw, name, 40)
    answers: list[list[int]] = []

    async def bench(ctx: Any) -> None:
        ctx.set(unit.o.ready, 1)
        ctx.set(unit.i.p.denominators, given[0].denominators)
        await ctx.tick()
        accepted: list[int] = []
        cycle = 0
        while len(answers) < len(given):
            if ctx.get(unit.o.valid):
                answers.append([ctx.get(unit.o.p[lane]) for lane in range(LANES)])
                assert cycle == accepted[len(answers) - 1] + unit.LATENCY
            if len(accepted) < len(given):
                ctx.set(unit.i.p.numerators, given[len(accepted)].numerators)
                ctx.set(unit.i.p.denominators, given[len(accepted)].denominators)
            # One cycle is between, in which the next denominators are at the port.
            ready = ctx.get(unit.i.ready) and len(accepted) < len(given)
            ctx.set(unit.i.valid, ready and (not accepted or cycle > accepted[-1] + 1))
            if ctx.get(unit.i.valid):
                accepted.append(cycle)
            await ctx.tick()
            cycle += 1
            assert cycle < 40 * 20

    ports = [unit.multipliers] if unit.port(unit.spec, LANES) is not None else []
    run(with_bank(unit, ports) if ports else unit, bench)
    for division, words in zip(given, answers, strict=True):
        for lane, got in enumerate(words):
            want = spec.compute(division.numerators[lane], division.denominators[lane * HEADS // LANES])
            assert got == want, f"lane {lane} of {division}: expected {want}, not {got}"


def test_latencies() -> None:
    latencies = unit_of("talos-v2").LATENCY, unit_of("talos-v2", 1).LATENCY, unit_of("precise").LATENCY
    assert latencies == (6, 16, 1)
