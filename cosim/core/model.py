"""What a core must answer: the golden model behind the core's ports. It never reads the design."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cosim.core.enums import MODES
from cosim.core.request import Request
from hdl.design import Design
from talos_ref.golden.batched import BatchedSteps, replay
from talos_ref.golden.generate import Step, steps
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.golden.kv_cache import KVCache
from talos_ref.golden.sampler import argmax
from talos_ref.golden.xorshift32 import xorshift32

__all__ = ["REFERENCES", "Expected", "GoldenModel"]

REFERENCES = ("python", "c")


@dataclass(frozen=True)
class Expected:
    """One result: the fields of ``hdl.core.interface.result_layout`` and the logits beside them."""

    fields: dict[str, int]
    logits: tuple[int, ...]


class GoldenModel:
    """The core as a function of its requests: a KV cache that outlives them, and nothing else.

    Parameters
    ----------
    design
        The design that is imitated.
    reference
        What makes the answers that are prepared: ``python``, the golden model itself, or ``c``, host_c's integer
        kernels, which are held to it bit for bit and are faster. All other answers are Python's.

    Raises
    ------
    ValueError
        If the reference is neither.
    """

    def __init__(self, design: Design, reference: str = "python") -> None:
        if reference not in REFERENCES:
            raise ValueError(f"reference must be one of {', '.join(REFERENCES)}, not {reference!r}")
        self.design = design
        self.reference = reference
        self.model = IntegerModel(design.checkpoint, design.arithmetic)
        self._prepared: dict[Request, list[Step]] = {}
        self._tokens: list[int] = []
        self._cache: KVCache | None = None

    def prepare(self, requests: Sequence[Request]) -> None:
        """Make the answers to many whole names beforehand, side by side, which is the same and many times faster."""
        groups: dict[tuple[int, int, bool], list[Request]] = {}
        for request in dict.fromkeys(requests):
            if request.mode == MODES["NAME"] and self.legal(request):
                key = (request.temperature, request.limit, self._greedy(request))
                groups.setdefault(key, []).append(request)
        for (temperature, limit, greedy), group in groups.items():
            seeds = [request.state for request in group]
            found = self._replay(seeds, temperature, limit, greedy)
            for index in range(len(found.pos)):
                answers = self._prepared.setdefault(group[found.seed_index[index]], [])
                answers.append(found.step(index))

    def _replay(self, seeds: list[int], temperature: int, limit: int, greedy: bool) -> BatchedSteps:
        arithmetic = self.design.arithmetic
        # The C library is greedy at temperature 0 alone, and where the sampler has no such temperature, never.
        if self.reference == "c" and (arithmetic.sampler.greedy_at_zero or not greedy):
            # Late: only who asks for it needs the extension.
            from host_c import Model
            from host_c.binding.trace import trace

            return trace(Model(self.design), seeds, 0.0 if greedy else temperature / 256, limit)
        return replay(self.design.checkpoint, arithmetic, seeds, temperature, limit=limit, greedy=greedy)

    def clear(self) -> None:
        """Empty the cache, as the ``clear`` port and a reset do."""
        self._tokens, self._cache = [], None

    def legal(self, request: Request) -> bool:
        """Return whether the core may run ``request``."""
        config = self.design.model
        if request.mode == MODES["NAME"]:
            return 1 <= request.limit <= config.max_letters
        return request.token < config.vocab_size and request.position <= min(len(self._tokens), config.block_size - 1)

    def respond(self, request: Request) -> list[Expected]:
        """Return the results of a request in order, none if it is illegal."""
        if not self.legal(request):
            return []
        if request.mode == MODES["NAME"]:
            answers = self._prepared.get(request) or list(
                steps(
                    self.model,
                    seed=request.state,
                    temperature=request.temperature,
                    limit=request.limit,
                    greedy=self._greedy(request),
                )
            )
            self._tokens, self._cache = [step.token_in for step in answers], None
        else:
            answers = [self._step(request)]
        return [_expected(step, last=step is answers[-1]) for step in answers]

    def _greedy(self, request: Request) -> bool:
        return bool(request.greedy) or (request.temperature == 0 and self.model.arithmetic.sampler.greedy_at_zero)

    def _step(self, request: Request) -> Step:
        if self._cache is None:
            self._cache = self.model.new_cache()
            for position, token in enumerate(self._tokens):
                self.model.logits(token, position, self._cache)
        self._cache.truncate(request.position)
        self._tokens[request.position :] = [request.token]
        logits = self.model.logits(request.token, request.position, self._cache)
        rng, best = request.state, argmax(logits)
        token = best
        if not self._greedy(request):
            rng = xorshift32(rng)
            token = self.model.draw(logits, request.temperature, rng)
        return Step(
            pos=request.position,
            token_in=request.token,
            token_out=token,
            argmax=best,
            rng=rng,
            top_logit=logits[best],
            logits=tuple(logits),
        )


def _expected(step: Step, *, last: bool) -> Expected:
    logits = tuple(int(logit) for logit in step.logits)
    return Expected(
        {
            "position": step.pos,
            "token_in": step.token_in,
            "token_out": step.token_out,
            "argmax": step.argmax,
            "top_logit": logits[step.argmax],
            "rng": step.rng,
            "last": int(last),
        },
        logits,
    )
