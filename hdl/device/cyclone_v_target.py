"""The Cyclone V as a target: DSP blocks as ``cyclonev_mac``, memories with Quartus's ``ramstyle``.

Parameters and ports: Intel's component declaration of the cell (``cyclonev_components.vhd``), and the limits that its
"Cyclone V Native Fixed Point DSP" core sets for each mode: 18 bits for ``ax`` and ``bx``, 19 for ``ay`` and ``by`` if
they are signed, 37 for each of two results. Quartus Lite gives every product that it infers a block of its own; two
share one only where the block is instantiated (``hdl/boards/de1_soc/README.md`` says what was measured).
"""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import C, Cat, ClockSignal, Instance, Module, Signal, signed

from hdl.device.cyclone_v import ram_style
from hdl.device.target import DspMode, DspPorts, dsp_arithmetic
from hdl.device.vendor_cell import VendorCell

__all__ = ["CYCLONE_V", "CYCLONE_V_INFERRED", "MAC_CELL", "CycloneV"]

_X, _LEAST_Y = 18, 18
_MODES = {DspMode.PAIR: "m18x18_full", DspMode.SUM: "m18x18_sumof2"}
_OPERANDS = ("ax", "ay", "bx", "by")
_INPUT_CLOCKS = ("ax", "ay_scan_in", "bx", "by")
_UNUSED = (
    "use_chainadder", "enable_double_accum", "ay_use_scan_in", "by_use_scan_in", "delay_scan_out_ay",
    "delay_scan_out_by", "preadder_subtract_a", "preadder_subtract_b",
)  # fmt: skip

MAC_CELL = VendorCell(
    name="cyclonev_mac",
    inputs={
        "ax": "ax_width", "ay": "ay_scan_in_width", "bx": "bx_width", "by": "by_width", "clk": "3", "ena": "3",
        "aclr": "2",
    },
    # A sum has no second result, and its width is 0.
    outputs={"resulta": "result_a_width", "resultb": "(result_b_width > 0 ? result_b_width : 1)"},
    parameters={
        "operation_mode": '"m18x18_sumof2"',
        "ax_width": "16", "ay_scan_in_width": "16", "az_width": "1",
        "bx_width": "16", "by_width": "16", "bz_width": "1",
        "result_a_width": "33", "result_b_width": "1",
        **{f"signed_m{operand}": '"false"' for operand in _OPERANDS},
        **{f"operand_source_m{operand}": '"input"' for operand in _OPERANDS},
        **dict.fromkeys(_UNUSED, '"false"'),
        **{f"{name}_clock": '"none"' for name in (*_INPUT_CLOCKS, "output")},
    },
)  # fmt: skip
"""A DSP block, as far as it is used."""


@dataclass(frozen=True)
class CycloneV:
    """The family. A memory gets the style that ``ram_style`` says."""

    name: str = "cyclone-v"
    instantiates: bool = True
    """Whether DSP blocks are cells of Quartus's; Yosys and nextpnr find them in the arithmetic instead."""

    def dsp_block(self, block: DspPorts) -> Module:
        """Return one ``cyclonev_mac``, or the block's arithmetic."""
        return _mac(block) if self.instantiates else dsp_arithmetic(block)

    def memory_attributes(self, depth: int, width: int) -> dict[str, str]:
        """Return ``ramstyle``."""
        return {"ramstyle": ram_style(depth, width)}

    def early_memory_attributes(self) -> dict[str, str]:
        """Return nothing: a block's word is there early enough."""
        return {}


CYCLONE_V = CycloneV()
CYCLONE_V_INFERRED = CycloneV(name="cyclone-v-inferred", instantiates=False)
"""For nextpnr-mistral, which knows no ``cyclonev_mac``."""


def _mac(block: DspPorts) -> Module:
    m = Module()
    # 18 bits a side are what a pair was measured with; 19 are used where an operand has them.
    y = max(_LEAST_Y, len(block.a[0]))
    pair = block.mode is DspMode.PAIR
    shape = signed(_X + y + (0 if pair else 1))
    results = [Signal(shape, name=f"result_{letter}") for letter in ("ab" if pair else "a")]
    operands: dict[str, Signal] = {}
    for half, letter in enumerate("ab"):
        x_operand, y_operand = Signal(signed(_X), name=f"{letter}x"), Signal(signed(y), name=f"{letter}y")
        m.d.comb += [x_operand.eq(block.b[half]), y_operand.eq(block.a[half])]
        operands |= {f"i_{letter}x": x_operand, f"i_{letter}y": y_operand}
    # What is not named here stays unconnected, as in Intel's own core: az, bz, coefsela and coefselb are errors where
    # they are connected and not used.
    m.submodules.mac = Instance(
        MAC_CELL.name,
        p_operation_mode=_MODES[block.mode],
        p_ax_width=_X,
        p_ay_scan_in_width=y,
        p_az_width=0,
        p_bx_width=_X,
        p_by_width=y,
        p_bz_width=0,
        p_result_a_width=len(results[0]),
        p_result_b_width=len(results[1]) if pair else 0,
        **{f"p_signed_m{operand}": "true" for operand in _OPERANDS},
        **{f"p_operand_source_m{operand}": "input" for operand in _OPERANDS},
        **dict.fromkeys((f"p_{name}" for name in _UNUSED), "false"),
        **{f"p_{name}_clock": "none" for name in _INPUT_CLOCKS},
        p_output_clock="0" if block.registered else "none",
        **operands,
        i_clk=Cat(ClockSignal() if block.registered else C(0, 1), C(0, 2)),
        i_ena=C(0b111, 3),
        i_aclr=C(0, 2),
        o_resulta=results[0],
        **({"o_resultb": results[1]} if pair else {}),
    )
    m.d.comb += [block.o[k].eq(result) for k, result in enumerate(results)]
    return m
