"""An initiator on the register bus: accesses, cycle by cycle, and the protocol of their answers."""

from __future__ import annotations

from typing import Protocol

from cosim.registers.access import Access
from hdl.registers.map import RegisterMap
from hdl.registers.places import ADDRESS_WIDTH

__all__ = ["ANSWERS", "INPUTS", "Initiator", "Pins"]

INPUTS = ("address", "read", "write", "writedata", "byteenable", "rst", "enable")
"""What an initiator drives."""
ANSWERS = ("waitrequest", "readdata", "readdatavalid")
"""What it looks at."""

_ADDRESSES = (1 << ADDRESS_WIDTH) - 1
_LATENCY = 2
"""Cycles from the acceptance of a read to its answer, if nothing holds it back."""


class Pins(Protocol):
    """The design in a simulator."""

    async def exchange(self, inputs: dict[str, int]) -> dict[str, int]:
        """Drive all of ``INPUTS`` in the cycle at hand, return the outputs as they settle in it, and let it pass.

        ``ANSWERS`` are among the outputs. A value with a bit that is X is -1.
        """


class Initiator:
    """Makes one access after another. Every method that is awaited passes whole cycles.

    ``reset_cycles`` and ``enable`` may be set at any time: the next so many cycles have ``rst``; the input ``enable``.
    A bus that does what it must not ends the run with RuntimeError, and so does an access that is not answered in time,
    because nothing that comes after it would tell anything. Who derives from it sees all outputs by ``look``.

    Parameters
    ----------
    pins
        The design.
    registers
        Its map.
    patience
        Cycles that an answer may be late.
    """

    def __init__(self, pins: Pins, registers: RegisterMap, patience: int = 0) -> None:
        self.pins, self.registers, self.patience = pins, registers, patience
        self.now, self.reset_cycles, self.enable = 0, 0, 1
        self.writing: Access | None = None
        """The write that was accepted in the cycle before."""
        self.before = (False, 1)
        """``rst`` and ``enable`` in the cycle before."""
        self._offered: Access | None = None
        self._reading: tuple[Access, int] | None = None
        self._answer = 0

    async def post(self, access: Access) -> None:
        """Offer an access until it is accepted; the answer of a read is looked at when it comes."""
        self._offered = access
        while self._offered is not None:
            await self.cycle()

    async def write(self, address: int, data: int, enables: int = 0xF) -> None:
        """Write a word; its effect is there for every later access."""
        await self.post(Access(address, True, data, enables))

    async def set(self, name: str, **fields: int) -> None:
        """Write a register: the fields given, and 0 elsewhere."""
        entry = self.registers.register(name)
        await self.write(entry.address, entry.encode(**fields))

    async def get(self, name: str, index: int = 0) -> int:
        """Return the word of a register; RuntimeError as `read`."""
        return await self.read(self.registers.register(name).at(index))

    async def read(self, address: int) -> int:
        """Return the word at an address; RuntimeError if a bit of it is X."""
        await self.post(Access(address))
        await self.drain()
        if self._answer < 0:
            raise RuntimeError(f"the answer to a {Access(address)} must be known in every bit")
        return self._answer

    async def drain(self) -> None:
        """Wait for the answer to a read that was posted."""
        while self._reading is not None:
            await self.cycle()

    async def idle(self, cycles: int) -> None:
        """Let some cycles pass without an access."""
        for _ in range(cycles):
            await self.cycle()

    async def cycle(self) -> None:
        """Let one cycle pass."""
        reset, access = self.reset_cycles > 0, self._offered
        # What is on the bus beside an access is nothing that anybody may look at.
        shown = Access(self.now * 0x9E5 & _ADDRESSES, False, self.now * 0x9E3779B1 & 0xFFFFFFFF, self.now & 0xF)
        shown = shown if access is None else access
        seen = await self.pins.exchange(
            {
                "address": shown.address,
                "read": int(access is not None and not access.write),
                "write": int(access is not None and access.write),
                "writedata": shown.data,
                "byteenable": shown.enables,
                "rst": int(reset),
                "enable": self.enable,
            }
        )
        self._take_answer(seen)
        self.look(seen, reset=reset)
        self.writing = None
        self._accept(seen["waitrequest"])
        self.before = reset, self.enable
        self.reset_cycles -= int(reset)
        self.now += 1

    # What is seen.

    def look(self, seen: dict[str, int], *, reset: bool) -> None:
        """Look at the outputs of the cycle ``now``, in which ``writing`` is executed."""

    def answered(self, access: Access, value: int, late: int) -> None:
        """Look at the answer to a read, which the cycle before has made, so many cycles late."""

    def wrong(self, what: str, expected: str, actual: str) -> None:
        """Take what the bus must not do."""
        raise RuntimeError(f"cycle {self.now}: {what} must be {expected}, not {actual}")

    def _take_answer(self, seen: dict[str, int]) -> None:
        if seen["readdatavalid"] not in (0, int(self._reading is not None)):
            self.wrong("readdatavalid", "0 without a read", str(seen["readdatavalid"]))
        elif self._reading is not None:
            access, accepted = self._reading
            late = self.now - accepted - _LATENCY
            if seen["readdatavalid"]:
                self._reading, self._answer = None, seen["readdata"]
                self.answered(access, self._answer, late)
            elif late > self.patience:
                limit = _LATENCY + self.patience
                raise RuntimeError(f"cycle {self.now}: a {access} must be answered in {limit} cycles")

    def _accept(self, waitrequest: int) -> None:
        waits = int(self._reading is not None)
        if waitrequest != waits:
            self.wrong("waitrequest", str(waits), str(waitrequest))
        access = self._offered
        if access is not None and waitrequest == 0:
            self._offered = None
            if access.write:
                self.writing = access
            else:
                self._reading = access, self.now
