"""The machine behind the registers as a function of what was written and of how many results there have been.

It knows no time: who uses it says when a request begins and how far it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from cosim.core.model import Expected
from cosim.core.request import Request, name_request, step_request
from hdl.core.config import CoreConfig
from hdl.registers.core_name import core_name_words
from hdl.registers.map import TEMPERATURE, TOP_LOGIT_BITS, register_map
from hdl.registers.register import Register
from talos_ref.golden.arithmetic import ARITHMETIC_NUMBERS
from talos_ref.golden.format import Format
from talos_ref.golden.xorshift32 import ZERO_STATE

__all__ = ["Held", "Launched", "Machine", "Responder"]

_IN_LAST = Format(width=TOP_LOGIT_BITS, fraction=0)


class Responder(Protocol):
    """A core as a function of its requests, such as ``cosim.core.model.GoldenModel``."""

    def respond(self, request: Request) -> list[Expected]:
        """Return the results of a request, none if it is illegal."""

    def clear(self) -> None:
        """Empty the cache."""


@dataclass(frozen=True)
class Held:
    """Random state and logits after some step."""

    rng: int
    logits: tuple[int, ...]


@dataclass(frozen=True)
class Launched:
    """A start or direct step that found the machine at rest, and all of its results."""

    direct: bool
    position: int
    """Given, in direct mode."""
    offered: bool
    """Whether the core is asked; otherwise the registers refuse."""
    results: Sequence[Expected]
    """None if it is refused."""


class Machine:
    """Registers over one core.

    Parameters
    ----------
    core
        The configuration whose registers these are.
    golden
        What the core answers.
    build, clock_hz
        What the registers of these names hold.
    """

    def __init__(self, core: CoreConfig, golden: Responder, *, build: int, clock_hz: int) -> None:
        self.core, self.model, self.golden, self.clock_hz = core, core.model, golden, clock_hz
        self.registers = register_map(core.model, core.arithmetic.logit)
        fixed = ("id", "version", "bos", "dimensions", "word_format", "places")
        self._fixed: dict[str, Sequence[int]] = {name: (self.registers.register(name).reset or 0,) for name in fixed}
        self._fixed |= {
            "arithmetic": (ARITHMETIC_NUMBERS[core.arithmetic_name],),
            "clock": (clock_hz,),
            "build": (build,),
            "core_name": core_name_words(core.name),
            "rom_passes": (0,),
        }
        self.reset()

    def reset(self) -> None:
        """Go to the state after a reset."""
        self.golden.clear()
        self.seed, self.limit, self.temperature = 1, self.model.max_letters, TEMPERATURE
        self.direct = dict.fromkeys(("enable", "clear_cache", "position", "token"), 0)
        self.errors, self.toggle = 0, 0
        self.held_temperature = TEMPERATURE
        self.held = [Held(1, (0,) * self.model.vocab_size)]
        """What random state and logits may be between two requests; several where the last one was abandoned."""
        self.launched: Launched | None = None

    def set(self, entry: Register, data: int) -> None:
        """Take a whole word written to ``config``, ``seed`` or ``direct``; nothing happens for another register."""
        values = entry.decode(data)
        match entry.name:
            case "config":
                self.limit, self.temperature = values["limit"], values["temperature"]
            case "seed":
                self.seed = data or ZERO_STATE
            case "direct":
                self.direct = values

    def fault(self, *causes: str) -> None:
        """Set bits of ``error``."""
        self.errors |= self.registers.register("error").encode(**dict.fromkeys(causes, 1))

    def abandon(self, counts: Iterable[int]) -> None:
        """End what was launched; one of ``counts`` is the number of results that there have been."""
        self.held = [held for count in counts for held in self.held_after(count)]
        self.launched = None
        self.errors = 0

    def clear(self) -> None:
        """Empty the cache; what was launched has been abandoned."""
        self.golden.clear()

    def start(self) -> list[str]:
        """Launch a name after a clear; return what is wrong with it."""
        self.held = [Held(self.seed, held.logits) for held in self.held]
        self.held_temperature = self.temperature
        if not 1 <= self.limit <= self.model.max_letters:
            self.launched = Launched(False, 0, False, ())
            return ["illegal_length"]
        request = name_request(self.seed, self._honoured(), self.limit)
        self.launched = Launched(False, 0, True, self.golden.respond(request))
        return []

    def step(self) -> list[str]:
        """Launch a direct step; return what is wrong with it, as far as the registers know."""
        direct = self.direct
        if direct["clear_cache"]:
            self.golden.clear()
            self.held = [Held(self.seed, held.logits) for held in self.held]
        self.held_temperature = self.temperature
        causes = [] if direct["enable"] else ["direct_disabled"]
        if direct["token"] >= self.model.vocab_size or direct["position"] >= self.model.block_size:
            causes.append("illegal_step")
        if causes:
            self.launched = Launched(True, direct["position"], False, ())
            return causes
        # A direct step leaves the random state alone, so any will do that it might start from.
        request = step_request(self.held[0].rng, self._honoured(), direct["token"], direct["position"], greedy=True)
        self.launched = Launched(True, direct["position"], True, self.golden.respond(request))
        return []

    def _honoured(self) -> int:
        return self.core.arithmetic.sampler.honoured(self.held_temperature)

    # What is seen after the first ``count`` results of what was launched.

    def results(self, count: int) -> Sequence[Expected]:
        """Return the first results."""
        return () if self.launched is None else self.launched.results[:count]

    def drawn(self, count: int) -> list[int]:
        """Return the letters among the first results, those of direct steps too."""
        tokens = [result.fields["token_out"] for result in self.results(count)]
        return [token for token in tokens if token != self.model.bos]

    def letters(self, count: int) -> list[int]:
        """Return the letters of the name so far."""
        return [] if self.launched is None or self.launched.direct else self.drawn(count)

    def held_after(self, count: int) -> list[Held]:
        """Return what random state and logits may be."""
        if self.launched is None or count == 0:
            return self.held
        result = self.launched.results[count - 1]
        if self.launched.direct:
            return [Held(held.rng, result.logits) for held in self.held]
        return [Held(result.fields["rng"], result.logits)]

    def status(self, count: int, *, ready: int, busy: int, done: int) -> int:
        """Return the word of ``status``."""
        launched, letters = self.launched, len(self.letters(count))
        direct = launched is not None and launched.direct
        return self.registers.register("status").encode(
            ready=ready, busy=busy, done=done, error=int(self.errors != 0), toggle=self.toggle, direct=int(direct),
            letters=letters, position=launched.position if launched is not None and direct else letters,
        )  # fmt: skip

    def word(self, entry: Register, index: int, count: int) -> int:
        """Return the word of a register that depends on nothing else; ValueError for another one."""
        if entry.name in self._fixed:
            return self._fixed[entry.name][index]
        match entry.name:
            case "config":
                return entry.encode(limit=self.limit, temperature=self.temperature)
            case "direct":
                return entry.encode(**self.direct)
            case "error":
                return self.errors
            case "temperature":
                direct = self.launched is not None and self.launched.direct
                greedy = self.core.arithmetic.sampler.greedy_at_zero and self.held_temperature == 0
                return entry.encode(temperature=self._honoured(), greedy=int(direct or greedy))
            case "letters":
                letters = self.letters(count)
                return letters[index] if index < len(letters) else 0
            case "step_count":
                return count
            case "letter_count":
                return len(self.drawn(count))
            case "last" | "top_logit":
                return self._last(entry, count)
        raise ValueError(f"register must be one that count and settings decide, not {entry.name!r}")

    def _last(self, entry: Register, count: int) -> int:
        if not self.results(count):
            return 0
        fields = self.results(count)[-1].fields
        if entry.name == "top_logit":
            return entry.encode(logit=fields["top_logit"])
        top_logit = _IN_LAST.saturate(fields["top_logit"])
        return entry.encode(token=fields["token_out"], argmax=fields["argmax"], top_logit=top_logit)

    def last_token(self, count: int) -> int:
        """Return what the output of this name shows."""
        results = self.results(count)
        return results[-1].fields["token_out"] if results else 0
