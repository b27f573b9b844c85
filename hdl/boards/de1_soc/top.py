"""The top of the DE1-SoC: system, JTAG, serial line, demo, displays and pins."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, DomainRenamer, Elaboratable, Module, ResetSignal
from amaranth.lib import io, wiring

from hdl.boards.de1_soc.jtag_bridge import JtagBridge
from hdl.boards.de1_soc.pll import REFERENCE_HZ, Pll
from hdl.boards.parts.bus_multiplexer import BusMultiplexer
from hdl.boards.parts.hex_display import SEGMENTS
from hdl.boards.parts.leds import LEDS, Leds
from hdl.boards.parts.machine import machine_of
from hdl.boards.parts.pins import input_pin, output_pins
from hdl.boards.parts.reset import BoardReset
from hdl.boards.parts.serial_bridge import SerialBridge
from hdl.design import Design
from hdl.registers.maps import registers_of
from hdl.registers.systems import system_of

__all__ = ["BoardTop"]

_RESET_SWITCH, _ENABLE_SWITCH = 1, 0
_DISPLAYS = 6


class BoardTop(Elaboratable):
    """A core on the board.

    SW0 lets the demo run, SW1 resets the machine; the registers answer JTAG in either position. LEDs as ``LEDS``. HEX5
    to HEX0 show the last six letters, or of a core with several streams the last six digits of the digest. All of it
    has one clock.

    Parameters
    ----------
    design
        Its clock is the PLL's; what ``pll_settings`` accepts.
    demo_cycles
        From one name or batch of the demo to the next; a second by default.
    vendor
        Without, there is no PLL and no JTAG: the clock is the pin's 50 MHz.
    serial_baud
        With it, the registers answer on two pins too, at that many bits a second, and the demo writes there what it
        makes.

    Raises ValueError if there is no PLL for another clock than the pin's, or no such rate.
    """

    def __init__(
        self,
        design: Design,
        *,
        demo_cycles: int | None = None,
        vendor: bool = True,
        serial_baud: int | None = None,
    ) -> None:
        clock_hz = design.clock_hz
        if not vendor and clock_hz != REFERENCE_HZ:
            raise ValueError(f"clock_hz must be {REFERENCE_HZ} without a PLL, not {clock_hz!r}")
        self.clock_hz, self.vendor = clock_hz, vendor
        machine = machine_of(design.core)
        self.system = system_of(design)
        self.demo = machine.demo(registers_of(design.core), cycles=clock_hz if demo_cycles is None else demo_cycles)
        self.multiplexer = BusMultiplexer()
        self.display = machine.display(design.model, _DISPLAYS)
        self.leds = Leds()
        self.reset = BoardReset()
        self.serial = None if serial_baud is None else SerialBridge(clock_hz=clock_hz, baud=serial_baud)
        self.text = machine.text(design.model)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.domains.sync = ClockDomain("sync")
        m.submodules.reset = reset = self.reset
        m.submodules.system = system = self.system
        m.submodules.demo = demo = self.demo
        m.submodules.multiplexer = multiplexer = self.multiplexer
        m.submodules.display = display = self.display
        m.submodules.lights = leds = self.leds

        pin = platform.request("clk50", 0, dir="-")
        if self.vendor:
            m.submodules.pll = pll = Pll(self.clock_hz, pin.io)
            m.submodules.jtag = jtag = JtagBridge()
            m.d.comb += [
                ClockSignal().eq(pll.clock),
                reset.locked.eq(pll.locked),
                jtag.restart.eq(reset.restart),
            ]
        else:
            m.submodules.clock_pin = clock_pin = io.Buffer("i", pin)
            m.d.comb += [ClockSignal().eq(clock_pin.i), reset.locked.eq(1)]
        hosts = [jtag.bus] if self.vendor else []
        if self.serial is not None:
            hosts.append(self._serial_line(m, platform, self.serial))
        if len(hosts) == 2:
            # Always released: who asks has the bus for this access, JTAG first.
            m.submodules.hosts = both = BusMultiplexer()
            wiring.connect(m, hosts[0], both.host)
            wiring.connect(m, hosts[1], both.demo)
            m.d.comb += [both.release.eq(1), both.restart.eq(reset.restart)]
            hosts = [both.bus]
        if hosts:
            wiring.connect(m, hosts[0], multiplexer.host)
        wiring.connect(m, demo.bus, multiplexer.demo)
        wiring.connect(m, multiplexer.bus, system.bus)
        wiring.connect(m, system.display, display.commands)
        m.d.comb += [
            ResetSignal().eq(reset.reset),
            reset.reset_switch.eq(input_pin(m, platform, "switch", _RESET_SWITCH)),
            reset.enable_switch.eq(input_pin(m, platform, "switch", _ENABLE_SWITCH)),
            multiplexer.release.eq(reset.reset),
            multiplexer.restart.eq(reset.restart),
            demo.enable.eq(reset.enable),
            system.enable.eq(reset.enable),
            leds.reset.eq(reset.reset),
            leds.enable.eq(reset.enable),
            leds.last_token.eq(system.last_token),
            *(getattr(leds, name).eq(getattr(system, name)) for name in ("ready", "busy", "done", "activity")),
        ]
        output_pins(m, "led_pins", [platform.request("led", number, dir="-") for number in range(len(LEDS))], leds.leds)
        for number in range(_DISPLAYS):
            digit = platform.request("display_7seg", number, dir="-")
            ports = [getattr(digit, segment) for segment in SEGMENTS]
            output_pins(m, f"hex{number}_pins", ports, display.digits[number])
        return m

    def _serial_line(self, m: Module, platform: Any, serial: SerialBridge) -> Any:
        """Connect the bridge to its pins and to the demo; return its end of the bus."""
        # Of the same clock; the machine's reset leaves the registers within reach.
        m.domains.serial = ClockDomain("serial")
        m.submodules.serial = DomainRenamer("serial")(serial)
        m.submodules.text = text = self.text
        wiring.connect(m, self.demo.report, text.report)
        wiring.connect(m, text.o, serial.text)
        pins = platform.request("uart", 0, dir={"rx": "-", "tx": "-"})
        m.submodules.rx_pin = rx = io.Buffer("i", pins.rx)
        m.d.comb += [
            ClockSignal("serial").eq(ClockSignal()),
            ResetSignal("serial").eq(self.reset.restart),
            serial.rx.eq(rx.i),
        ]
        output_pins(m, "tx_pin", [pins.tx], serial.tx)
        return serial.bus
