"""The files that the tools compile: Verilog, settings and constraints of a core on the board."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from hdl.boards.de1_soc.constraints import JTAG_SDC
from hdl.boards.de1_soc.jtag_bridge import BRIDGE
from hdl.boards.de1_soc.platform import PROJECT, De1SocPlatform
from hdl.boards.de1_soc.top import BoardTop
from hdl.boards.digest import boards_digest
from hdl.build_cache import artefact
from hdl.design import Design
from hdl.pinned_yosys import use_pinned_yosys
from talos_ref.files import write_bytes

__all__ = ["board_files", "board_verilog", "project_files"]

_SETTINGS = f"set_global_assignment -name QIP_FILE {BRIDGE}/synthesis/{BRIDGE}.qip"


def board_files(
    design: Design, *, demo_cycles: int | None = None, serial_baud: int | None = None
) -> Mapping[str, str]:
    """Return the files of a Quartus project, name -> text: ``top.v``, ``.qpf``, ``.qsf``, ``.sdc``.

    ``demo_cycles`` and ``serial_baud`` as of ``BoardTop``, which raises ValueError if one or the design's clock cannot
    be. Equal inputs give equal text.
    """
    use_pinned_yosys()
    top = BoardTop(design, demo_cycles=demo_cycles, serial_baud=serial_baud)
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
    ``altera_std_synchronizer_bundle`` (the switches). A serial line adds ``uart_0__rx__io`` and ``uart_0__tx__io``.
    """
    return board_files(design, demo_cycles=demo_cycles)[f"{PROJECT}.v"]


def project_files(
    design: Design,
    *,
    demo_cycles: int | None = None,
    serial_baud: int | None = None,
    before: Callable[[], None] = lambda: None,
) -> Path:
    """Return a folder of the build cache that holds ``board_files`` of a design; ``before`` is called if it is new."""

    def make(folder: Path) -> None:
        before()
        for name, text in board_files(design, demo_cycles=demo_cycles, serial_baud=serial_baud).items():
            write_bytes(folder / name, text.encode("ascii"))

    inputs = {"demo_cycles": demo_cycles, "serial_baud": serial_baud, "boards": boards_digest()}
    return artefact(design, "de1-soc", inputs, make)
