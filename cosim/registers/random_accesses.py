"""Any accesses that a host may make, legal or not, drawn at random for a register map."""

from __future__ import annotations

import random
from collections.abc import Callable

from cosim.registers.access import Access
from hdl.registers.map import RegisterMap
from hdl.registers.places import ADDRESS_WIDTH

__all__ = ["RandomAccesses"]

_TEMPERATURES = (0x80, 0x81, 0, 0x0F, 0x10, 0x11, 0x100, 0x101, 0x200, 0x201, 0x1000)
"""UQ8.8: both sides of all that the samplers distinguish."""


class RandomAccesses:
    """Draws accesses from ``generator``."""

    def __init__(self, generator: random.Random, registers: RegisterMap) -> None:
        self.draw, self.registers, self.model = generator, registers, registers.model
        self._readable = [entry for entry in registers.registers if entry.access.readable]
        self._fixed = [entry for entry in registers.registers if not entry.access.writable]

    def one(self) -> list[Access]:
        """Return an access, or several that belong together."""
        everything: tuple[tuple[int, Callable[[], list[Access]]], ...] = (
            (6, lambda: [self._read("status")]),
            (10, lambda: [self._read(self.draw.choice(self._readable).name)]),
            (2, lambda: [self._read("tokens_per_second")]),
            (2, self._stages),
            (1, lambda: [Access(self._unmapped(), self._bit(), self.draw.getrandbits(32))]),
            (1, lambda: [self._wrong()]),
            (4, self._name),
            (4, self._step),
            (1, lambda: [self._write("control", clear=1)]),
            (1, lambda: [self._write("control", clear=self._bit(), start=self._bit())]),
            (2, lambda: [self._hex()]),
            (1, lambda: [self._seed()]),
            (1, lambda: [self._config()]),
        )
        (action,) = self.draw.choices([action for _, action in everything], [weight for weight, _ in everything])
        return action()

    def _bit(self) -> bool:
        return self.draw.random() < 0.5

    def _write(self, name: str, **fields: int) -> Access:
        """Return a write of the fields as given, and at times of any bits beside them."""
        entry = self.registers.register(name)
        others = 0xFFFFFFFF
        for part in entry.fields:
            others &= ~part.mask
        beside = self.draw.choice((0, self.draw.getrandbits(32))) & others
        return Access(entry.address, True, entry.encode(**fields) | beside)

    def _read(self, name: str) -> Access:
        """Return a read of any word of a register; byte enables and the lowest address bits are of no concern to it."""
        entry = self.registers.register(name)
        low = self.draw.choice((0, 0, 0, self.draw.randrange(4)))
        enables = self.draw.choice((0xF, self.draw.randrange(16)))
        return Access(entry.at(self.draw.randrange(entry.count)) | low, enables=enables)

    def _stages(self) -> list[Access]:
        return [Access(address) for address in self.registers.register("stage_cycles").addresses]

    def _unmapped(self) -> int:
        while True:
            address = self.draw.choice((self.draw.randrange(0x240), self.draw.randrange(1 << ADDRESS_WIDTH)))
            if self.registers.find(address) is None:
                return address

    def _wrong(self) -> Access:
        """Return a write to what is read only, or of less than a word."""
        partial = self._bit()
        entry = self.draw.choice(self.registers.registers if partial else self._fixed)
        enables = self.draw.randrange(15) if partial else 0xF
        return Access(entry.at(self.draw.randrange(entry.count)), True, self.draw.getrandbits(32), enables)

    def _seed(self) -> Access:
        return Access(self.registers.register("seed").address, True, self.draw.choice((0, self.draw.getrandbits(32))))

    def _config(self) -> Access:
        most = self.model.max_letters
        legal = (most, most, self.draw.randrange(1, most + 1))
        limit = self.draw.choice((*legal, min(most + 1, 255), 0, self.draw.randrange(256)))
        temperature = self.draw.choice((*_TEMPERATURES, self.draw.getrandbits(16)))
        return self._write("config", limit=limit, temperature=temperature)

    def _name(self) -> list[Access]:
        """Configuration, seed and start, each of the former two not always."""
        made = []
        if self.draw.random() < 0.8:
            made.append(self._config())
        if self.draw.random() < 0.8:
            made.append(self._seed())
        made.append(self._write("control", start=1, clear=0))
        if self.draw.random() < 0.2:
            # What is written on the heels of a start is for the next one.
            made.append(self._config())
        return made

    def _step(self) -> list[Access]:
        """Two direct steps of one kind, legal or not, the first perhaps with an empty cache."""
        made = []
        tokens, positions, draw = self.model.vocab_size, self.model.block_size, self.draw.randrange
        for clear in (self.draw.random() < 0.4, False):
            token = self.draw.choice((draw(tokens), draw(tokens), min(tokens, 255), draw(256)))
            high = self.draw.choice((draw(positions), min(positions, 255), draw(256)))
            position = self.draw.choice((0, 0, 1, 1, 2, 3, high))
            enable = int(self.draw.random() < 0.9)
            made += [
                self._write("direct", enable=enable, clear_cache=int(clear), position=position, token=token),
                self._write("step", start=int(self.draw.random() < 0.95)),
            ]
            if self.draw.random() < 0.2:
                made.append(self._write("direct", token=draw(256)))
        return made

    def _hex(self) -> Access:
        letters = self.model.bos
        token = self.draw.choice((self.draw.randrange(letters), min(letters, 255), self.draw.randrange(256)))
        return self._write(
            "hex", clear=int(self.draw.random() < 0.1), push=int(self.draw.random() < 0.9), token=token
        )
