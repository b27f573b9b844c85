"""What the registers must answer: a model of whole accesses, which never reads the design.

When the core ends a step is the core's own affair, so the model knows an earliest and a latest cycle of each result.
Every answer narrows them, and one that no course of results explains is a mismatch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from cosim.core.model import Expected
from cosim.core.request import Request, name_request, step_request
from cosim.registers.access import Access, Ports, RegisterMismatch
from cosim.registers.run import NEVER, Held, Run
from hdl.core.config import CoreConfig
from hdl.registers.map import ARITHMETICS, ID, VERSION, Register, core_name_words, find_register, register
from talos_ref.golden.sampler import BucketSampler
from talos_ref.golden.xorshift32 import ZERO_STATE

__all__ = ["RegisterModel", "Responder"]

ACCEPTED = 2
"""Cycles from the execution of a start to the cycle in which the core accepts the request."""
_BLANK, _DISPLAYS = 26, 6


class Responder(Protocol):
    """A core as a function of its requests, such as ``cosim.core.model.GoldenModel``."""

    def respond(self, request: Request) -> list[Expected]:
        """Return the results of a request, none if it is illegal."""

    def clear(self) -> None:
        """Empty the cache."""


class RegisterModel:
    """The registers over one core.

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
        self.core, self.model, self.golden = core, core.model, golden
        self.fixed = {
            "id": [ID],
            "version": [VERSION],
            "bos": [core.model.bos],
            "arithmetic": [ARITHMETICS[core.arithmetic_name]],
            "clock": [clock_hz],
            "build": [build],
            "core_name": list(core_name_words(core.name)),
        }
        self.clock_hz = clock_hz
        self.rate_cycles = (clock_hz * core.model.max_letters).bit_length()
        self.accesses = self.compared = 0
        self.mismatches: list[RegisterMismatch] = []
        self.events: dict[str, int] = {}
        self._reset_state()

    def _reset_state(self) -> None:
        self.golden.clear()
        self.seed, self.limit, self.temperature = 1, self.model.max_letters, 0x0080
        self.direct = dict.fromkeys(("enable", "clear_cache", "position", "token"), 0)
        self.errors, self.toggle = 0, 0
        self.held_temperature = 0x0080
        self.held = [Held(1, (0,) * self.model.vocab_size)]
        self.run: Run | None = None
        self.characters, self.shown = [_BLANK] * _DISPLAYS, 0

    def reset(self) -> None:
        """A cycle in which the machine is reset has ended."""
        if self.run is not None and self.run.results:
            self._count("reset while running")
        self._reset_state()

    # Accesses. `cycle` is the one in which an access is executed, the first after its acceptance; for a read that the
    # block holds back, the last.

    def write(self, access: Access, cycle: int, *, reset: bool) -> None:
        """Take a write into account, which does nothing in a reset."""
        self.accesses += 1
        found = find_register(access.address)
        if reset:
            self._count("write in reset")
            return
        self.toggle ^= 1
        self._settle_errors(cycle)
        causes = []
        if found is None:
            causes.append("unmapped")
        elif not found[0].access.writable:
            causes.append("read_only")
        if access.enables != 0xF:
            causes.append("partial_write")
        elif found is not None:
            causes += self._write(found[0], access.data, cycle)
        for cause in causes:
            self._count(cause)
        self.errors |= register("error").encode(**dict.fromkeys(causes, 1))

    def read(self, access: Access, cycle: int, value: int, waited: int, *, reset: bool, enable: int) -> None:
        """Compare the answer to a read that waited for some cycles more than it had to."""
        found = find_register(access.address)
        self._settle_errors(cycle)
        if found is None:
            self._compare(access, cycle, [0], value)
        else:
            self._read(access, *found, cycle, value, reset=reset, enable=enable)
        self._check_wait(access, "" if found is None else found[0].name, cycle, waited)
        self.accesses += 1
        if not reset:
            self.toggle ^= 1
            if found is None:
                self._count("unmapped")
                self.errors |= register("error").encode(unmapped=1)
        else:
            self._count("read in reset")

    def observe(self, ports: Ports, cycle: int, *, reset: bool, enable: int) -> None:
        """Compare the outputs beside the bus."""
        self.compared += 1
        expected = {
            "activity": (self.toggle, ports.activity),
            "characters": (tuple(self.characters), ports.characters),
        }
        for name, (wanted, seen) in expected.items():
            if wanted != seen:
                self.report(cycle, name, str(wanted), str(seen))
        state = {"ready": ports.ready, "busy": ports.busy, "done": ports.done}
        by_count = {}
        for count in self._counts(cycle, 2):
            shown = self._state(count, cycle, reset)
            by_count[count] = {"ready": shown[0] & enable, "busy": shown[1] & enable, "done": shown[2]}
        self._explain("ready, busy, done", cycle, 2, by_count, state)
        last = {count: self._last(count)["token"] for count in self._counts(cycle, 1)}
        self._explain("last_token", cycle, 1, last, ports.last_token)

    def report(self, cycle: int, what: str, expected: str, actual: str) -> None:
        """Note a mismatch of the access at hand."""
        self.mismatches.append(RegisterMismatch(self.accesses, cycle, what, expected, actual))

    @property
    def busy(self) -> bool:
        """Whether a request is under way, as far as is known."""
        run = self.run
        return run is not None and bool(run.results) and run.high[-1] == NEVER

    def finished(self, cycle: int) -> bool:
        """Return whether what runs must have ended, or nothing does."""
        return self.run is None or self.run.may_be(cycle, 2)[0] == self.run.count

    # Effects.

    def _write(self, entry: Register, data: int, cycle: int) -> list[str]:
        values = entry.decode(data)
        match entry.name:
            case "config":
                self.limit, self.temperature = values["limit"], values["temperature"]
            case "seed":
                self.seed = data or ZERO_STATE
            case "direct":
                self.direct = values
            case "hex":
                self._show(values)
            case "control":
                return self._control(values, cycle)
            case "step" if values["start"]:
                return self._step(cycle)
        return []

    def _show(self, values: dict[str, int]) -> None:
        if values["clear"]:
            self.characters, self.shown = [_BLANK] * _DISPLAYS, 0
        elif values["push"] and values["token"] < _BLANK:
            if self.shown < _DISPLAYS:
                self.shown += 1
                self.characters[_DISPLAYS - self.shown] = values["token"]
            else:
                self.characters = [values["token"], *self.characters[:-1]]

    def _control(self, values: dict[str, int], cycle: int) -> list[str]:
        if not values["clear"] and not values["start"]:
            return []
        if not values["clear"] and self._occupied(cycle):
            return ["busy"]
        self._abandon(cycle)
        self.errors, self.run = 0, None
        self.golden.clear()
        if not values["start"]:
            self._count("clear")
            return []
        self.held = [Held(self.seed, held.logits) for held in self.held]
        self.held_temperature = self.temperature
        if not 1 <= self.limit <= self.model.max_letters:
            self.run = Run(False, 0, cycle + 1, NEVER, ())
            return ["illegal_length"]
        request = name_request(self.seed, self._temperature(), self.limit)
        self.run = Run(False, 0, cycle + 1, cycle + ACCEPTED, self.golden.respond(request))
        self._count("name")
        return []

    def _step(self, cycle: int) -> list[str]:
        if self._occupied(cycle):
            return ["busy"]
        self._abandon(cycle)
        self.errors, direct = 0, self.direct
        if direct["clear_cache"]:
            self.golden.clear()
            self.held = [Held(self.seed, held.logits) for held in self.held]
        self.held_temperature = self.temperature
        causes = [] if direct["enable"] else ["direct_disabled"]
        if direct["token"] >= self.model.vocab_size or direct["position"] >= self.model.block_size:
            causes.append("illegal_step")
        if causes:
            self.run = Run(True, direct["position"], cycle + 1, NEVER, ())
            return causes
        # A direct step leaves the random state alone, so any will do that it might start from.
        request = step_request(self.held[0].rng, self._temperature(), direct["token"], direct["position"], greedy=True)
        results = self.golden.respond(request)
        self.run = Run(True, direct["position"], cycle + 1, cycle + ACCEPTED, results)
        if not results:
            self.run.causes = register("error").encode(illegal_step=1)
            self._count("refused by the core")
        else:
            self._count("direct step")
        return []

    def _occupied(self, cycle: int) -> bool:
        """Return whether a start in this cycle meets a busy machine; what that says of the results is noted."""
        if self.run is None or self.run.accepted == NEVER:
            return False
        if not self.run.results:
            return cycle < self.run.accepted + 2
        possible = self.run.may_be(cycle, 2)
        if possible[0] == self.run.count:
            return False
        if possible[-1] == self.run.count:
            raise RuntimeError("a start must come when the machine is known to be busy or known to be done")
        return True

    def _abandon(self, cycle: int) -> None:
        """End the run: of the results that may have been taken by now, one is the last."""
        if self.run is None:
            return
        counts = self.run.may_be(cycle, 0)
        if self.run.results and counts[0] < self.run.count:
            self._count("clear while running")
        self.held = [held for count in counts for held in self._held_after(count)]
        self.run = None

    def _temperature(self) -> int:
        """Return the temperature for the golden model: the hardware of ``precise`` raises one that is too low."""
        sampler, temperature = self.core.arithmetic.sampler, self.held_temperature
        if sampler.greedy_at_zero and temperature == 0:
            return 0
        return max(temperature, sampler.min_temperature)

    def _settle_errors(self, cycle: int) -> None:
        """Add the core's refusal, once it is there to be seen."""
        if self.run is not None and self.run.causes and cycle >= self.run.accepted + 2:
            self.errors |= self.run.causes
            self.run.causes = 0

    # Answers.

    def _read(
        self, access: Access, entry: Register, index: int, cycle: int, value: int, *, reset: bool, enable: int
    ) -> None:
        if not entry.access.readable:
            self._compare(access, cycle, [0], value)
        elif entry.name in self.fixed:
            self._compare(access, cycle, [self.fixed[entry.name][index]], value)
        elif entry.name == "config":
            self._compare(access, cycle, [entry.encode(limit=self.limit, temperature=self.temperature)], value)
        elif entry.name == "direct":
            self._compare(access, cycle, [entry.encode(**self.direct)], value)
        elif entry.name == "error":
            self._compare(access, cycle, [self.errors], value)
        elif entry.name == "machine":
            self._compare(access, cycle, [entry.encode(reset=int(reset), enable=enable)], value)
        elif entry.name == "temperature":
            self._compare(access, cycle, [self._in_use(entry)], value)
        elif entry.name in ("cycles", "stage_cycles"):
            self._read_counter(access, entry.name, index, cycle, value)
        elif entry.name in ("seed", "logits"):
            self._read_held(access, entry.name, index, cycle, value)
        else:
            delay = 2 if entry.name in ("status", "letters", "tokens_per_second") else 1
            by_count = {count: self._word(entry, index, count, cycle, reset) for count in self._counts(cycle, delay)}
            self._explain(str(access), cycle, delay, by_count, value)

    def _word(self, entry: Register, index: int, count: int, cycle: int, reset: bool) -> int:
        """Return the word after a number of results."""
        run = self.run
        match entry.name:
            case "status":
                ready, busy, done = self._state(count, cycle, reset)
                letters = len(run.tokens(count)) if run is not None else 0
                return entry.encode(
                    ready=ready, busy=busy, done=done, error=int(self.errors != 0), toggle=self.toggle,
                    direct=int(run is not None and run.direct), letters=letters,
                    position=run.position if run is not None and run.direct else letters,
                )  # fmt: skip
            case "last":
                return entry.encode(**self._last(count))
            case "letters":
                tokens = run.tokens(count) if run is not None else []
                return tokens[index] if index < len(tokens) else 0
            case "step_count":
                return count
            case "letter_count":
                return run.letters(count) if run is not None else 0
            case "tokens_per_second":
                return self._rate(run) if run is not None and run.results and count == run.count else 0
        raise ValueError(f"register must be one that the model knows, not {entry.name!r}")

    def _state(self, count: int, cycle: int, reset: bool) -> tuple[int, int, int]:
        """Return ready, busy, done."""
        if reset:
            return 0, 0, 0
        run = self.run
        if run is None:
            return 1, 0, 0
        if run.accepted == NEVER:
            return 0, 0, 1
        ended = count == run.count if run.results else cycle >= run.accepted + 2
        return 0, int(not ended), int(ended)

    def _last(self, count: int) -> dict[str, int]:
        if self.run is None or count == 0:
            return {"token": 0, "argmax": 0, "top_logit": 0}
        fields = self.run.results[count - 1].fields
        return {"token": fields["token_out"], "argmax": fields["argmax"], "top_logit": fields["top_logit"]}

    def _in_use(self, entry: Register) -> int:
        sampler, temperature = self.core.arithmetic.sampler, self.held_temperature
        greedy = (self.run is not None and self.run.direct) or (sampler.greedy_at_zero and temperature == 0)
        if isinstance(sampler, BucketSampler):
            # What a difference of 4 becomes says which of the four it is.
            used = {8: 0x080, 4: 0x100, 2: 0x200, 1: 0x400}[sampler.temper(4, temperature)]
        else:
            used = self._temperature()
        return entry.encode(temperature=used, greedy=int(greedy))

    def _held_after(self, count: int) -> list[Held]:
        """Return what random state and logits may be after a number of results."""
        if self.run is None or count == 0:
            return self.held
        result = self.run.results[count - 1]
        if self.run.direct:
            return [Held(held.rng, result.logits) for held in self.held]
        return [Held(result.fields["rng"], result.logits)]

    def _read_held(self, access: Access, name: str, index: int, cycle: int, value: int) -> None:
        def word(held: Held) -> int:
            if name == "seed":
                return held.rng
            # A smaller model has fewer.
            return held.logits[index] & 0xFFFFFFFF if index < len(held.logits) else 0

        possible = {count: self._held_after(count) for count in self._counts(cycle, 1)}
        fitting = [count for count, held in possible.items() if any(word(one) == value for one in held)]
        expected = sorted({word(one) for held in possible.values() for one in held})
        if not self._compare(access, cycle, expected, value):
            return
        if self.run is not None and _consecutive(fitting):
            self.run.saw(fitting, cycle, 1)
        if (self.run is None or fitting == [0]) and len(self.held) > 1:
            self.held = [held for held in self.held if word(held) == value]

    def _read_counter(self, access: Access, name: str, index: int, cycle: int, value: int) -> None:
        run = self.run
        if run is None or not run.results:
            self._compare(access, cycle, [0], value)
            return
        # While it runs the counter is the time since the acceptance, a cycle late.
        elapsed = max(0, cycle - run.accepted - 1)
        self.compared += 1
        if name == "cycles":
            least, most = run.low[-1], min(run.high[-1], cycle - 2)
            if value == elapsed and run.high[-1] >= cycle - 1:
                run.saw_end(cycle - 1)
            elif least <= run.accepted + value <= most:
                run.saw_end(run.accepted + value, run.accepted + value)
            else:
                expected = f"{elapsed}, or {least - run.accepted} to {most - run.accepted} if it has ended"
                self.report(cycle, str(access), expected, str(value))
        elif not 0 <= value <= elapsed:
            self.report(cycle, str(access), f"0 to {elapsed}", str(value))
        elif run.high[-1] < cycle:
            known = run.stages.setdefault(index, value)
            if known != value:
                self.report(cycle, str(access), str(known), str(value))
            total = sum(run.stages.values())
            if len(run.stages) == register("stage_cycles").count and run.end not in (None, run.accepted + total):
                self.report(cycle, "sum of stage_cycles", str(run.low[-1] - run.accepted), str(total))

    def _rate(self, run: Run) -> int:
        """Return tokens a second after the end of a run, -1 while its cycles are not known."""
        return -1 if run.end is None else run.letters(run.count) * self.clock_hz // (run.end - run.accepted)

    def _check_wait(self, access: Access, name: str, cycle: int, waited: int) -> None:
        """A read waits for the division of ``tokens_per_second`` alone, which takes as many cycles as it has bits."""
        least = most = 0
        if name == "tokens_per_second":
            first, end = cycle - waited, None if self.run is None else self.run.end
            if end is None or first < end + 2:
                # In the former case a reset may have ended the division.
                most = self.rate_cycles if end is None else 0
            else:
                least = most = max(0, end + 2 + self.rate_cycles - first)
        if not least <= waited <= most:
            self.report(cycle, f"cycles that the {access} waited", f"{least} to {most}", str(waited))
        if waited:
            self._count("division waited for")

    def _counts(self, cycle: int, delay: int) -> range:
        return range(1) if self.run is None else self.run.may_be(cycle, delay)

    def _explain(self, what: str, cycle: int, delay: int, by_count: dict[int, Any], value: Any) -> None:
        """Find the numbers of results that explain a value, and note what they say of the results' times."""
        self.compared += 1
        fitting = [count for count, word in by_count.items() if word == value]
        if not fitting:
            expected = " or ".join(f"{_shown(word)} after {count}" for count, word in by_count.items())
            self.report(cycle, what, f"{expected} results", _shown(value))
        elif self.run is not None and _consecutive(fitting):
            self.run.saw(fitting, cycle, delay)

    def _compare(self, access: Access, cycle: int, expected: Sequence[int], value: int) -> bool:
        self.compared += 1
        if value not in expected:
            self.report(cycle, str(access), " or ".join(f"0x{word:08X}" for word in expected), f"0x{value:08X}")
        return value in expected

    def _count(self, event: str) -> None:
        self.events[event] = self.events.get(event, 0) + 1


def _consecutive(counts: Sequence[int]) -> bool:
    return counts[-1] - counts[0] == len(counts) - 1


def _shown(value: Any) -> str:
    return f"0x{value:08X}" if isinstance(value, int) else str(value)
