"""The ECP5 as a target: pairs of products as ``MULT18X18D`` with its output register.

Yosys (0.70) finds a multiplier in the arithmetic, but leaves the register behind it to logic: a product then goes
3.9 ns through the block and on through the fabric to its register, where 3.5 ns end in the block (speed grade 6, by the
data base of Project Trellis). Ports and parameters: Lattice, ECP5 and ECP5-5G sysDSP Usage Guide (FPGA-TN-02205). A
block has its adder behind its register, so that a registered sum of two stays arithmetic, and so does an operand of 19
bits.
"""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import C, ClockSignal, Instance, Module, Signal, signed

from hdl.device.ecp5 import TABLE_DEPTH
from hdl.device.target import DspMode, DspPorts, dsp_arithmetic

__all__ = ["ECP5", "MULTIPLIER_CELL", "Ecp5Target"]

MULTIPLIER_CELL = "MULT18X18D"
_BITS = 18


@dataclass(frozen=True)
class Ecp5Target:
    """The family."""

    name: str = "ecp5"

    def dsp_block(self, block: DspPorts) -> Module:
        """Return two ``MULT18X18D``, or the block's arithmetic where the cell has no such mode."""
        fits = max(len(block.a[0]), len(block.b[0])) <= _BITS
        return _pair(block) if block.mode is DspMode.PAIR and block.registered and fits else dsp_arithmetic(block)

    def memory_attributes(self, depth: int, width: int) -> dict[str, str]:
        """Return what puts a shallow memory into tables, ``TRELLIS_DPR16X4``; of others Yosys weighs one against the
        other. It reads without a clock, so that Yosys adds the register of a read behind it."""
        return {"ram_style": "distributed"} if depth <= TABLE_DEPTH else {}

    def early_memory_attributes(self) -> dict[str, str]:
        """Return what puts it into tables and registers: a block's word comes 5.7 ns into the cycle in grade 6."""
        return {"ram_style": "logic"}


ECP5 = Ecp5Target()


def _pair(block: DspPorts) -> Module:
    m = Module()
    for half in range(2):
        a, b = Signal(signed(_BITS), name=f"a{half}"), Signal(signed(_BITS), name=f"b{half}")
        product = Signal(signed(2 * _BITS), name=f"product{half}")
        m.d.comb += [a.eq(block.a[half]), b.eq(block.b[half]), block.o[half].eq(product)]
        m.submodules[f"multiplier{half}"] = Instance(
            MULTIPLIER_CELL,
            **{f"p_REG_{register}_CLK": "NONE" for register in ("INPUTA", "INPUTB", "INPUTC", "PIPELINE")},
            p_REG_OUTPUT_CLK="CLK0",
            p_REG_OUTPUT_CE="CE0",
            p_REG_OUTPUT_RST="RST0",
            p_GSR="DISABLED",
            i_CLK0=ClockSignal(),
            i_CE0=C(1, 1),
            i_RST0=C(0, 1),
            i_SIGNEDA=C(1, 1),
            i_SIGNEDB=C(1, 1),
            i_SOURCEA=C(0, 1),
            i_SOURCEB=C(0, 1),
            **{f"i_A{bit}": a[bit] for bit in range(_BITS)},
            **{f"i_B{bit}": b[bit] for bit in range(_BITS)},
            **{f"o_P{bit}": product[bit] for bit in range(2 * _BITS)},
        )
    return m
