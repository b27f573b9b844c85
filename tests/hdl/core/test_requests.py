"""Requests: which are legal, the steps that they start, and their results, with a sampler made of dice."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from hdl.core.interface import Mode
from hdl.core.requests import RequestControl
from talos_ref.golden.arithmetic import arithmetic
from talos_ref.golden.xorshift32 import ZERO_STATE, xorshift32
from talos_ref.model.config import ModelConfig
from tests.helpers.streams import run, seed

# Neither dimension fills its field, so that there are illegal values of each.
MODEL = ModelConfig(alphabet="abcde", block_size=6, n_embd=4, n_head=1, mlp_dim=3)
# Both do.
FULL = ModelConfig(alphabet="abcdefg", block_size=8, n_embd=4, n_head=1, mlp_dim=3)


@dataclass(frozen=True, kw_only=True)
class Request:
    """The fields of a request; every one may have any value of its width."""

    mode: Mode = Mode.NAME
    seed: int = 1
    temperature: int = 0x80
    greedy: int = 0
    limit: int = 0
    token: int = 0
    position: int = 0


@dataclass(frozen=True)
class Draw:
    """What the sampler answers to a step, and after how many cycles."""

    token: int
    argmax: int
    top_logit: int
    delay: int


class Reference:
    """The contract in Python: requests in, inputs of steps and results out."""

    def __init__(self, model: ModelConfig, greedy_at_zero: bool) -> None:
        self.model, self.greedy_at_zero = model, greedy_at_zero
        self.cached = 0

    def legal(self, request: Request) -> bool:
        if request.mode is Mode.NAME:
            return 1 <= request.limit <= self.model.max_letters
        fits = request.token < self.model.vocab_size and request.position < self.model.block_size
        return fits and request.position <= self.cached

    def greedy(self, request: Request) -> bool:
        return bool(request.greedy) or (self.greedy_at_zero and request.temperature == 0)

    def results(self, request: Request, draws: Iterator[Draw]) -> Iterator[tuple[Draw, dict[str, int]]]:
        """Yield the draw that a step asks for and the result that it makes, until the request has ended."""
        state = request.seed or ZERO_STATE
        name = request.mode is Mode.NAME
        token, position = (self.model.bos, 0) if name else (request.token, request.position)
        while True:
            draw = next(draws)
            drawn_with = xorshift32(state)
            state = state if self.greedy(request) else drawn_with
            last = not name or draw.token == self.model.bos or position + 1 == request.limit
            yield draw, {
                "position": position, "token_in": token, "token_out": draw.token, "argmax": draw.argmax,
                "top_logit": draw.top_logit, "rng": state, "last": int(last), "drawn with": drawn_with,
            }  # fmt: skip
            self.cached = position + 1
            if last:
                return
            token, position = draw.token, position + 1


def draws(draw: random.Random, model: ModelConfig, bos: float) -> Iterator[Draw]:
    while True:
        token = model.bos if draw.random() < bos else draw.randrange(model.bos)
        yield Draw(token, draw.randrange(model.vocab_size), draw.randint(-32768, 32767), draw.choice((0, 1, 2, 5)))


class Bench:
    """The unit, a sequencer that is a flag, and a sampler that draws what it is told."""

    def __init__(
        self, model: ModelConfig, arithmetic_name: str, dice: Iterator[Draw], stall: Callable[[], bool]
    ) -> None:
        golden = arithmetic(arithmetic_name, model)
        self.unit = RequestControl(model, golden)
        self.reference = Reference(model, golden.sampler.greedy_at_zero)
        self.dice, self.stall = dice, stall

    async def tick(self, ctx: Any, *, running: bool) -> None:
        await ctx.tick()
        ctx.set(self.unit.idle, not running)

    async def serve(self, ctx: Any, request: Request) -> int:
        """Offer one request, follow it to its end; return its steps."""
        unit = self.unit
        for name in ("mode", "seed", "temperature", "greedy", "limit", "token", "position"):
            ctx.set(unit.request.p[name], getattr(request, name))
        ctx.set(unit.request.valid, 1)
        ctx.set(unit.idle, 1)
        # A sampler that still divides holds the request back.
        ctx.set(unit.temperature.ready, 0)
        while self.stall():
            assert not ctx.get(unit.request.ready)
            assert not ctx.get(unit.start)
            assert not ctx.get(unit.temperature.valid)
            await self.tick(ctx, running=False)
        ctx.set(unit.temperature.ready, 1)
        legal = self.reference.legal(request)
        assert ctx.get(unit.request.ready)
        for strobe in (unit.accepted, unit.start, unit.temperature.valid):
            assert ctx.get(strobe) == legal, f"legal must be {legal}: {request}, {self.reference.cached} cached"
        if legal:
            assert ctx.get(unit.temperature.payload) == request.temperature
            first = (self.unit.config.bos, 0) if request.mode is Mode.NAME else (request.token, request.position)
            assert (ctx.get(unit.token), ctx.get(unit.position)) == first, f"{request}"
        await self.tick(ctx, running=legal)
        ctx.set(unit.request.valid, 0)
        assert ctx.get(unit.error) == (not legal), f"{request}"
        if not legal:
            assert not ctx.get(unit.accepted)
            return 0
        assert ctx.get(unit.greedy) == self.reference.greedy(request), f"{request}"
        # Whatever is offered meanwhile waits.
        ctx.set(unit.request.valid, 1)
        steps = 0
        for draw, wanted in self.reference.results(request, self.dice):
            await self._step(ctx, request, draw, wanted)
            steps += 1
        ctx.set(unit.request.valid, 0)
        return steps

    async def _step(self, ctx: Any, request: Request, draw: Draw, wanted: dict[str, int]) -> None:
        unit = self.unit
        for _ in range(draw.delay):
            assert not ctx.get(unit.result.valid)
            assert not ctx.get(unit.start)
            await self.tick(ctx, running=True)
        ctx.set(unit.draw.valid, 1)
        ctx.set(unit.draw.p, {"token": draw.token, "argmax": draw.argmax, "top_logit": draw.top_logit})
        while True:
            ready = not self.stall()
            ctx.set(unit.result.ready, ready)
            assert ctx.get(unit.result.valid)
            assert ctx.get(unit.rng) == wanted["drawn with"], f"{request}: {wanted}"
            found = {name: ctx.get(unit.result.p[name]) for name in wanted if name != "drawn with"}
            for name, got in found.items():
                assert got == wanted[name], f"{request}: {name} must be {wanted[name]}, not {got}: {wanted}"
            assert ctx.get(unit.position_held) == wanted["position"]
            assert ctx.get(unit.draw.ready) == ready
            assert ctx.get(unit.taken) == ready
            assert not ctx.get(unit.request.ready)
            following = ready and not wanted["last"]
            assert ctx.get(unit.start) == following
            if following:
                assert (ctx.get(unit.token), ctx.get(unit.position)) == (draw.token, wanted["position"] + 1)
            await self.tick(ctx, running=following or not ready)
            if ready:
                break
        ctx.set(unit.draw.valid, 0)
        ctx.set(unit.result.ready, 0)


def serve(bench: Bench, requests: Sequence[Request]) -> list[int]:
    """Return the steps of every request, each offered as soon as the one before has ended."""
    steps: list[int] = []

    async def testbench(ctx: Any) -> None:
        for request in requests:
            steps.append(await bench.serve(ctx, request))

    run(bench.unit, testbench)
    return steps


@pytest.mark.parametrize("model", [MODEL, FULL], ids=["some illegal", "all in range"])
def test_every_limit_token_and_position(model: ModelConfig) -> None:
    """All values of the three fields, at every number of cached positions; a refused request changes nothing."""
    draw = random.Random(seed())
    bench = Bench(model, "precise", draws(draw, model, 0), lambda: False)
    # With nothing cached only position 0 is legal; a refused request leaves it so.
    wanted = [Request(mode=Mode.STEP, token=token, position=position) for token in range(8) for position in range(1, 8)]
    for cached in range(1, model.block_size + 1):
        grow = [Request(limit=min(cached, model.max_letters))]
        if cached == model.block_size:
            grow.append(Request(mode=Mode.STEP, position=cached - 1))
        for token in range(8):
            for position in range(8):
                wanted += [*grow, Request(mode=Mode.STEP, token=token, position=position)]
    wanted += [Request(limit=limit) for limit in range(8)]
    steps = serve(bench, wanted)
    assert steps[-8:] == [limit if limit <= model.max_letters else 0 for limit in range(8)]
    assert not any(steps[:56])


@pytest.mark.parametrize("arithmetic_name", ["precise", "talos-v2"])
def test_requests_in_any_order(arithmetic_name: str) -> None:
    """Names and steps, legal or not, of any seed, temperature and limit, with a sampler and a consumer that stall."""
    draw = random.Random(seed())
    bench = Bench(MODEL, arithmetic_name, draws(draw, MODEL, 0.15), lambda: draw.random() < 0.3)
    wanted = [
        Request(
            mode=draw.choice(list(Mode)),
            seed=draw.choice((0, 1, 0xFFFFFFFF, draw.getrandbits(32))),
            temperature=draw.choice((0, 1, 0x10, 0x80, 0xFFFF)),
            greedy=int(draw.random() < 0.2),
            limit=draw.randrange(8),
            token=draw.choice((draw.randrange(8), draw.randrange(6))),
            position=draw.choice((0, 1, draw.randrange(8))),
        )
        for _ in range(600)
    ]
    steps = serve(bench, wanted)
    assert max(steps) == MODEL.max_letters
    # Some are legal, some not, and some names end before their limit.
    assert 0 in steps
    assert any(
        0 < count < request.limit for count, request in zip(steps, wanted, strict=True) if request.mode is Mode.NAME
    )


@pytest.mark.parametrize(("arithmetic_name", "greedy"), [("precise", True), ("talos-v2", False)])
def test_temperature_zero(arithmetic_name: str, greedy: bool) -> None:
    """It asks ``precise`` for the argmax, so that the random state stays; ``talos-v2`` draws at it."""
    dice = iter([Draw(1, 2, 3, 0), Draw(2, 2, 3, 0)] * 2)
    bench = Bench(MODEL, arithmetic_name, dice, lambda: False)
    assert bench.reference.greedy_at_zero == greedy
    assert serve(bench, [Request(temperature=0, limit=2), Request(temperature=1, limit=2)]) == [2, 2]


def test_seed_zero() -> None:
    """The first state that is drawn with is the one after ``ZERO_STATE``."""
    bench = Bench(MODEL, "precise", iter([Draw(1, 1, 0, 3)]), lambda: False)
    seen: list[int] = []

    async def testbench(ctx: Any) -> None:
        await bench.serve(ctx, Request(seed=0, limit=1))
        seen.append(ctx.get(bench.unit.result.p.rng))

    run(bench.unit, testbench)
    # The state has moved on with the result, and the port shows the one after it.
    assert seen == [xorshift32(xorshift32(ZERO_STATE))]
