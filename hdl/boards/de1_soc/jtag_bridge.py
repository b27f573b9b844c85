"""JTAG to Avalon: the instance of a Platform Designer system, and the Tcl that makes the system in the user's build."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import ClockSignal, Instance, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdl.registers.avalon import ADDRESS_WIDTH, AvalonSignature

__all__ = ["BRIDGE", "JtagBridge", "bridge_tcl"]

BRIDGE = "jtag_bridge"
"""Name of the system, of its module and of the files that Platform Designer makes."""

# Platform Designer's names follow from the exported interfaces: clk (role clk), reset (reset_n), master. The version is
# the scripting interface's, which later tools keep.
_TCL = """\
# Makes {name}.qsys: one JTAG to Avalon master, its clock and reset, and its bus exported. Run by qsys-script.
package require -exact qsys 16.0
create_system {name}
set_project_property DEVICE_FAMILY {{Cyclone V}}
set_project_property DEVICE {device}

add_instance clock clock_source
set_instance_parameter_value clock clockFrequency {clock_hz}
set_instance_parameter_value clock clockFrequencyKnown true
set_instance_parameter_value clock resetSynchronousEdges NONE

add_instance jtag altera_jtag_avalon_master
set_instance_parameter_value jtag USE_PLI 0
set_instance_parameter_value jtag FAST_VER 0

add_connection clock.clk jtag.clk
add_connection clock.clk_reset jtag.clk_reset

add_interface clk clock sink
set_interface_property clk EXPORT_OF clock.clk_in
add_interface reset reset sink
set_interface_property reset EXPORT_OF clock.clk_in_reset
add_interface master avalon master
set_interface_property master EXPORT_OF jtag.master

save_system {name}.qsys
"""


def bridge_tcl(device: str, clock_hz: int) -> str:
    """Return the script for ``qsys-script``; ``clock_hz`` is the bus clock's frequency."""
    return _TCL.format(name=BRIDGE, device=device, clock_hz=clock_hz)


class JtagBridge(wiring.Component):
    """An Avalon-MM master that System Console reads and writes through; it works in the ``sync`` domain.

    One access at a time. The master waits for an answer without end, so that whatever it drives must give one. Its
    addresses are 32 bits wide; one beyond the bus becomes the last word of the bus, where there is no register.

    Members
    -------
    bus : Out(AvalonSignature())
    restart : In(1)
        Its reset; a reset of the domain leaves it alone, since the host would lose its connection.
    """

    def __init__(self) -> None:
        super().__init__({"bus": Out(AvalonSignature()), "restart": In(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        bus: Any = self.bus
        address = Signal(32, name="address")
        m.submodules.bridge = Instance(
            BRIDGE,
            i_clk_clk=ClockSignal(),
            i_reset_reset_n=~self.restart,
            o_master_address=address,
            o_master_read=bus.read,
            i_master_readdata=bus.readdata,
            o_master_write=bus.write,
            o_master_writedata=bus.writedata,
            i_master_waitrequest=bus.waitrequest,
            i_master_readdatavalid=bus.readdatavalid,
            o_master_byteenable=bus.byteenable,
        )
        beyond = address[ADDRESS_WIDTH:].any()
        m.d.comb += bus.address.eq(Mux(beyond, (1 << ADDRESS_WIDTH) - 4, address[:ADDRESS_WIDTH]))
        return m
