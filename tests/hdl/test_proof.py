"""What a proof's circuit leaves free: inputs that nothing drives, and what units that are left away would drive."""

from __future__ import annotations

import re
from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdl.proof import Circuit


class _Half(wiring.Component):
    def __init__(self) -> None:
        super().__init__({"a": In(4), "o": Out(4)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        ports: Any = self
        m.d.comb += ports.o.eq(ports.a >> 1)
        return m


class _Unit(wiring.Component):
    def __init__(self) -> None:
        super().__init__({"a": In(4), "enable": In(1), "o": Out(4)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        half: Any = _Half()
        ports: Any = self
        m.submodules.half = half
        held = Signal(4, name="held")
        m.d.comb += [half.a.eq(ports.a), ports.o.eq(held)]
        with m.If(ports.enable):
            m.d.sync += held.eq(half.o)
        return m


def _inputs(circuit: Circuit) -> set[str]:
    """Return the ports of the circuit's top module."""
    top = circuit.rtlil().split("attribute \\top 1\n")[1].split("\nend\n")[0]
    return set(re.findall(r"wire width \d+ input \d+ +(?:signed +)?\\(\w+)", top)) - {"clk", "rst"}


def test_inputs_that_nothing_drives_are_free() -> None:
    for driven, free in ((False, {"a", "enable"}), (True, {"a"})):
        circuit = Circuit()
        unit: Any = _Unit()
        inside = circuit.unit(unit, "unit")
        circuit.always(inside["held"] == unit.o, inside["half.o"] == unit.a >> 1)
        if driven:
            circuit.m.d.comb += unit.enable.eq(1)
        assert _inputs(circuit) == free


def test_what_is_left_away_is_free() -> None:
    circuit = Circuit()
    unit: Any = _Unit()
    inside = circuit.unit(unit, "unit", without=("half",))
    circuit.always(inside["half.o"] == 0)
    assert _inputs(circuit) == {"a", "enable", "o"}


def test_free_signals_and_the_reset_are_inputs() -> None:
    circuit = Circuit()
    step, count = circuit.free(2, "step"), Signal(4, name="count")
    circuit.m.d.sync += count.eq(count + step)
    circuit.assume(~circuit.reset())
    circuit.always(count != 9)
    assert _inputs(circuit) == {"step"}
    text = circuit.rtlil()
    assert '\\FLAVOR "assert"' in text
    assert '\\FLAVOR "assume"' in text
