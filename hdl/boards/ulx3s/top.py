"""The top of the ULX3S: system, serial line, demo, lights and pins."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, DomainRenamer, Elaboratable, Module, ResetSignal
from amaranth.lib import io, wiring

from hdl.boards.parts.bus_multiplexer import BusMultiplexer
from hdl.boards.parts.leds import Leds
from hdl.boards.parts.machine import machine_of
from hdl.boards.parts.pins import input_pin, output_pins
from hdl.boards.parts.reset import BoardReset
from hdl.boards.parts.serial_bridge import SerialBridge
from hdl.boards.parts.serial_protocol import BAUD
from hdl.boards.ulx3s.pll import Pll
from hdl.design import Design
from hdl.registers.maps import registers_of
from hdl.registers.systems import system_of

__all__ = ["LIGHTS", "BoardTop"]

LIGHTS = 8
"""LEDs of the board: the first of ``hdl.boards.parts.leds.LEDS``."""

_ENABLE_SWITCH, _RESET_BUTTON = 0, 0


class BoardTop(Elaboratable):
    """A core on the board.

    Switch 1 lets the demo run, whose names are lines of text on the USB serial port, or of a core with several streams
    the digests of its batches; button F1 resets the machine. The registers answer a host on that port in either state.
    All of it is on one clock. The serial bridge has a domain of its own, which the button does not reset, so that an
    access under way ends as it should.

    Parameters
    ----------
    design
        Its clock is the PLL's; what ``pll_settings`` accepts.
    demo_cycles
        From one name or batch of the demo to the next; a second by default.
    baud
        Of the serial line, bits a second.
    """

    def __init__(self, design: Design, *, demo_cycles: int | None = None, baud: int = BAUD) -> None:
        self.pll = Pll(design.clock_hz)
        machine = machine_of(design.core)
        self.system = system_of(design)
        cycles = design.clock_hz if demo_cycles is None else demo_cycles
        self.demo = machine.demo(registers_of(design.core), cycles=cycles)
        self.serial = SerialBridge(clock_hz=design.clock_hz, baud=baud)
        self.text = machine.text(design.model)
        self.multiplexer = BusMultiplexer()
        self.leds = Leds()
        self.reset = BoardReset()

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.domains.sync = ClockDomain("sync")
        m.domains.serial = ClockDomain("serial")
        m.submodules.pll = pll = self.pll
        m.submodules.reset = reset = self.reset
        m.submodules.system = system = self.system
        m.submodules.demo = demo = self.demo
        m.submodules.lights = leds = self.leds
        m.submodules.multiplexer = multiplexer = self.multiplexer
        m.submodules.serial = DomainRenamer("serial")(self.serial)
        m.submodules.text = text = self.text

        wiring.connect(m, demo.report, text.report)
        wiring.connect(m, text.o, self.serial.text)
        wiring.connect(m, self.serial.bus, multiplexer.host)
        wiring.connect(m, demo.bus, multiplexer.demo)
        wiring.connect(m, multiplexer.bus, system.bus)
        uart = platform.request("uart", 0, dir=dict.fromkeys(("rx", "tx", "rts", "dtr"), "-"))
        m.submodules.uart_rx = rx = io.Buffer("i", uart.rx)
        m.submodules.uart_tx = tx = io.Buffer("o", uart.tx)
        m.d.comb += [self.serial.rx.eq(rx.i), tx.o.eq(self.serial.tx)]
        m.d.comb += [
            pll.reference.eq(input_pin(m, platform, "clk25", 0)),
            ClockSignal().eq(pll.clock),
            ClockSignal("serial").eq(pll.clock),
            ResetSignal().eq(reset.reset),
            ResetSignal("serial").eq(reset.restart),
            multiplexer.release.eq(reset.reset),
            multiplexer.restart.eq(reset.restart),
            reset.locked.eq(pll.locked),
            reset.reset_switch.eq(input_pin(m, platform, "button_fire", _RESET_BUTTON)),
            reset.enable_switch.eq(input_pin(m, platform, "switch", _ENABLE_SWITCH)),
            demo.enable.eq(reset.enable),
            system.enable.eq(reset.enable),
            leds.reset.eq(reset.reset),
            leds.enable.eq(reset.enable),
            leds.last_token.eq(system.last_token),
            *(getattr(leds, name).eq(getattr(system, name)) for name in ("ready", "busy", "done", "activity")),
        ]
        lights = [platform.request("led", number, dir="-") for number in range(LIGHTS)]
        output_pins(m, "led_pins", lights, leds.leds[:LIGHTS])
        return m
