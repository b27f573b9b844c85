"""A register block in Amaranth's simulator, over a core that is a script: any results, at any times."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from amaranth.hdl import ClockDomain, Module
from amaranth.sim import Simulator

from cosim.core.model import Expected, GoldenModel
from cosim.core.request import Request
from cosim.registers.host import INPUTS, OUTPUTS, RegisterHost
from cosim.registers.model import RegisterModel
from hdl.build_cache import build_id
from hdl.core.config import CLOCK_HZ, CoreConfig
from hdl.core.interface import Mode, Stage
from hdl.design import make_design
from hdl.registers.block import RegisterBlock
from hdl.registers.system import System
from talos_ref.model.checkpoint import Checkpoint
from tests.helpers.streams import CLOCK_PERIOD

__all__ = ["BUILD", "ScriptedCore", "drive", "drive_system"]

BUILD = 0x89ABCDEF


class ScriptedCore:
    """The answers of a core as a function of request and cache, drawn from a seed; for the model and for the script."""

    def __init__(self, config: CoreConfig, seed: int) -> None:
        self.config, self.model, self.seed = config, config.model, seed
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
        least = self.config.arithmetic.sampler.min_temperature
        temperature = max(request.temperature, least) if request.temperature else 0
        return request.mode, request.greedy, request.state, request.limit, temperature

    def _result(self, draw: random.Random, position: int, token: int, rng: int, *, last: bool) -> Expected:
        fields = {
            "position": position,
            "token_in": 0,
            "token_out": draw.choice((token, draw.randrange(self.model.bos))),
            "argmax": draw.randrange(self.model.vocab_size),
            "top_logit": draw.randint(-32768, 32767),
            "rng": rng,
            "last": int(last),
        }
        return Expected(fields, tuple(draw.randint(-32768, 32767) for _ in range(self.model.vocab_size)))


class _Pins:
    """The outside of a block or a system."""

    def __init__(self, ctx: Any, block: Any, reset: Any) -> None:
        self._ctx = ctx
        beside = {"rst": reset, "enable": block.enable, "characters": block.characters.as_value()}
        beside |= {name: getattr(block, name) for name in ("ready", "busy", "done", "activity", "last_token")}
        self._signals = {name: beside.get(name, getattr(block.bus, name, None)) for name in (*INPUTS, *OUTPUTS)}

    async def exchange(self, inputs: dict[str, int]) -> dict[str, int]:
        for name in INPUTS:
            self._ctx.set(self._signals[name], inputs[name])
        seen = {name: self._ctx.get(self._signals[name]) for name in OUTPUTS}
        await self._ctx.tick()
        return seen


class _Ports:
    """The block's inside: the scripted core, clock by clock."""

    def __init__(self, block: RegisterBlock, script: ScriptedCore, draw: random.Random, longest_step: int) -> None:
        self.ports, self.script, self.draw, self.longest_step = block.core, script, draw, longest_step
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


def drive(
    config: CoreConfig, seed: int, bench: Callable[[RegisterHost], Any], *, longest_step: int = 12
) -> RegisterModel:
    """Run a bench on a block over a scripted core; return the model with what it found.

    A step takes 1 to ``longest_step`` cycles.
    """
    block = RegisterBlock(config, build=BUILD)
    model = RegisterModel(config, ScriptedCore(config, seed), build=BUILD, clock_hz=block.clock_hz)
    inside = _Ports(block, ScriptedCore(config, seed), random.Random(seed), longest_step)
    _simulate(block, model, bench, inside.serve)
    return model


def drive_system(config: CoreConfig, checkpoint: Checkpoint, bench: Callable[[RegisterHost], Any]) -> RegisterModel:
    """Run a bench on a system; return the model, whose core is the golden one."""
    design = make_design(config, checkpoint)
    system = System(design)
    model = RegisterModel(
        config, GoldenModel(design), build=build_id(design), clock_hz=CLOCK_HZ
    )
    _simulate(system, model, bench)
    return model


def _simulate(component: Any, model: RegisterModel, bench: Callable[[RegisterHost], Any], *cores: Any) -> None:
    top, domain = Module(), ClockDomain("sync")
    top.domains.sync = domain
    top.submodules.component = component
    simulator = Simulator(top)
    simulator.add_clock(CLOCK_PERIOD)

    async def outside(ctx: Any) -> None:
        await bench(RegisterHost(_Pins(ctx, component, domain.rst), model))

    simulator.add_testbench(outside)
    for core in cores:
        simulator.add_testbench(core, background=True)
    simulator.run()
