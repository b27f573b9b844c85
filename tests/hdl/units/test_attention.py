"""Attention and its cache against the golden unit: names of every length, late values, slow consumers."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from typing import Any

import pytest

from hdl.units.attention import Attention
from hdl.units.kv_cache import CacheMemory
from talos_ref.golden.arithmetic import arithmetic
from talos_ref.golden.attention import attend
from talos_ref.golden.format import Q4_12, Q5_12, Q6_12, Format
from talos_ref.golden.kv_cache import LayerCache
from talos_ref.model.config import MICROGPT, ModelConfig
from tests.helpers.banks import with_bank
from tests.helpers.streams import run, seed

Vectors = tuple[list[int], list[int], list[int]]


def rtl_attend(
    attention: Attention, steps: list[tuple[int, int, Vectors]], value_delay: Any, ready_delay: Any
) -> tuple[list[list[int]], list[tuple[int, int]]]:
    """Return the output of every (position, layer, (k, q, v)) step, and its cycles (after q, after v)."""
    outputs: list[list[int]] = []
    spans: list[tuple[int, int]] = []

    async def bench(ctx: Any) -> None:
        for position, layer, vectors in steps:
            ctx.set(attention.position, position)
            ctx.set(attention.layer, layer)
            delay = value_delay()
            k, q, v = vectors
            ctx.set(attention.start, 1)
            ctx.set(attention.value, delay == 0)
            await ctx.tick()
            ctx.set(attention.start, 0)
            ctx.set(attention.value, 0)
            ctx.set(attention.k, k)
            ctx.set(attention.q, q)
            if delay:
                if delay > 1:
                    await ctx.tick().repeat(delay - 1)
                ctx.set(attention.value, 1)
                await ctx.tick()
                ctx.set(attention.value, 0)
            ctx.set(attention.v, v)
            cycles = 1
            while not ctx.get(attention.o.valid):
                await ctx.tick()
                cycles += 1
            spans.append((cycles + delay, cycles))
            await ctx.tick().repeat(ready_delay() + 1)
            assert ctx.get(attention.o.valid)
            outputs.append([ctx.get(attention.o.p[lane]) for lane in range(len(vectors[0]))])
            ctx.set(attention.o.ready, 1)
            await ctx.tick()
            ctx.set(attention.o.ready, 0)

    run(with_bank(attention, attention.multiplier_ports), bench)
    return outputs, spans


SMALL = ModelConfig(n_embd=8, n_head=2, block_size=5, n_layer=2)


@pytest.mark.parametrize(
    ("arithmetic_name", "model", "positions", "word"),
    [
        ("talos-v2", MICROGPT, 1, Q4_12),
        ("talos-v2", MICROGPT, 4, Q4_12),
        ("talos-v2", SMALL, 2, Q4_12),
        ("precise", MICROGPT, 1, Q4_12),
        ("precise", MICROGPT, 4, Q4_12),
        ("precise", SMALL, 2, Q4_12),
        ("precise", SMALL, 4, Q5_12),
        ("precise", replace(SMALL, n_embd=6, n_head=3, n_layer=1), 2, Q6_12),
        # Heads of three elements and of one, whose last lane holds no element.
        ("precise", replace(SMALL, n_embd=6, n_layer=1), 4, Q4_12),
        ("precise", replace(SMALL, n_embd=2, n_layer=1), 2, Q4_12),
    ],
)
def test_attention(arithmetic_name: str, model: ModelConfig, positions: int, word: Format) -> None:
    rng = random.Random(seed())
    spec = arithmetic(arithmetic_name, model, word).attention
    attention = Attention(spec, model, positions=positions)
    steps, expected = [], []
    for scale in (600, 4000, word.high):
        caches = [LayerCache() for _ in range(model.n_layer)]
        for position in range(model.block_size):
            for layer, cache in enumerate(caches):
                k, q, v = ([rng.randint(-scale - 1, scale) for _ in range(model.n_embd)] for _ in range(3))
                cache.keys.append(k)
                cache.values.append(v)
                steps.append((position, layer, (k, q, v)))
                expected.append(attend(spec, q, cache))
    outputs, spans = rtl_attend(attention, steps, lambda: rng.randint(0, 50), lambda: rng.randint(0, 3))
    for step, got, want in zip(steps, outputs, expected, strict=True):
        assert got == want, f"position {step[0]}, layer {step[1]}: expected {want}, not {got}"
    for (position, _, _), (after_query, after_value) in zip(steps, spans, strict=True):
        late = after_query - after_value + attention.LATENCY_AFTER_VALUE
        assert after_query == max(attention.latency(position), late)


@pytest.mark.parametrize(("n_embd", "n_head", "positions"), [(4, 2, 2), (6, 2, 4), (3, 1, 1)])
def test_cache_memory(n_embd: int, n_head: int, positions: int) -> None:
    """Reads see every earlier write, and the old words in the cycle of a write; keys lie where they can be summed."""
    rng = random.Random(seed())
    model = ModelConfig(n_embd=n_embd, n_head=n_head, block_size=5, n_layer=2)
    memory = CacheMemory(model, Q4_12, positions)
    lanes, head_dim = memory.layout.head_lanes, model.head_dim
    assert lanes == (head_dim if positions == 1 else head_dim + head_dim % 2)
    rows = -(-5 // positions)
    stored = [[[[0] * n_embd for _ in range(rows * positions)] for _ in range(2)] for _ in range(2)]

    def word(is_value: int, layer: int, row: int, bank: int, head: int, lane: int) -> int | None:
        """Return what a place must hold; None where nothing is kept."""
        element, position = lane, bank
        if positions > 1 and not is_value:
            element, position = lane - lane % 2 + bank % 2, bank - bank % 2 + lane % 2
        if element >= head_dim:
            return None
        return stored[is_value][layer][row * positions + position][head * head_dim + element]

    async def bench(ctx: Any) -> None:
        for _ in range(300):
            layer, position, row = rng.randrange(2), rng.randrange(5), rng.randrange(rows)
            key, value = ([rng.randint(-32768, 32767) for _ in range(n_embd)] for _ in range(2))
            write, is_value, read_value = rng.random() < 0.5, rng.randrange(2), rng.randrange(2)
            ctx.set(memory.layer, layer)
            ctx.set(memory.write_is_value, is_value)
            ctx.set(memory.read_value, read_value)
            ctx.set(memory.write_valid, write)
            ctx.set(memory.write_position, position)
            ctx.set(memory.key, key)
            ctx.set(memory.value, value)
            ctx.set(memory.row, row)
            await ctx.tick()
            for bank, head, lane in itertools.product(range(positions), range(n_head), range(lanes)):
                expected = word(read_value, layer, row, bank, head, lane)
                got = ctx.get(memory.words[bank][head * lanes + lane])
                assert expected is None or got == expected, f"bank {bank}, lane {lane}: must be {expected}, not {got}"
            if write:
                stored[is_value][layer][position] = value if is_value else key

    run(memory, bench)


def test_cache_positions_are_checked() -> None:
    with pytest.raises(ValueError, match=r"^positions must be a power of two from 1 to 16, not 17$"):
        CacheMemory(MICROGPT, Q4_12, 17)
