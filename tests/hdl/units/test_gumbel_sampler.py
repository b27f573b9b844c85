"""The sampler that adds noise against the golden model: tokens, timing, stalls and greedy samples."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import pytest

from hdl.units.gumbel_sampler import GumbelSampler
from hdl.units.samplers import sampler_of
from talos_ref.golden.format import Format
from talos_ref.golden.gumbel_noise import GumbelNoise
from talos_ref.golden.gumbel_sampler import GumbelSampler as GumbelSamplerSpec
from talos_ref.golden.sampler import argmax
from tests.helpers.streams import run, seed

SPEC = GumbelSamplerSpec(noise=GumbelNoise())
LOGIT = Format(width=17, fraction=12)


@dataclass(frozen=True, kw_only=True)
class Sample:
    logits: list[int]
    temperature: int
    state: int
    greedy: bool
    late: int
    """Cycles from the noise's start to the logits, which arrive in the one before; no noise comes in that."""

    def expected(self) -> tuple[int, int, int]:
        best = argmax(self.logits)
        greedy = self.greedy or self.temperature == 0
        token = best if greedy else SPEC.draw(self.logits, self.temperature, self.state)
        return token, best, self.logits[best]


def drawn(samples: list[Sample], vocab_size: int, draw: random.Random) -> tuple[list[tuple[int, int, int]], list[int]]:
    """Return token, argmax and top logit of every sample, and the cycles from a noise's start to its token's offer."""
    unit = GumbelSampler(SPEC, vocab_size=vocab_size, lanes=1, word=LOGIT)
    results: list[tuple[int, int, int]] = []
    spans: list[int] = []

    async def bench(ctx: Any) -> None:
        for sample in samples:
            ctx.set(unit.temperature.payload, sample.temperature)
            ctx.set(unit.temperature.valid, 1)
            assert ctx.get(unit.temperature.ready)
            ctx.set(unit.prepare, 1)
            ctx.set(unit.state, sample.state)
            cycle = 0
            while not ctx.get(unit.o.valid):
                ctx.set(unit.arriving.valid, cycle == sample.late - 1)
                ctx.set(unit.arriving.payload, sample.logits if cycle == sample.late - 1 else [1] * vocab_size)
                ctx.set(unit.i.valid, cycle >= sample.late)
                ctx.set(unit.i.p.logits, sample.logits if cycle >= sample.late else [0] * vocab_size)
                ctx.set(unit.i.p.greedy, sample.greedy)
                await ctx.tick()
                ctx.set(unit.temperature.valid, 0)
                ctx.set(unit.prepare, 0)
                cycle += 1
            spans.append(cycle)
            ctx.set(unit.i.valid, 0)
            for _ in range(draw.choice((0, 0, 1, 4))):
                await ctx.tick()
                assert ctx.get(unit.o.valid), "an offer is kept until it is taken"
            results.append((ctx.get(unit.o.p.token), ctx.get(unit.o.p.argmax), ctx.get(unit.o.p.top_logit)))
            ctx.set(unit.o.ready, 1)
            await ctx.tick()
            ctx.set(unit.o.ready, 0)
            assert not ctx.get(unit.o.valid)

    run(unit, bench)
    return results, spans


@pytest.mark.parametrize("vocab_size", [27, 2, 5])
def test_draws(vocab_size: int) -> None:
    draw = random.Random(seed())

    def logits() -> list[int]:
        # Of the size of the model's, at the ends of their range, and all alike, where the noise decides.
        low, high = draw.choice(((-30000, 8000), (LOGIT.low, LOGIT.high), (0, 0)))
        return [draw.randint(low, high) for _ in range(vocab_size)]

    samples = [
        Sample(
            logits=logits(),
            temperature=draw.choice((0, 0x10, 0x80, 0x100, 0x1000, draw.randint(0x10, 0x1000))),
            state=draw.randrange(1, 1 << 32),
            greedy=draw.random() < 0.2,
            late=draw.choice((2, 5, 6, 12, 20)),
        )
        for _ in range(60)
    ]
    results, spans = drawn(samples, vocab_size, draw)
    unit = GumbelSampler(SPEC, vocab_size=vocab_size, lanes=1, word=LOGIT)
    for sample, result, span in zip(samples, results, spans, strict=True):
        assert result == sample.expected(), f"{sample}: expected {sample.expected()}, not {result}"
        assert span == max(sample.late, unit.PREPARATION) + GumbelSampler.LATENCY, sample
    others = sum(result[0] != result[1] for result in results)
    assert others > 5, "noise must decide some of the draws"


def test_ties_go_to_the_first() -> None:
    # At temperature 0 there is no noise.
    sample = Sample(logits=[-5, 7, 7, 3, 7], temperature=0, state=1, greedy=False, late=2)
    results, _ = drawn([sample], 5, random.Random(1))
    assert results == [(1, 1, 7)]


def test_it_is_the_circuit_of_its_specification() -> None:
    assert sampler_of(SPEC) is GumbelSampler
    kinds = "BucketSampler, Exp2Sampler, GumbelSampler"
    with pytest.raises(TypeError, match=f"^spec must be one of {kinds}, not None$"):
        sampler_of(None)
