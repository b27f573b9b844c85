"""The board through Yosys and nextpnr-mistral, by Amaranth's own toolchain.

What differs from the Quartus project: nextpnr-mistral has no PLL, so that the clock is the pin's 50 MHz; there is no
JTAG bridge, which only Intel's tools make, so that the demo has the registers for itself and no host reaches them.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

from hdl.boards.de1_soc.fit import check_fit
from hdl.boards.de1_soc.platform import PROJECT, De1SocPlatform
from hdl.boards.de1_soc.pll import REFERENCE_HZ
from hdl.boards.de1_soc.top import BoardTop
from hdl.boards.tools import run_logged
from hdl.design import Design
from hdl.pinned_yosys import use_pinned_yosys
from talos_ref.files import write_bytes

__all__ = ["DIFFERENCES", "TOOLS", "find_tools", "place_and_route", "read_fmax", "write_mistral"]

TOOLS = ("yosys", "nextpnr-mistral")
DIFFERENCES = (
    "without PLL: the clock is the pin's 50 MHz, not 56.25 MHz",
    "without JTAG bridge: the demo runs, no host reaches the registers",
)
"""What this bitstream has not, against Quartus's."""

_LOG = "build.log"


def find_tools() -> None:
    """Raise FileNotFoundError, naming what is missing, unless all tools are on PATH."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise FileNotFoundError(
            f"{' and '.join(missing)} {verb} not on PATH; build nextpnr with -DARCH=mistral "
            "(https://github.com/YosysHQ/nextpnr), which needs the mistral library, and Yosys 0.30 or newer"
        )


def write_mistral(folder: Path, design: Design) -> list[Path]:
    """Write netlist, scripts and pins for Yosys and nextpnr-mistral; return the files. ValueError as `check_fit`."""
    check_fit(design)
    use_pinned_yosys()
    top = BoardTop(replace(design, clock_hz=REFERENCE_HZ), vendor=False)
    plan = De1SocPlatform(toolchain="Mistral").prepare(
        top, PROJECT, emit_src=False, synth_opts=["-family", "cyclonev"],
        nextpnr_opts=["--freq", f"{REFERENCE_HZ / 1e6:g}"],
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    return [
        write_bytes(folder / name, text.encode() if isinstance(text, str) else text)
        for name, text in plan.files.items()
    ]


def read_fmax(text: str) -> float:
    """Return the frequency in MHz that nextpnr reports last, after routing; ValueError if there is none."""
    found = re.findall(r"Max frequency for clock\s+'[^']*': ([\d.]+) MHz", text)
    if not found:
        raise ValueError("the log of nextpnr-mistral must have a maximum frequency")
    return float(found[-1])


def place_and_route(folder: Path) -> float:
    """Run the scripts in a folder; return the frequency in MHz that is reached.

    Raises RuntimeError, with the end of the log, if a tool fails.
    """
    script = f"build_{PROJECT}.sh"
    run_logged(["sh", script], folder, _LOG, script)
    return read_fmax((folder / f"{PROJECT}.tim").read_text(errors="replace"))
