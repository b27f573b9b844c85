"""The cells of the board's Verilog that Quartus brings: what they look like from outside, and black boxes of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from hdl.boards.de1_soc.jtag_bridge import BRIDGE

__all__ = ["VENDOR_CELLS", "VendorCell", "black_boxes"]


@dataclass(frozen=True, kw_only=True)
class VendorCell:
    """Ports (name -> width, as a Verilog expression) and parameters (name -> default) of a cell.

    A cell has these of Quartus's that the board uses.
    """

    name: str
    inputs: dict[str, str]
    outputs: dict[str, str]
    parameters: dict[str, str] = field(default_factory=dict)

    def black_box(self) -> str:
        """Return a Verilog module without contents."""
        parameters = ", ".join(f"parameter {name} = {default}" for name, default in self.parameters.items())
        ports = [f"input wire {_range(width)}{name}" for name, width in self.inputs.items()]
        ports += [f"output wire {_range(width)}{name}" for name, width in self.outputs.items()]
        head = f"module {self.name}" + (f" #({parameters})" if parameters else "")
        return f"(* blackbox *)\n{head} (\n    " + ",\n    ".join(ports) + "\n);\nendmodule\n"


def _range(width: str) -> str:
    return "" if width == "1" else f"[{width} - 1:0] "


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
)
"""Everything that the board's Verilog instantiates and does not define."""


def black_boxes() -> str:
    """Return Verilog modules of all cells, empty, for tools that elaborate and do not simulate."""
    return "".join(cell.black_box() for cell in VENDOR_CELLS)
