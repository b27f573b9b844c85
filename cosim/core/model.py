"""What a core must answer: the golden model behind the core's ports. It never reads the design."""

from __future__ import annotations

from collections.abc import Sequence

from cosim.core.answers import Answers, Expected
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

_SIDE_BY_SIDE = 100
"""Names from which the golden model draws them side by side."""


class GoldenModel:
    """The core as a function of its requests: a KV cache that outlives them, and nothing else.

    Parameters
    ----------
    design
        The design that is imitated.
    reference
        What draws names side by side: ``python``, the golden model itself, or ``c``, host_c's integer kernels, which
        are held to it bit for bit and are faster. All other answers are Python's.

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
        self._tokens: list[int] = []
        self._cache: KVCache | None = None

    def answers(self, requests: Sequence[Request]) -> Answers:
        """Return the results of requests in order; ValueError if one is illegal.

        Many names are drawn side by side, which is the same and many times faster. `respond`, which does all others, is
        what they are held against.
        """
        names = all(request.mode == MODES["NAME"] for request in requests)
        if names and (len(requests) >= _SIDE_BY_SIDE or self.reference == "c"):
            for request in requests:
                self._check(request)
            return self._side_by_side(requests)
        results = []
        for request in requests:
            self._check(request)
            results.append(self.respond(request))
        return Answers.stack(results)

    def _check(self, request: Request) -> None:
        if not self.legal(request):
            raise ValueError(f"requests must be legal, not a {request.describe()}")

    def _side_by_side(self, requests: Sequence[Request]) -> Answers:
        groups: dict[tuple[int, int, bool], list[int]] = {}
        for index, request in enumerate(requests):
            groups.setdefault((self._honoured(request), request.limit, self._greedy(request)), []).append(index)
        found = [self._replay([requests[index].state for index in group], *key) for key, group in groups.items()]
        places = [(0, 0)] * len(requests)
        for number, group in enumerate(groups.values()):
            for name, index in enumerate(group):
                places[index] = number, name
        answers = Answers.join(found, places)
        last = answers.part(len(requests) - 1, len(requests))
        self._tokens, self._cache = last.fields["token_in"].tolist(), None
        return answers

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
            answers = list(
                steps(
                    self.model,
                    seed=request.state,
                    temperature=self._honoured(request),
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

    def _honoured(self, request: Request) -> int:
        """Return the temperature that is drawn with; a circuit is given any."""
        return self.model.arithmetic.sampler.honoured(request.temperature)

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
            token = self.model.draw(logits, self._honoured(request), rng)
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
