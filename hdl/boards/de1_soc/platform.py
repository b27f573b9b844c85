"""The DE1-SoC of amaranth-boards, with what its Quartus and Mistral projects lack."""

from __future__ import annotations

from typing import Any, ClassVar

from amaranth.build import Attrs
from amaranth.hdl import Shape
from amaranth.lib.memory import Memory
from amaranth_boards.de1_soc import DE1SoCPlatform
from amaranth_boards.resources import UARTResource

from hdl.boards.de1_soc.constraints import QSF, SDC
from hdl.device.cyclone_v_target import CYCLONE_V, CYCLONE_V_INFERRED
from hdl.device.target import Target

__all__ = ["PROJECT", "De1SocPlatform"]

PROJECT = "top"
"""Name of project, revision and top-level entity."""

_VERILOG = """\
// Amaranth's back end leaves extension to Verilog's rules, compares with `!`, and gives every case a value beforehand:
/* verilator lint_off WIDTHEXPAND */
/* verilator lint_off WIDTHTRUNC */
/* verilator lint_off CASEINCOMPLETE */
{{emit_verilog()}}"""


class De1SocPlatform(DE1SoCPlatform):
    """Pins and tools of the board.

    For Quartus the settings name family, device, constraints, output folder and what to do with unused pins, no message
    is suppressed, and every memory says which block it is to become. For Mistral pins are wires and synchronizers are
    registers: Yosys knows none of Quartus's cells, and puts its own buffers in.
    """

    # Next to ground, pin 12 of the same header. An adapter that is not there leaves the line at rest.
    resources: ClassVar[list[Any]] = [
        *DE1SoCPlatform.resources,
        UARTResource(
            0, rx="10", tx="8", conn=("gpio", 0),
            attrs=Attrs(io_standard="3.3-V LVTTL", weak_pull_up_resistor="ON"),
        ),
    ]  # fmt: skip
    quartus_file_templates: ClassVar[dict[str, str]] = {
        "{{name}}.v": _VERILOG,
        "{{name}}.qpf": 'PROJECT_REVISION = "{{name}}"\n',
        "{{name}}.qsf": QSF,
        "{{name}}.sdc": SDC,
    }

    @property
    def target(self) -> Target:
        """What the circuits of the core leave to the device."""
        return CYCLONE_V_INFERRED if self.toolchain == "Mistral" else CYCLONE_V

    def port_names(self, resource: str) -> list[str]:
        """Return the top-level ports of the resources of a name, in the order of their requests."""
        return [name for name, _, _ in self.iter_port_constraints_bits() if name.startswith(f"{resource}_")]

    def get_memory(self, memory: Memory) -> Any:
        """Return what a ``lib.memory`` memory becomes."""
        for name, value in self.target.memory_attributes(memory.depth, Shape.cast(memory.shape).width).items():
            memory.attrs.setdefault(name, value)
        return memory.elaborate(None)

    def get_io_buffer(self, buffer: Any) -> Any:
        """Return what a ``lib.io`` buffer becomes."""
        return buffer.elaborate(None) if self.toolchain == "Mistral" else super().get_io_buffer(buffer)

    def get_ff_sync(self, ff_sync: Any) -> Any:
        """Return what a synchronizer becomes."""
        return ff_sync.elaborate(None) if self.toolchain == "Mistral" else super().get_ff_sync(ff_sync)

    def get_async_ff_sync(self, async_ff_sync: Any) -> Any:
        """Return what a synchronizer of a reset becomes."""
        if self.toolchain == "Mistral":
            return async_ff_sync.elaborate(None)
        return super().get_async_ff_sync(async_ff_sync)
