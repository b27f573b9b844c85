"""Status of the machine on LEDs, in TALOS-V2's order."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["LEDS", "Leds"]

LEDS = ("ready", "busy", "done", "activity", "running", "enable", "blink", "token0", "token1", "token2")
"""LED 0 to 9; a board with fewer takes the first. ``running`` is dark during a reset; ready and busy are dark while the
enable switch is off."""


class Leds(wiring.Component):
    """Status of the machine on ten LEDs, ``LATENCY`` cycles later: they are registers.

    A name takes microseconds. So that it can be seen, ``blink`` stays for ``2^blink_bits`` cycles after each busy
    cycle, and is lit in every second half of that time.

    Parameters
    ----------
    blink_bits
        1 to 32; 23 are 0.15 s at 56.25 MHz.

    Members
    -------
    reset, enable, ready, busy, done, activity : In(1)
    last_token : In(8)
    leds : Out(10)
        Bit i lights LED i; ``LEDS`` names them.
    """

    LATENCY = 1

    def __init__(self, blink_bits: int = 23) -> None:
        if not isinstance(blink_bits, int) or isinstance(blink_bits, bool):
            raise TypeError(f"blink_bits must be an integer, not {blink_bits!r}")
        if not 1 <= blink_bits <= 32:
            raise ValueError(f"blink_bits must be 1 to 32, not {blink_bits!r}")
        self.blink_bits = blink_bits
        members: dict[str, Any] = {name: In(1) for name in ("reset", "enable", "ready", "busy", "done", "activity")}
        super().__init__({**members, "last_token": In(8), "leds": Out(len(LEDS))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        leds = Signal(len(LEDS), reset_less=True, name="leds")
        left = Signal(self.blink_bits, name="left")
        phase = Signal(self.blink_bits, name="phase")
        m.d.sync += [phase.eq(phase + 1), left.eq(Mux(self.busy, -1, left - left.any()))]
        shown = Cat(
            self.enable & self.ready,
            self.enable & self.busy,
            self.done,
            self.activity,
            ~self.reset,
            self.enable,
            left.any() & phase[-1],
            self.last_token[:3],
        )
        m.d.sync += leds.eq(shown)
        m.d.comb += self.leds.eq(leds)
        return m
