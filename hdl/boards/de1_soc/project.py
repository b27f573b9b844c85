"""The files that the tools compile: Verilog, settings and constraints of a core on the board."""

from __future__ import annotations

import os
from collections.abc import Mapping

from hdl.boards.de1_soc.constraints import JTAG_SDC
from hdl.boards.de1_soc.jtag_bridge import BRIDGE
from hdl.boards.de1_soc.platform import PROJECT, De1SocPlatform
from hdl.boards.de1_soc.top import BoardTop
from hdl.design import Design

__all__ = ["board_files", "board_verilog"]

_SETTINGS = f"set_global_assignment -name QIP_FILE {BRIDGE}/synthesis/{BRIDGE}.qip"


def board_files(design: Design, *, demo_cycles: int | None = None) -> Mapping[str, str]:
    """Return the files of a Quartus project, name -> text: ``top.v``, ``.qpf``, ``.qsf``, ``.sdc``.

    ``demo_cycles`` as of ``BoardTop``, which raises ValueError if it or the design's clock cannot be. Equal inputs give
    equal text.
    """
    os.environ["AMARANTH_USE_YOSYS"] = "builtin"
    top = BoardTop(design, demo_cycles=demo_cycles)
    plan = De1SocPlatform().prepare(
        top, PROJECT, emit_src=False, add_settings=_SETTINGS, add_constraints=JTAG_SDC.strip("\n")
    )
    return {name: text if isinstance(text, str) else text.decode("ascii") for name, text in plan.files.items()}


def board_verilog(design: Design, demo_cycles: int | None = None) -> str:
    """Return the Verilog that Quartus compiles for a design; the top module is ``top``.

    ``demo_cycles`` clock cycles pass from one name of the demo to the next; a second's by default.

    Its ports are pins: ``clk50_0__io``, ``switch_0__io`` (enable), ``switch_1__io`` (reset), ``led_0__io`` to
    ``led_9__io``, and ``display_7seg_0__a__io`` to ``display_7seg_5__g__io`` (0 lights). It has these cells of
    Quartus's, whose ports and parameters ``vendor_cells`` lists: ``altera_pll``; ``jtag_bridge``, made by Platform
    Designer; ``altiobuf_in`` and ``altiobuf_out``; ``altera_std_synchronizer`` (the lock) and
    ``altera_std_synchronizer_bundle`` (the switches).
    """
    return board_files(design, demo_cycles=demo_cycles)[f"{PROJECT}.v"]
