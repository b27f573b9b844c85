"""An initiator that holds every output against the model of the registers, in every cycle."""

from __future__ import annotations

from cosim.registers.access import Access, Ports
from cosim.registers.initiator import ANSWERS, Initiator, Pins
from cosim.registers.model import RegisterModel

__all__ = ["DISPLAY", "OUTPUTS", "RegisterHost"]

DISPLAY = ("clear", "push", "token")
"""Commands to a display among the outputs."""
OUTPUTS = (*ANSWERS, "ready", "busy", "done", "activity", "last_token", *DISPLAY)
"""What it looks at."""


class RegisterHost(Initiator):
    """Drives and checks; mismatches gather in the model.

    Parameters
    ----------
    pins
        The design, with ``OUTPUTS``.
    model
        What its registers must answer.
    """

    def __init__(self, pins: Pins, model: RegisterModel) -> None:
        super().__init__(pins, model.registers, 2 + model.rate_cycles)
        self.model, self.longest_wait = model, 0

    async def until_done(self, limit: int) -> int:
        """Let cycles pass until nothing runs; return how many. RuntimeError after ``limit``."""
        started = self.now
        # A write that was accepted last takes effect in the next cycle.
        while self.writing is not None or not self.model.finished(self.now):
            if self.now - started > limit:
                raise RuntimeError(f"the request must end in {limit} cycles: {self.model.run}")
            await self.cycle()
        return self.now - started

    def look(self, seen: dict[str, int], *, reset: bool) -> None:
        """See `Initiator`."""
        model = self.model
        if self.before[0]:
            model.reset()
        display = (seen["clear"], seen["push"], seen["token"])
        ports = Ports(seen["ready"], seen["busy"], seen["done"], seen["activity"], seen["last_token"], display)
        model.observe(ports, self.now, self.writing, reset=reset, enable=self.enable)
        if self.writing is not None:
            model.write(self.writing, self.now, reset=reset)

    def answered(self, access: Access, value: int, late: int) -> None:
        """See `Initiator`."""
        was_reset, enable = self.before
        self.longest_wait = max(self.longest_wait, late)
        self.model.read(access, self.now - 1, value, late, reset=was_reset, enable=enable)

    def wrong(self, what: str, expected: str, actual: str) -> None:
        """See `Initiator`."""
        self.model.report(self.now, what, expected, actual)
