# amaranth: UnusedElaboratable=no
"""The samplers against the golden model."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import pytest

from hdl.units.sampler import Sampler
from talos_ref.golden.arithmetic import arithmetic
from talos_ref.golden.exp import Exp2, WrappingExp
from talos_ref.golden.format import Q4_12, Q5_12, Q6_12, Format
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.golden.sampler import BucketSampler, Exp2Sampler, argmax
from talos_ref.model.config import MICROGPT
from tests.helpers.streams import assert_equal, get, put, run, seed

Weighted = BucketSampler | Exp2Sampler
BUCKET, EXP2 = BucketSampler(exp=WrappingExp()), Exp2Sampler(exp=Exp2())
SPECS: dict[str, Weighted] = {"bucket": BUCKET, "exp2": EXP2}
# All buckets and their edges; for Exp2 both scales of the inverse, their edge, both ends, and beyond the upper one.
TEMPERATURES = {
    "bucket": [0, 0x40, 0x80, 0x81, 0x100, 0x101, 0x200, 0x201, 0xFFFF],
    "exp2": [0x10, 0x11, 0x33, 0x80, 0xFF, 0x100, 0x101, 0x200, 0xFFF, 0x1000, 0xFFFF],
}
# The last two make BucketSampler's uniform number largest and smallest.
INVERSE = pow(BUCKET.multiplier, -1, 1 << 32)
STATES = [1, 0xFFFFFFFF, 0xFF000000, 0x00FFFFFF, 0x80000000, -INVERSE % (1 << 32), (INVERSE << 8) % (1 << 32)]

Case = dict[str, Any]


def logits_of(vocab: int, draw: random.Random, word: Format = Q4_12) -> list[list[int]]:
    """Extremes, ties, evenly spread values over the whole range, and random ones like a model's."""
    low, high = word.low, word.high
    cases = [[0] * vocab, [low] * vocab, [high] * vocab, [low] * (vocab - 1) + [high], [high] + [low] * (vocab - 1)]
    cases += [[high - place % 2 for place in range(vocab)], [place % 3 for place in range(vocab)]]
    # Differences of 8 and 16, where the weights of WrappingExp wrap, and all around them.
    for step in (256, 509, 1024, 2427, 2500):
        cases.append([max(high - place * step, low) for place in range(vocab)])
        cases.append([max(high - (vocab - 1 - place) * step - draw.randrange(256), low) for place in range(vocab)])
    for near in (-384, -129, -128, -127, 0, 127, 128, 383):
        cases.append([high] + [high - around - near for around in (32768, 65536 >> 2, 65536 - 512)] * vocab)
        cases[-1] = [max(value, low) for value in cases[-1][:vocab]]
    for spread in (100, 1000, 8000, 20000):
        cases += [[word.saturate(round(draw.gauss(-spread, spread))) for _ in range(vocab)] for _ in range(8)]
    return cases


def logits_of_names(model: IntegerModel, draw: random.Random) -> list[list[int]]:
    """All logits of ten names, of which the letters are drawn at temperature 1."""
    logits = []
    for _ in range(10):
        cache, token = model.new_cache(), model.config.bos
        for position in range(model.config.block_size):
            logits.append(model.logits(token, position, cache))
            token = model.draw(logits[-1], 0x100, draw.getrandbits(32) or 1)
            if token == model.config.bos:
                break
    return logits


