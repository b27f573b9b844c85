"""A host's writes: what it has set, what it commands, and which accesses are wrong."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, ResetSignal, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hdl.core.requests import at_most
from hdl.registers.bus import ACCESS
from hdl.registers.display import DisplaySignature
from hdl.registers.map import RegisterMap
from hdl.units.xorshift32 import usable_state

__all__ = ["SETTINGS", "Commands"]

SETTINGS = data.StructLayout(
    {
        "limit": 8,
        "temperature": 16,
        "seed": 32,
        "direct": data.StructLayout({"enable": 1, "clear_cache": 1, "position": 8, "token": 8}),
    }
)
"""What a host has written for the next start or step; the seed is never 0."""


class Commands(wiring.Component):
    """Decodes accesses.

    Timing: commands and faults come in the cycle in which their access is executed; ``settings`` change in the next.

    Parameters
    ----------
    registers : RegisterMap

    Members
    -------
    access : In(ACCESS)
    execute : In(1)
        The access is executed.
    written : In(1)
        It is, and it is a write.
    settings : Out(SETTINGS)
    start, clear, step : Out(1)
        Of ``control`` and ``step``.
    display : Out(DisplaySignature)
        Of ``hex``.
    unmapped, read_only, partial_write : Out(1)
        As the fields of ``error``.
    """

    def __init__(self, registers: RegisterMap) -> None:
        self.registers = registers
        config, seed = registers.register("config"), registers.register("seed")
        init: dict[str, Any] = {**config.decode(config.reset or 0), "seed": seed.reset, "direct": {}}
        super().__init__(
            {
                "access": In(ACCESS),
                "execute": In(1),
                "written": In(1),
                "settings": Out(SETTINGS, init=init),
                "start": Out(1),
                "clear": Out(1),
                "step": Out(1),
                "display": Out(DisplaySignature()),
                "unmapped": Out(1),
                "read_only": Out(1),
                "partial_write": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        access, settings = self.access, self.settings
        mapped = Signal(name="mapped")
        fixed = Signal(name="fixed")
        partial = Signal(name="partial")
        write = Signal(name="write")
        with m.Switch(access.word):
            for entry in self.registers.registers:
                with m.Case(*(address >> 2 for address in entry.addresses)):
                    m.d.comb += [mapped.eq(1), fixed.eq(not entry.access.writable)]
        m.d.comb += [
            partial.eq(~access.enables.all()),
            write.eq(self.written & ~partial),
            self.unmapped.eq(self.execute & ~mapped),
            self.read_only.eq(self.written & fixed),
            self.partial_write.eq(self.written & partial),
        ]

        with m.If(self._is("control") & write):
            m.d.comb += [self.start.eq(self._field("control", "start")), self.clear.eq(self._field("control", "clear"))]
        with m.If(self._is("step") & write):
            m.d.comb += self.step.eq(self._field("step", "start"))
        with m.If(self._is("config") & write):
            m.d.sync += [settings[name].eq(self._field("config", name)) for name in ("limit", "temperature")]
        with m.If(self._is("seed") & write):
            m.d.sync += settings.seed.eq(usable_state(access.data))
        with m.If(self._is("direct") & write):
            m.d.sync += [
                settings.direct[name].eq(self._field("direct", name))
                for name in ("enable", "clear_cache", "position", "token")
            ]

        # The bus works in a reset, in which a write does nothing: only commands that leave the machine have to heed it.
        shown = self._is("hex") & write & ~ResetSignal(allow_reset_less=True)
        display = self.display
        m.d.comb += [
            display.token.eq(self._field("hex", "token")),
            display.clear.eq(shown & self._field("hex", "clear")),
            display.push.eq(shown & self._field("hex", "push") & at_most(display.token, self.registers.model.bos - 1)),
        ]
        return m

    def _is(self, name: str) -> Value:
        """Return whether the access is to a register of one word."""
        return self.access.word == self.registers.register(name).address >> 2

    def _field(self, name: str, field: str) -> Value:
        """Return what is written to a field."""
        part = self.registers.register(name).field(field)
        return self.access.data[part.low : part.low + part.width]
