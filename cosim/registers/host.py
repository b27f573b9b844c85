"""An initiator on the registers: accesses cycle by cycle, every output held against the model in every cycle."""

from __future__ import annotations

from typing import Protocol

from cosim.registers.access import Access, Ports
from cosim.registers.model import RegisterModel
from hdl.registers.places import ADDRESS_WIDTH

__all__ = ["DISPLAY", "INPUTS", "OUTPUTS", "Pins", "RegisterHost"]

INPUTS = ("address", "read", "write", "writedata", "byteenable", "rst", "enable")
"""What a host drives."""
DISPLAY = ("clear", "push", "token")
"""Commands to a display among the outputs."""
OUTPUTS = ("waitrequest", "readdata", "readdatavalid", "ready", "busy", "done", "activity", "last_token", *DISPLAY)
"""What it looks at."""

_ADDRESSES = (1 << ADDRESS_WIDTH) - 1


class Pins(Protocol):
    """The design in a simulator."""

    async def exchange(self, inputs: dict[str, int]) -> dict[str, int]:
        """Drive all of ``INPUTS`` in the cycle at hand, return ``OUTPUTS`` as they settle in it, and let it pass.

        A value with a bit that is X is -1.
        """


class RegisterHost:
    """Drives and checks. Every method that is awaited passes whole cycles.

    ``reset_cycles`` and ``enable`` may be set at any time: the next so many cycles have ``rst``; the input ``enable``.
    Mismatches gather in the model; an access that is not answered in time ends the run with RuntimeError, because
    nothing that comes after it would tell anything.
    """

    def __init__(self, pins: Pins, model: RegisterModel) -> None:
        self.pins, self.model, self.registers = pins, model, model.registers
        self.now, self.reset_cycles, self.enable = 0, 0, 1
        self.longest_wait = 0
        self._offered: Access | None = None
        self._writing: Access | None = None
        self._reading: tuple[Access, int] | None = None
        self._answer = 0
        self._before = (False, 1)
        self._patience = 4 + model.rate_cycles

    async def post(self, access: Access) -> None:
        """Offer an access until it is accepted; the answer of a read is checked when it comes."""
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

    async def until_done(self, limit: int) -> int:
        """Let cycles pass until nothing runs; return how many. RuntimeError after ``limit``."""
        started = self.now
        # A write that was accepted last takes effect in the next cycle.
        while self._writing is not None or not self.model.finished(self.now):
            if self.now - started > limit:
                raise RuntimeError(f"the request must end in {limit} cycles: {self.model.run}")
            await self.cycle()
        return self.now - started

    async def cycle(self) -> None:
        """Let one cycle pass."""
        reset, model = self.reset_cycles > 0, self.model
        access = self._offered
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
        self._answered(seen)
        if self._before[0]:
            model.reset()
        display = (seen["clear"], seen["push"], seen["token"])
        ports = Ports(seen["ready"], seen["busy"], seen["done"], seen["activity"], seen["last_token"], display)
        model.observe(ports, self.now, self._writing, reset=reset, enable=self.enable)
        if self._writing is not None:
            model.write(self._writing, self.now, reset=reset)
            self._writing = None
        self._accepted(seen["waitrequest"])
        self._before = reset, self.enable
        self.reset_cycles -= int(reset)
        self.now += 1

    def _answered(self, seen: dict[str, int]) -> None:
        """An answer, which the cycle before has made."""
        if seen["readdatavalid"] not in (0, int(self._reading is not None)):
            self.model.report(self.now, "readdatavalid", "0 without a read", str(seen["readdatavalid"]))
        elif self._reading is not None:
            access, accepted = self._reading
            waited = self.now - accepted - 2
            if seen["readdatavalid"]:
                was_reset, enable = self._before
                self.longest_wait = max(self.longest_wait, waited)
                self._reading, self._answer = None, seen["readdata"]
                self.model.read(access, self.now - 1, self._answer, waited, reset=was_reset, enable=enable)
            elif waited > self._patience:
                raise RuntimeError(
                    f"access {self.model.accesses}: a {access} must be answered in {self._patience} cycles"
                )

    def _accepted(self, waitrequest: int) -> None:
        if waitrequest != int(self._reading is not None):
            self.model.report(self.now, "waitrequest", str(int(self._reading is not None)), str(waitrequest))
        access = self._offered
        if access is not None and waitrequest == 0:
            self._offered = None
            if access.write:
                self._writing = access
            else:
                self._reading = access, self.now
