"""A board with several streams without a circuit: its registers, with the golden model behind them, as a transport."""

from __future__ import annotations

from collections.abc import Callable

from hdl.build_cache import build_id
from hdl.design import Design
from hdl.registers.batch_map import batch_map
from hdl.registers.core_name import core_name_words
from talos_ref.golden.arithmetic import ARITHMETIC_NUMBERS
from talos_ref.golden.batched import replay
from talos_ref.golden.digest import add_steps
from tests.helpers.barrel_designs import small_barrel

__all__ = ["BatchBoard"]

_STEP_CYCLES = 12

Steps = list[tuple[int, int, int]]
"""Seed, position and token of every step."""


class BatchBoard:
    """Each time that ``left`` is read, a third of the names that are left have ended.

    Parameters
    ----------
    design
        Of the board; the small one by default.
    change
        Takes the address and the word of every read, and returns what the host is to see.
    draw
        Takes the steps of a batch, and returns those that the board makes.
    hangs
        Whether no name ever ends.
    """

    def __init__(
        self,
        design: Design | None = None,
        *,
        change: Callable[[int, int], int] = lambda address, word: word,
        draw: Callable[[Steps], Steps] = lambda steps: steps,
        hangs: bool = False,
    ) -> None:
        self.design = small_barrel() if design is None else design
        self.registers = batch_map(self.design.model, self.design.arithmetic.logit)
        self.change, self.draw, self.hangs = change, draw, hangs
        self.batches: list[tuple[int, int]] = []
        self.log: list[tuple[str, int, int]] = []
        self.closed = self.waits = 0
        self._words = {name: self.registers.register(name).reset or 0 for name in ("seed", "count", "config")}
        self._left = self._error = 0
        self._steps: Steps = []

    def close(self) -> None:
        """Count how often the host closed the connection."""
        self.closed += 1

    def wait(self, seconds: float) -> None:
        """Count how often the host waits."""
        assert seconds > 0
        self.waits += 1

    def read_words(self, address: int, count: int) -> list[int]:
        """Answer consecutive reads."""
        return [self.read(address + 4 * index) for index in range(count)]

    def read(self, address: int) -> int:
        """Answer a read."""
        found = self.registers.find(address)
        assert found is not None, f"read of {address:#x}, where there is no register"
        entry, index = found
        word = self.change(address, self._word(entry.name, index)) & 0xFFFFFFFF
        self.log.append(("read", address, word))
        return word

    def write(self, address: int, value: int) -> None:
        """Answer a write."""
        self.log.append(("write", address, value))
        found = self.registers.find(address)
        assert found is not None, f"write to {address:#x}, where there is no register"
        entry, _ = found
        if entry.name != "control":
            self._words[entry.name] = value
            return
        assert entry.decode(value) == {"start": 1, "clear": 1}
        self._start()

    def _start(self) -> None:
        config = self.registers.register("config").decode(self._words["config"])
        seed, count = self._words["seed"], self._words["count"]
        self.batches.append((seed, count))
        self._left, self._error = count, 0
        design, limit = self.design, config["limit"]
        found = replay(
            design.checkpoint, design.arithmetic, range(seed, seed + count), config["temperature"], limit=limit
        )
        seeds = (seed + found.seed_index).tolist()
        self._steps = self.draw(list(zip(seeds, found.pos.tolist(), found.token_out.tolist(), strict=True)))

    def _word(self, name: str, index: int) -> int:
        design, started = self.design, bool(self.batches)
        if name == "left" and not self.hangs:
            self._left -= -(-self._left // 3)
        counters = {
            "cycles": _STEP_CYCLES * len(self._steps),
            "step_count": len(self._steps),
            "letter_count": sum(token != design.model.bos for _, _, token in self._steps),
        }
        if name in counters:
            return counters[name] >> 32 * index & 0xFFFFFFFF
        busy = int(self._left > 0)
        words = {
            "arithmetic": ARITHMETIC_NUMBERS[design.core.arithmetic_name],
            "clock": design.clock_hz,
            "build": build_id(design),
            "core_name": core_name_words(design.name)[index] if name == "core_name" else 0,
            "machine": 0b10,
            "streams": design.core.streams,
            "digest": add_steps(0, self._steps),
            "left": self._left,
            "error": self._error,
            "status": self.registers.register("status").encode(
                ready=not started, busy=busy, done=int(started and not busy), error=int(self._error != 0)
            ),
        }
        return words[name] if name in words else self.registers.register(name).reset or 0

    def fail(self, **causes: int) -> None:
        """Let the machine have abandoned what ran."""
        self._error, self._left = self.registers.register("error").encode(**causes), 0
