"""What the registers must answer: a model of whole accesses, which never reads the design.

When the core ends a step is the core's own affair, so the model knows an earliest and a latest cycle of each result.
Every answer narrows them, and one that no course of results explains is a mismatch.
"""

from __future__ import annotations

from collections import Counter

from cosim.registers.access import Access, Ports
from cosim.registers.comparison import Comparison
from cosim.registers.machine import Held, Machine, Responder
from cosim.registers.run import NEVER, Run
from hdl.core.config import CoreConfig
from hdl.registers.register import Register

__all__ = ["RegisterModel"]

ACCEPTED = 2
"""Cycles from the execution of a start to the cycle in which the core accepts the request."""
_ONE_CYCLE = ("last", "top_logit", "step_count", "letter_count")
"""Registers that show a result one cycle after it was taken; the others take two."""


class RegisterModel(Comparison):
    """The registers over one core, and what was wrong with their answers.

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
        super().__init__()
        self.core, self.model = core, core.model
        self.machine = Machine(core, golden, build=build, clock_hz=clock_hz)
        self.registers = self.machine.registers
        self.rate_cycles = (clock_hz * core.model.max_letters).bit_length()
        self.events: Counter[str] = Counter()
        self.run: Run | None = None

    def reset(self) -> None:
        """A cycle in which the machine is reset has ended."""
        if self.run is not None and self.run.count:
            self.events["reset while running"] += 1
        self.machine.reset()
        self.run = None

    # Accesses. `cycle` is the one in which an access is executed, the first after its acceptance; for a read that the
    # block holds back, the last.

    def write(self, access: Access, cycle: int, *, reset: bool) -> None:
        """Take a write into account, which does nothing in a reset."""
        self.accesses += 1
        found = self.registers.find(access.address)
        if reset:
            self.events["write in reset"] += 1
            return
        self.machine.toggle ^= 1
        self._settle_refusal(cycle)
        causes = []
        if found is None:
            causes.append("unmapped")
        elif not found[0].access.writable:
            causes.append("read_only")
        if access.enables != 0xF:
            causes.append("partial_write")
        elif found is not None:
            causes += self._write(found[0], access.data, cycle)
        self.events.update(causes)
        self.machine.fault(*causes)

    def read(self, access: Access, cycle: int, value: int, waited: int, *, reset: bool, enable: int) -> None:
        """Compare the answer to a read that waited for some cycles more than it had to."""
        found = self.registers.find(access.address)
        self._settle_refusal(cycle)
        if found is None:
            self.compare(access, cycle, [0], value)
        else:
            self._read(access, *found, cycle, value, reset=reset, enable=enable)
        self._check_wait(access, "" if found is None else found[0].name, cycle, waited)
        self.accesses += 1
        if reset:
            self.events["read in reset"] += 1
            return
        self.machine.toggle ^= 1
        if found is None:
            self.events["unmapped"] += 1
            self.machine.fault("unmapped")

    def observe(self, ports: Ports, cycle: int, executed: Access | None, *, reset: bool, enable: int) -> None:
        """Compare the outputs beside the bus in the cycle in which a write, or none, is executed."""
        self.compared += 1
        if ports.activity != self.machine.toggle:
            self.report(cycle, "activity", str(self.machine.toggle), str(ports.activity))
        self._check_display(ports.display, cycle, None if reset else executed)
        state = {"ready": ports.ready, "busy": ports.busy, "done": ports.done}
        by_count = {}
        for count in self._counts(cycle, 2):
            shown = self._state(count, cycle, reset)
            by_count[count] = {"ready": shown[0] & enable, "busy": shown[1] & enable, "done": shown[2]}
        self.explain("ready, busy, done", cycle, 2, by_count, state, self.run)
        last = {count: self.machine.last_token(count) for count in self._counts(cycle, 1)}
        self.explain("last_token", cycle, 1, last, ports.last_token, self.run)

    def finished(self, cycle: int) -> bool:
        """Return whether what runs must have ended, or nothing does."""
        return self.run is None or self.run.may_be(cycle, 2)[0] == self.run.count

    # Effects.

    def _write(self, entry: Register, data: int, cycle: int) -> list[str]:
        values = entry.decode(data)
        if entry.name == "control":
            return self._control(values, cycle)
        if entry.name == "step":
            return self._step(cycle) if values["start"] else []
        self.machine.set(entry, data)
        return []

    def _control(self, values: dict[str, int], cycle: int) -> list[str]:
        if not values["clear"] and not values["start"]:
            return []
        if not values["clear"] and self._occupied(cycle):
            return ["busy"]
        self._abandon(cycle)
        self.machine.clear()
        if not values["start"]:
            self.events["clear"] += 1
            return []
        return self._launched(self.machine.start(), cycle, "name")

    def _step(self, cycle: int) -> list[str]:
        if self._occupied(cycle):
            return ["busy"]
        self._abandon(cycle)
        return self._launched(self.machine.step(), cycle, "direct step")

    def _launched(self, causes: list[str], cycle: int, event: str) -> list[str]:
        launched = self.machine.launched
        assert launched is not None, "a start that is not busy launches something"
        self.run = Run(cycle + ACCEPTED if launched.offered else NEVER, len(launched.results))
        if launched.offered:
            self.events[event if launched.results else "refused by the core"] += 1
        return causes

    def _occupied(self, cycle: int) -> bool:
        """Return whether a start in this cycle meets a busy machine; what that says of the results is noted."""
        if self.run is None or self.run.accepted == NEVER:
            return False
        if not self.run.count:
            return cycle < self.run.accepted + 2
        possible = self.run.may_be(cycle, 2)
        if possible[0] == self.run.count:
            return False
        if possible[-1] == self.run.count:
            raise RuntimeError("a start must come when the machine is known to be busy or known to be done")
        return True

    def _abandon(self, cycle: int) -> None:
        """End the run: of the results that may have been taken by now, one is the last."""
        counts = self._counts(cycle, 0)
        if self.run is not None and self.run.count and counts[0] < self.run.count:
            self.events["clear while running"] += 1
        self.machine.abandon(counts)
        self.run = None

    def _settle_refusal(self, cycle: int) -> None:
        """Add the core's refusal, once it is there to be seen."""
        if self.run is not None and not self.run.count and self.run.accepted + 2 <= cycle:
            self.machine.fault("illegal_step")

    # Answers.

    def _check_display(self, seen: tuple[int, int, int], cycle: int, executed: Access | None) -> None:
        """A write to ``hex`` is a command to the display in the cycle in which it is executed."""
        clear = push = token = 0
        entry = self.registers.register("hex")
        if executed is not None and executed.address & ~3 == entry.address and executed.enables == 0xF:
            fields = entry.decode(executed.data)
            token = fields["token"]
            clear, push = fields["clear"], int(fields["push"] and token < self.model.bos)
        # The token means something beside a push alone.
        if seen != (clear, push, token if push else seen[2]):
            self.report(cycle, "display", f"clear {clear}, push {push} of {token}", str(seen))

    def _read(
        self, access: Access, entry: Register, index: int, cycle: int, value: int, *, reset: bool, enable: int
    ) -> None:
        if not entry.access.readable:
            self.compare(access, cycle, [0], value)
        elif entry.name == "machine":
            word = entry.encode(reset=int(reset), enable=enable, scrubber=int(self.core.scrub))
            self.compare(access, cycle, [word], value)
        elif entry.name == "rom_passes" and self.core.scrub:
            # How far the scrubber has come depends on every cycle since the reset; nothing is compared.
            return
        elif entry.name in ("cycles", "stage_cycles"):
            self._read_counter(access, entry.name, index, cycle, value)
        elif entry.name in ("seed", "logits"):
            self._read_held(access, entry.name, index, cycle, value)
        else:
            delay = 1 if entry.name in _ONE_CYCLE else 2
            by_count = {count: self._word(entry, index, count, cycle, reset) for count in self._counts(cycle, delay)}
            self.explain(access, cycle, delay, by_count, value, self.run)

    def _word(self, entry: Register, index: int, count: int, cycle: int, reset: bool) -> int:
        """Return the word after a number of results."""
        if entry.name == "status":
            ready, busy, done = self._state(count, cycle, reset)
            return self.machine.status(count, ready=ready, busy=busy, done=done)
        if entry.name == "tokens_per_second":
            return self._rate(self.run) if self.run is not None and 0 < self.run.count == count else 0
        return self.machine.word(entry, index, count)

    def _state(self, count: int, cycle: int, reset: bool) -> tuple[int, int, int]:
        """Return ready, busy, done."""
        if reset:
            return 0, 0, 0
        run = self.run
        if run is None:
            return 1, 0, 0
        if run.accepted == NEVER:
            return 0, 0, 1
        ended = count == run.count if run.count else cycle >= run.accepted + 2
        return 0, int(not ended), int(ended)

    def _read_held(self, access: Access, name: str, index: int, cycle: int, value: int) -> None:
        def word(held: Held) -> int:
            return held.rng if name == "seed" else held.logits[index] & 0xFFFFFFFF

        possible = {count: self.machine.held_after(count) for count in self._counts(cycle, 1)}
        fitting = [count for count, held in possible.items() if any(word(one) == value for one in held)]
        expected = sorted({word(one) for held in possible.values() for one in held})
        if not self.compare(access, cycle, expected, value):
            return
        if self.run is not None:
            self.run.saw(fitting, cycle, 1)
        if self.run is None or fitting == [0]:
            self.machine.held = [held for held in self.machine.held if word(held) == value]

    def _read_counter(self, access: Access, name: str, index: int, cycle: int, value: int) -> None:
        run = self.run
        if run is None or not run.count:
            self.compare(access, cycle, [0], value)
            return
        self.compared += 1
        if name == "cycles":
            expected = run.saw_cycles(value, cycle)
        else:
            expected = run.saw_stage(index, value, cycle, self.registers.register("stage_cycles").count)
        if expected is not None:
            self.report(cycle, str(access), expected, str(value))

    def _rate(self, run: Run) -> int:
        """Return tokens a second after the end of a run, -1 while its cycles are not known."""
        if run.end is None:
            return -1
        return len(self.machine.drawn(run.count)) * self.machine.clock_hz // (run.end - run.accepted)

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
            self.events["division waited for"] += 1

    def _counts(self, cycle: int, delay: int) -> range:
        return range(1) if self.run is None else self.run.may_be(cycle, delay)
