"""Gumbel noise: the circuit against the golden model, every line of the table included."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

from hdl.units.gumbel_noise import GumbelNoise
from hdl.units.lane_bits import hash_rounds, last_mix
from talos_ref.golden.gumbel_noise import GumbelNoise as GumbelNoiseSpec
from talos_ref.golden.gumbel_sampler import GumbelSampler
from talos_ref.golden.lane_bits import LAST_SHIFT, ROUNDS, WEYL, lane_bits
from tests.helpers.banks import with_bank
from tests.helpers.combinational import evaluate_all
from tests.helpers.streams import assert_equal, run, seed

SPEC = GumbelSampler(noise=GumbelNoiseSpec())


def without_xorshift(z: int, shift: int) -> int:
    """Return the number of which ``z ^ (z >> shift)`` is ``z``."""
    result = z
    for _ in range(32 // shift):
        result = z ^ (result >> shift)
    return result


def state_of(bits: int, lane: int) -> int:
    """Return the state whose lane has these bits: every step of the hash taken back."""
    z = without_xorshift(bits, LAST_SHIFT)
    for shift, a, b in reversed(ROUNDS):
        z = z * pow(1 + (1 << a) + (1 << b), -1, 1 << 32) % (1 << 32)
        z = without_xorshift(z, shift)
    return (z - lane * WEYL) % (1 << 32)


def noises(vocab_size: int, lanes: int, cases: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Return the noises of every (state, temperature); their latency is checked."""
    unit = GumbelNoise(SPEC, vocab_size=vocab_size, lanes=lanes)
    answers: list[list[int]] = []

    async def bench(ctx: Any) -> None:
        for state, temperature in cases:
            ctx.set(unit.rng, state)
            ctx.set(unit.temperature, temperature)
            ctx.set(unit.start, 1)
            await ctx.tick()
            ctx.set(unit.start, 0)
            ctx.set(unit.rng, 0)
            # Read after the n-th edge from the start on is read in cycle n.
            for cycle in range(1, unit.LATENCY):
                assert not ctx.get(unit.o.valid), f"{cycle} cycles after the start"
                await ctx.tick()
            answers.append(await taken(ctx, unit))
            assert not ctx.get(unit.o.valid)

    run(with_bank(unit, [unit.multipliers]), bench)
    return answers


async def taken(ctx: Any, unit: GumbelNoise) -> list[int]:
    """Return the noises of all tokens from the blocks that are offered from this cycle on."""
    noises: list[int] = []
    for block in range(unit.blocks):
        assert ctx.get(unit.o.valid)
        assert (ctx.get(unit.o.p.block), ctx.get(unit.o.p.last)) == (block, block == unit.blocks - 1)
        noises += [ctx.get(unit.o.p.noises[lane]) for lane in range(unit.lanes)]
        await ctx.tick()
    return noises[: unit.vocab_size]


def test_lane_bits() -> None:
    draw = random.Random(seed())
    states = [0, 1, 0xFFFFFFFF, *(draw.randrange(1 << 32) for _ in range(2000))]
    actual = evaluate_all(
        [32], lambda m, z: last_mix(hash_rounds(m, hash_rounds(m, z, 0, 2), 2, 3)), [(state,) for state in states]
    )
    assert_equal(actual, [lane_bits(state, 0) for state in states], states)


@pytest.mark.parametrize(("vocab_size", "lanes"), [(27, 9), (27, 4), (27, 27), (5, 1), (2, 8)])
def test_noises(vocab_size: int, lanes: int) -> None:
    draw = random.Random(seed())
    temperatures = [16, 128, 256, 4096, *(draw.randrange(16, 4097) for _ in range(16))]
    cases = [(draw.randrange(1 << 32), temperature) for temperature in temperatures]
    expected = [SPEC.noises(vocab_size, temperature, state) for state, temperature in cases]
    assert_equal(noises(vocab_size, lanes, cases), expected, cases)


def test_every_line_and_every_octave() -> None:
    # A lane's bits are a bijection of the state, so that any bits can be had. An octave of v and three bits of its
    # place make a line; the deep octaves have fewer places than lines.
    draw, vocab_size = random.Random(seed()), 3
    cases = []
    for half in (0, 0xFFFFFFFF):
        for e in range(32):
            for segment in range(8):
                below = (segment << 28 | draw.randrange(1 << 28)) >> e
                v = (1 << 31 >> e) | below
                bits = (v >> 1) ^ half
                lane = draw.randrange(vocab_size)
                cases.append((state_of(bits, lane), 0x1000))
                assert lane_bits(cases[-1][0], lane) == bits
    expected = [SPEC.noises(vocab_size, temperature, state) for state, temperature in cases]
    assert min(min(row) for row in expected) < -3 << 20, "the lower tail must be among the cases"
    assert max(max(row) for row in expected) > 22 << 20, "the upper tail must be among the cases"
    assert_equal(noises(vocab_size, vocab_size, cases), expected, cases)


def test_temperatures_out_of_range() -> None:
    state = 123456789
    cases = [(state, temperature) for temperature in (0, 1, 15, 0x1001, 0xFFFF)]
    expected = [[0] * 4, *(SPEC.noises(4, temperature, state) for temperature in (16, 16, 0x1000, 0x1000))]
    assert_equal(noises(4, 2, cases), expected, cases)


def test_start_abandons_what_is_under_way() -> None:
    unit, states = GumbelNoise(SPEC, vocab_size=7, lanes=2), (0xDEADBEEF, 42)
    answers: list[list[int]] = []

    async def bench(ctx: Any) -> None:
        ctx.set(unit.temperature, 0x100)
        for wait in range(unit.LATENCY + unit.blocks + 1):
            for state, cycles in zip(states, (wait, unit.LATENCY - 1), strict=True):
                ctx.set(unit.rng, state)
                ctx.set(unit.start, 1)
                await ctx.tick()
                ctx.set(unit.start, 0)
                for _ in range(cycles):
                    assert state == states[0] or not ctx.get(unit.o.valid), f"{wait + 1} cycles between the starts"
                    await ctx.tick()
            answers.append(await taken(ctx, unit))

    run(with_bank(unit, [unit.multipliers]), bench)
    assert_equal(answers, [SPEC.noises(7, 0x100, states[1])] * len(answers), list(range(len(answers))))


def test_refusals() -> None:
    with pytest.raises(ValueError, match=r"^vocab_size must be 2 to 1024, not 1$"):
        GumbelNoise(SPEC, vocab_size=1, lanes=1)
    with pytest.raises(TypeError, match=r"^lanes must be an integer, not 1\.5$"):
        GumbelNoise(SPEC, vocab_size=27, lanes=1.5)  # type: ignore[arg-type]