def edge_states(spec: Weighted, logits: list[int], temperature: int, draw: random.Random) -> list[int]:
    """Two random states whose cuts lie just below and just at a running sum.

    A weight that is off by one moves the sums after it, and so the token of such a state, unless the sums exceed the 24
    bits of the uniform number.
    """
    sums = [total & 0xFFFFFFFF for total in accumulate(spec.weights(logits, temperature))]
    uniform = min(-(-(draw.choice(sums) << 24) // sums[-1]), (1 << 24) - 1)
    states = []
    for near in (max(uniform - 1, 0), uniform):
        if isinstance(spec, Exp2Sampler):
            states.append(near | draw.getrandbits(8) << 24)
        else:
            states.append(INVERSE * (near << 8 | draw.getrandbits(8)) % (1 << 32))
    return states


def samples_of(
    spec: Weighted, vocab: int, temperature: int, draw: random.Random, word: Format = Q4_12
) -> list[Case]:
    """Every list of logits with some states, the extreme ones among them, and now and then greedy."""
    at = max(temperature, spec.min_temperature)
    return [
        {"logits": logits, "rng": state, "greedy": draw.random() < 0.1}
        for logits in logits_of(vocab, draw, word)
        for state in (draw.choice(STATES), *edge_states(spec, logits, at, draw))
    ]


def ref_sampler(spec: Weighted, temperature: int, sample: Case) -> tuple[int, int, int]:
    """Token, argmax and largest logit."""
    logits = sample["logits"]
    first = argmax(logits)
    greedy = sample["greedy"] or (spec.greedy_at_zero and temperature == 0)
    return first if greedy else spec.draw(logits, temperature, sample["rng"]), first, max(logits)


def rtl_sampler(
    component: Sampler, runs: Sequence[tuple[int, Sequence[Case]]], stall: Callable[[], bool] = lambda: False
) -> list[tuple[int, int, int]]:
    """What the circuit answers, temperature by temperature."""
    answers: list[tuple[int, int, int]] = []

    async def producer(ctx: Any) -> None:
        for temperature, samples in runs:
            await put(ctx, component.temperature, [temperature], stall)
            await put(ctx, component.i, samples, stall)

    async def consumer(ctx: Any) -> None:
        count = sum(len(samples) for _, samples in runs)
        answers.extend(await get(ctx, component.o, count, lambda o: (o.token, o.argmax, o.top_logit), stall))

    run(component, producer, consumer)
    return answers


def check(spec: Weighted, component: Sampler, runs: Sequence[tuple[int, Sequence[Case]]], **options: Any) -> None:
    """Compare all answers with the golden model."""
    given = [(temperature, sample) for temperature, samples in runs for sample in samples]
    assert_equal(rtl_sampler(component, runs, **options), [ref_sampler(spec, *case) for case in given], given)


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize(("vocab", "lanes"), [(27, 27), (27, 9), (27, 4), (5, 2), (2, 1)])
def test_draws(name: str, vocab: int, lanes: int) -> None:
    draw = random.Random(seed())
    spec = SPECS[name]
    component = Sampler(spec, vocab_size=vocab, lanes=lanes, word=Q4_12, registered=lanes == 4)
    # The shapes of the named cores meet most of it, the others a part.
    share = 2 if (name, lanes) in (("bucket", 9), ("exp2", 27)) else 5
    runs = [(t, samples_of(spec, vocab, t, draw)) for t in TEMPERATURES[name]]
    check(spec, component, [(t, draw.sample(samples, len(samples) // share)) for t, samples in runs])


@pytest.mark.parametrize(("word", "vocab", "lanes"), [(Q5_12, 11, 4), (Q6_12, 6, 6), (Q6_12, 101, 9)])
def test_draws_of_wide_words(word: Format, vocab: int, lanes: int) -> None:
    """Alphabets of other sizes, and logits of all magnitudes that a wider word has."""
    draw = random.Random(seed())
    component = Sampler(EXP2, vocab_size=vocab, lanes=lanes, word=word)
    runs = [(t, draw.sample(samples_of(EXP2, vocab, t, draw, word), 12)) for t in TEMPERATURES["exp2"]]
    check(EXP2, component, runs)


@pytest.mark.parametrize("registered", [False, True])
@pytest.mark.parametrize("name", SPECS)
def test_stalls(name: str, registered: bool) -> None:
    draw = random.Random(seed())
    spec = SPECS[name]
    component = Sampler(spec, vocab_size=27, lanes=9, word=Q4_12, registered=registered)
    runs = [(t, draw.sample(samples_of(spec, 27, t, draw), 12)) for t in [0, *TEMPERATURES[name]]]
    check(spec, component, runs, stall=lambda: draw.random() < 0.5)


@pytest.mark.parametrize(("name", "arithmetic_name"), [("bucket", "talos-v2"), ("exp2", "precise")])
def test_logits_of_the_model(name: str, arithmetic_name: str, checkpoint: Any) -> None:
    draw = random.Random(seed())
    golden, spec = arithmetic(arithmetic_name, MICROGPT), SPECS[name]
    assert golden.sampler == spec
    logits = logits_of_names(IntegerModel(checkpoint, golden), draw)
    runs = []
    for t in (0x80, 0x100, 0x180):
        states = [(x, state) for x in logits for state in edge_states(spec, x, t, draw)]
        runs.append((t, [{"logits": x, "rng": state, "greedy": 0} for x, state in states]))
    check(spec, Sampler(spec, vocab_size=27, lanes=27, word=golden.word), runs)


def test_exp2_temperatures_below_the_least() -> None:
    draw = random.Random(seed())
    component = Sampler(EXP2, vocab_size=27, lanes=27, word=Q4_12)
    samples = samples_of(EXP2, 27, 0x10, draw)[:40]
    greedy, least = rtl_sampler(component, [(0, samples)]), rtl_sampler(component, [(1, samples), (15, samples)])
    assert_equal(greedy, [ref_sampler(EXP2, 0, sample) for sample in samples], samples)
    assert_equal(least, [ref_sampler(EXP2, 0x10, sample) for sample in samples] * 2, samples * 2)


@pytest.mark.parametrize("bits_per_cycle", [1, 3, 4])
def test_every_bit_of_the_inverse(bits_per_cycle: int) -> None:
    # The exponents of the extreme logits show the inverse at its finest; their states, the weights.
    draw = random.Random(seed())
    component = Sampler(EXP2, vocab_size=4, lanes=4, word=Q4_12, bits_per_cycle=bits_per_cycle)
    runs = []
    for t in (draw.randrange(0x10, 1 << draw.randint(5, 16)) for _ in range(300)):
        logits = [32767 - draw.randrange(1 << draw.randint(0, 12)) for _ in range(4)]
        states = edge_states(EXP2, logits, t, draw)
        runs.append((t, [{"logits": logits, "rng": state, "greedy": 0} for state in states]))
    check(EXP2, component, runs)


LATENCIES = [("bucket", 9, 7, 1), ("bucket", 27, 5, 1), ("bucket", 4, 11, 1), ("exp2", 27, 6, 7), ("exp2", 9, 8, 7)]


@pytest.mark.parametrize("registered", [False, True])
@pytest.mark.parametrize(("name", "lanes", "cycles", "settle"), LATENCIES)
def test_latency(name: str, lanes: int, cycles: int, settle: int, registered: bool) -> None:
    component = Sampler(SPECS[name], vocab_size=27, lanes=lanes, word=Q4_12, registered=registered)
    cycles += registered
    assert (cycles, settle) == (component.LATENCY, component.SETTLE)
    draw = random.Random(seed())
    samples = samples_of(SPECS[name], 27, 0x80, draw)[:60]
    answered: list[int] = []

    async def producer(ctx: Any) -> None:
        await put(ctx, component.temperature, [0x80])
        await put(ctx, component.i, samples)

    async def watcher(ctx: Any) -> None:
        ctx.set(component.o.ready, 1)
        await ctx.tick().until(component.temperature.valid & component.temperature.ready)
        cycle = 0
        while len(answered) < len(samples):
            cycle += 1
            if ctx.get(component.o.valid):
                answered.append(cycle)
            await ctx.tick()

    run(component, producer, watcher)
    # The cycle that takes a result starts the next sample; the first waits for the temperature.
    spans = [after - before for before, after in zip([settle, *answered], answered, strict=False)]
    expected = [component.GREEDY_LATENCY if sample["greedy"] else cycles for sample in samples]
    assert_equal(spans, expected, samples)


@pytest.mark.parametrize("name", SPECS)
def test_temperature_goes_first(name: str) -> None:
    """A temperature offered together with a sample holds for it, one offered during a sample does not."""
    spec = SPECS[name]
    component = Sampler(spec, vocab_size=27, lanes=9, word=Q4_12)
    logits = [6000 - 431 * place for place in range(27)]
    sample = {"logits": logits, "rng": 0xC0FFEE00 | 0x35, "greedy": 0}
    temperatures = [0x40, 0x400, 0x80, 0x300]
    golden = [ref_sampler(spec, t, sample)[0] for t in temperatures]
    assert len(set(golden)) > 1, "the temperature must matter"
    tokens: list[int] = []

    async def bench(ctx: Any) -> None:
        ctx.set(component.i.payload, sample)
        for t in temperatures:
            ctx.set(component.temperature.payload, t)
            ctx.set(component.temperature.valid, 1)
            ctx.set(component.i.valid, 1)
            await ctx.tick().until(component.temperature.ready)
            ctx.set(component.temperature.valid, 0)
            await ctx.tick().until(component.i.ready)
            ctx.set(component.i.valid, 0)
            ctx.set(component.temperature.payload, 0x1000)
            ctx.set(component.temperature.valid, 1)
            ctx.set(component.o.ready, 1)
            (token,) = await ctx.tick().sample(component.o.p.token).until(component.o.valid)
            ctx.set(component.o.ready, 0)
            tokens.append(token)

    run(component, bench)
    assert tokens == golden


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"spec": 1}, TypeError, "spec must be one of BucketSampler, Exp2Sampler, not 1"),
        ({"vocab_size": 0}, ValueError, "vocab_size must be 2 to 1024, not 0"),
        ({"lanes": 0}, ValueError, "lanes must be 1 to 1024, not 0"),
        ({"lanes": 2.0}, TypeError, "lanes must be an integer, not 2.0"),
        ({"bits_per_cycle": 9, "spec": EXP2}, ValueError, "bits_per_cycle must be 1 to 8, not 9"),
    ],
)
def test_refusals(options: dict[str, Any], error: type[Exception], message: str) -> None:
    arguments = {"spec": BUCKET, "vocab_size": 27, "lanes": 9, "word": Q4_12, **options}
    with pytest.raises(error, match=f"^{message}$"):
        Sampler(arguments.pop("spec"), **arguments)
