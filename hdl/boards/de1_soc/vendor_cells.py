"""The cells of the board's Verilog that Quartus brings: what they look like from outside, and black boxes of them."""

from __future__ import annotations

from hdl.boards.de1_soc.jtag_bridge import BRIDGE
from hdl.device.cyclone_v_target import MAC_CELL
from hdl.device.vendor_cell import VendorCell

__all__ = ["VENDOR_CELLS", "black_boxes"]


_BUFFER = {"enable_bus_hold": '"FALSE"', "number_of_channels": "1", "use_differential_mode": '"FALSE"'}

VENDOR_CELLS = (
    VendorCell(
        name="altera_pll",
        inputs={"refclk": "1", "rst": "1", "fbclk": "1"},
        outputs={"outclk": "number_of_clocks", "locked": "1"},
        parameters={
            "fractional_vco_multiplier": '"false"',
            "reference_clock_frequency": '"0 ps"',
            "operation_mode": '"direct"',
            "number_of_clocks": "1",
            "output_clock_frequency0": '"0 ps"',
            "phase_shift0": '"0 ps"',
            "duty_cycle0": "50",
            "pll_type": '"General"',
            "pll_subtype": '"General"',
        },
    ),
    VendorCell(
        name=BRIDGE,
        inputs={
            "clk_clk": "1",
            "reset_reset_n": "1",
            "master_readdata": "32",
            "master_waitrequest": "1",
            "master_readdatavalid": "1",
        },
        outputs={
            "master_address": "32",
            "master_read": "1",
            "master_write": "1",
            "master_writedata": "32",
            "master_byteenable": "4",
        },
    ),
    VendorCell(
        name="altiobuf_in",
        inputs={"datain": "number_of_channels"},
        outputs={"dataout": "number_of_channels"},
        parameters=_BUFFER,
    ),
    VendorCell(
        name="altiobuf_out",
        inputs={"datain": "number_of_channels", "oe": "number_of_channels"},
        outputs={"dataout": "number_of_channels"},
        parameters={**_BUFFER, "use_oe": '"FALSE"'},
    ),
    VendorCell(
        name="altera_std_synchronizer",
        inputs={"clk": "1", "reset_n": "1", "din": "1"},
        outputs={"dout": "1"},
        parameters={"depth": "3"},
    ),
    VendorCell(
        name="altera_std_synchronizer_bundle",
        inputs={"clk": "1", "reset_n": "1", "din": "width"},
        outputs={"dout": "width"},
        parameters={"depth": "3", "width": "1"},
    ),
    MAC_CELL,
)
"""Everything that the board's Verilog instantiates and does not define."""


def black_boxes() -> str:
    """Return Verilog modules of all cells, for tools that elaborate and do not simulate: their outputs are 0.

    Icarus 11 warns of an output without a driver that is the whole output of another module, too.
    """
    return "".join(cell.black_box(driven=True) for cell in VENDOR_CELLS)
