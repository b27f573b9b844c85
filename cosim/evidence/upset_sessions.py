"""What a host does in a session that a bit flips in, and what it must read: a name, or a batch of names."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from hdl.design import Design
from hdl.registers.map import RegisterMap
from hdl.registers.maps import registers_of
from talos_ref.golden.batched import replay
from talos_ref.golden.digest import add_steps
from talos_ref.golden.generate import quantise_temperature, steps
from talos_ref.golden.integer_model import IntegerModel

__all__ = ["BatchSessions", "NameSessions", "Sessions", "sessions_of"]

_TEMPERATURE = 0.5
_STATUS = ("ready", "busy", "done", "error", "letters")
"""Fields of ``status`` that tell of a session; the toggle tells of accesses."""


class Sessions(ABC):
    """Sessions of a design: after each the host reads ``status`` and ``error``, and what is left of the names."""

    def __init__(self, design: Design) -> None:
        self.design = design
        self.registers: RegisterMap = registers_of(design.core)
        self.temperature = quantise_temperature(_TEMPERATURE, design.arithmetic.sampler)

    def writes(self, seed: int) -> list[tuple[int, int]]:
        """Return address and word of what the host writes: a clear, the request, and the start."""
        control, config = self.registers.register("control"), self.registers.register("config")
        limit = self.design.model.max_letters
        return [
            (control.address, control.encode(clear=1)),
            (config.address, config.encode(limit=limit, temperature=self.temperature)),
            (self.registers.register("seed").address, seed),
            *self.more_writes(),
            (control.address, control.encode(start=1)),
        ]

    def reads(self) -> list[int]:
        """Return the addresses that the host reads at the end."""
        return [self.registers.register("status").address, self.registers.register("error").address, *self.more_reads()]

    def status(self, word: int) -> tuple[int, ...]:
        """Return what counts of ``status``."""
        fields = self.registers.register("status").decode(word)
        return tuple(fields[name] for name in _STATUS if name in fields)

    @abstractmethod
    def more_writes(self) -> list[tuple[int, int]]:
        """Return what else is written before the start."""

    @abstractmethod
    def more_reads(self) -> list[int]:
        """Return the addresses of what is left of the names."""

    @abstractmethod
    def right(self, seed: int, words: Sequence[int]) -> bool:
        """Return whether words that were read are what the golden model says of a session without an upset."""


class NameSessions(Sessions):
    """A name each; its letters and the random state are read."""

    def more_writes(self) -> list[tuple[int, int]]:
        """Return nothing."""
        return []

    def more_reads(self) -> list[int]:
        """Return the addresses of the random state and the letters."""
        letters = self.registers.register("letters")
        return [
            self.registers.register("seed").address,
            *(letters.at(index) for index in range(self.registers.model.max_letters)),
        ]

    def right(self, seed: int, words: Sequence[int]) -> bool:
        """Compare letters and random state."""
        golden = IntegerModel(self.design.checkpoint, self.design.arithmetic)
        made = list(steps(golden, seed=seed, temperature=self.temperature))
        letters = [step.token_out for step in made if step.token_out != self.design.model.bos]
        count = self.registers.register("status").decode(words[0])["letters"]
        return not words[1] and words[2] == made[-1].rng and list(words[3:][:count]) == letters


class BatchSessions(Sessions):
    """Two names a stream; their digest and the numbers of their steps and letters are read."""

    @property
    def count(self) -> int:
        """Names of a batch."""
        return 2 * self.design.core.streams

    def more_writes(self) -> list[tuple[int, int]]:
        """Return the count."""
        return [(self.registers.register("count").address, self.count)]

    def more_reads(self) -> list[int]:
        """Return the addresses of the digest and the lower halves of the counters."""
        return [self.registers.register(name).address for name in ("digest", "step_count", "letter_count")]

    def right(self, seed: int, words: Sequence[int]) -> bool:
        """Compare digest and counters."""
        seeds = [(seed + index) % (1 << 32) for index in range(self.count)]
        design = self.design
        found = replay(
            design.checkpoint, design.arithmetic, seeds, self.temperature, limit=design.model.max_letters
        )
        tokens = found.token_out.tolist()
        made = [(seeds[name], position, token) for name, position, token in zip(
            found.seed_index.tolist(), found.pos.tolist(), tokens, strict=True
        )]  # fmt: skip
        letters = sum(token != design.model.bos for token in tokens)
        return list(words[1:]) == [0, add_steps(0, made), len(made), letters]


def sessions_of(design: Design) -> Sessions:
    """Return the sessions of a design."""
    return (NameSessions if design.core.streams == 1 else BatchSessions)(design)
