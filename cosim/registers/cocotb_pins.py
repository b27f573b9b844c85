"""A core behind its registers in Verilator or Icarus: its pins by cocotb."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cocotb.triggers import FallingEdge, ReadOnly, Timer

from cosim.core.cocotb_pins import period_ps, start_clock
from cosim.registers.host import DISPLAY
from cosim.registers.initiator import INPUTS

__all__ = ["SystemPins"]

_BESIDE_THE_BUS = ("rst", "enable", "ready", "busy", "done", "activity", "last_token")


class SystemPins:
    """See ``cosim.registers.initiator.Pins``. Inputs change in the low half of the clock; outputs are read there.

    Parameters
    ----------
    dut
        The top module in the simulator.
    clock_hz
        Frequency of its clock.
    outputs
        Those that ``exchange`` returns.
    """

    def __init__(self, dut: Any, clock_hz: int, outputs: Sequence[str]) -> None:
        self._period = period_ps(clock_hz)

        def handle(name: str) -> Any:
            group = "" if name in _BESIDE_THE_BUS else "display__" if name in DISPLAY else "bus__"
            return getattr(dut, group + name)

        self._clock = dut.clk
        self._inputs = {name: handle(name) for name in INPUTS}
        self._outputs = {name: handle(name) for name in outputs}
        self._driven: dict[str, int] = {}

    async def start(self) -> None:
        """Reset the system and start its clock."""
        self._drive(dict.fromkeys(INPUTS, 0) | {"rst": 1})
        await start_clock(self._clock, self._period)
        for _ in range(3):
            await FallingEdge(self._clock)

    async def exchange(self, inputs: dict[str, int]) -> dict[str, int]:
        """See ``cosim.registers.initiator.Pins``."""
        await FallingEdge(self._clock)
        self._drive(inputs)
        await ReadOnly()
        seen = {}
        for name, handle in self._outputs.items():
            digits = str(handle.value)
            seen[name] = -1 if digits.strip("01") else int(digits, 2)
        return seen

    async def sleep(self, cycles: int) -> None:
        """Let so many cycles pass as the last one, without Python, behind an exchange."""
        await Timer(cycles * self._period + self._period // 2, "ps")

    def _drive(self, inputs: dict[str, int]) -> None:
        for name, value in inputs.items():
            if self._driven.get(name) != value:
                self._inputs[name].value = self._driven[name] = value
