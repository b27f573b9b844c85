"""A core that is a script: any results, at any times, in Amaranth's simulator and as a function of its requests."""

from __future__ import annotations

import random
from typing import Any

from cosim.core.model import Expected
from cosim.core.request import Request
from hdl.core.config import CoreConfig
from hdl.core.interface import Mode, Stage

__all__ = ["ScriptedCore", "ScriptedPorts"]


class ScriptedCore:
    """The answers of a core as a function of request and cache, drawn from a seed; for the model and for the script."""

    def __init__(self, config: CoreConfig, seed: int) -> None:
        self.config, self.model, self.seed = config, config.model, seed
        self.word = config.arithmetic.word
        self.cached = 0

    def clear(self) -> None:
        self.cached = 0

    def legal(self, request: Request) -> bool:
        """A whole name is, as the block asks for no other; a step at the end of the cache or before it."""
        return request.mode == Mode.NAME or request.position <= self.cached

    def respond(self, request: Request) -> list[Expected]:
        if not self.legal(request):
            return []
        draw = random.Random(f"{self.seed} {self._key(request)}")
        if request.mode == Mode.STEP:
            self.cached = request.position + 1
            return [self._result(draw, request.position, self.model.bos, request.seed, last=True)]
        count = draw.randrange(1, request.limit + 1)
        self.cached = count
        ends_at_limit = count == request.limit and draw.random() < 0.5
        results = [
            self._result(draw, index, draw.randrange(self.model.bos), draw.getrandbits(32), last=index == count - 1)
            for index in range(count)
        ]
        if not ends_at_limit:
            results[-1].fields["token_out"] = self.model.bos
        return results

    def _key(self, request: Request) -> tuple[int, ...]:
        """Return all that an answer depends on; no core looks at the rest."""
        if request.mode == Mode.STEP:
            return request.mode, request.greedy, request.token, request.position, self.cached
        temperature = self.config.arithmetic.sampler.honoured(request.temperature)
        return request.mode, request.greedy, request.state, request.limit, temperature

    def _result(self, draw: random.Random, position: int, token: int, rng: int, *, last: bool) -> Expected:
        fields = {
            "position": position,
            "token_in": 0,
            "token_out": draw.choice((token, draw.randrange(self.model.bos))),
            "argmax": draw.randrange(self.model.vocab_size),
            "top_logit": draw.randint(self.word.low, self.word.high),
            "rng": rng,
            "last": int(last),
        }
        logits = [draw.randint(self.word.low, self.word.high) for _ in range(self.model.vocab_size)]
        return Expected(fields, tuple(logits))


class ScriptedPorts:
    """The ports of a scripted core, clock by clock; a step takes 1 to ``longest_step`` cycles."""

    def __init__(self, ports: Any, script: ScriptedCore, draw: random.Random, longest_step: int) -> None:
        self.ports, self.script, self.draw, self.longest_step = ports, script, draw, longest_step
        self.fields = list(Request(mode=0, seed=0, temperature=0).fields())
        self.counted: dict[str, Any] = {}
        self._forget()
        self._zero()

    def _forget(self) -> None:
        self.waiting: list[Expected] = []
        self.delay, self.error = 0, 0

    async def serve(self, ctx: Any) -> None:
        """Be the core, for ever."""
        ports = self.ports
        while True:
            offered = bool(self.waiting) and self.delay == 0
            ctx.set(ports.request.ready, not self.waiting)
            ctx.set(ports.result.valid, offered)
            ctx.set(ports.error, self.error)
            ctx.set(ports.counters, self.counted)
            if offered:
                for name, value in self.waiting[0].fields.items():
                    ctx.set(ports.result.p[name], value)
                ctx.set(ports.logits, list(self.waiting[0].logits))
            else:
                # What is not offered must not be taken.
                ctx.set(ports.result.payload.as_value(), self.draw.getrandbits(16))
                ctx.set(ports.logits.as_value(), self.draw.getrandbits(64))
            _, reset, valid, ready, clear, *values = await ctx.tick().sample(
                ports.request.valid, ports.result.ready, ports.clear, *(ports.request.p[name] for name in self.fields)
            )
            assert ready, "a core behind registers never waits"
            if reset or clear:
                self._forget()
                self.script.clear()
                self._zero()
            else:
                self._tick(offered, Request(**dict(zip(self.fields, map(int, values), strict=True))) if valid else None)

    def _zero(self) -> None:
        self.counted = {"cycles": 0, "steps": 0, "letters": 0, "stages": [0] * len(Stage)}

    def _tick(self, offered: bool, request: Request | None) -> None:
        if self.waiting:
            self.counted["cycles"] += 1
            self.counted["stages"][self.draw.randrange(1, len(Stage))] += 1
        if offered:
            self.counted["steps"] += 1
            self.counted["letters"] += self.waiting.pop(0).fields["token_out"] != self.script.model.bos
            self.delay = self.draw.randrange(self.longest_step)
        elif self.waiting:
            self.delay -= 1
        elif request is not None:
            self.waiting = self.script.respond(request)
            self.error, self.delay = int(not self.waiting), self.draw.randrange(self.longest_step)
            if self.waiting:
                self._zero()
