"""The folder of a Quartus project: everything that a person needs to compile and program a core."""

from __future__ import annotations

import json
from pathlib import Path

from hdl.boards.de1_soc.jtag_bridge import BRIDGE, bridge_tcl
from hdl.boards.de1_soc.platform import PROJECT
from hdl.boards.de1_soc.pll import pll_settings
from hdl.boards.de1_soc.project import board_files
from hdl.boards.de1_soc.scripts import OUTPUT, SCRIPTS
from hdl.boards.parts.leds import LEDS
from hdl.design import Design
from hdl.device.cyclone_v import DEVICE, PART
from talos_ref.files import write_bytes

__all__ = ["estimate", "write_folder"]

_README = """\
# {core} on the DE1-SoC

Quartus Prime Lite or Standard, 18.1 or newer, with Cyclone V support. Nothing has to be edited.

    ./compile.sh     makes the JTAG bridge with Platform Designer, compiles; {output}/{project}.sof
    ./program.sh     loads it over the board's USB-Blaster (the FPGA is the second device in the chain)

On Windows `compile.bat` and `program.bat`. `quartus_sh` and `quartus_pgm` have to be on PATH. After a compilation with
`make quartus`, which does the first of these where it finds `quartus_sh`, the reports are read and compared; by hand:
`python -m hdl.boards report --core {core} --out FOLDER`.

| file | what |
| --- | --- |
| `{project}.v` | the design: {arithmetic} arithmetic, {rows} × {columns} tile, weights included |
| `{project}.qpf`, `{project}.qsf` | project and settings: device {device}, pins, files |
| `{project}.sdc` | clocks, false paths |
| `{bridge}.tcl` | makes `{bridge}.qsys`, a JTAG to Avalon master, from which Platform Designer makes Verilog |
| `compile.tcl` | what `compile.sh` and `compile.bat` run |

Clock: {clock} MHz, by the PLL from 50 MHz. SW0 up: a name a second on HEX5 to HEX0. SW1 up: reset. Once a host has
reached the registers over JTAG, the demo is silent until the next reset. LEDR0 to LEDR9: {leds}.

{resources}
"""

_ESTIMATE = """\
Expected, of the core alone, by Yosys (`make resources`), which counts otherwise than Quartus packs:

| | estimate | device |
| --- | ---: | ---: |
| ALMs | {alms:,} | {device_alms:,} |
| DSP blocks | {dsp_blocks} | {device_dsp_blocks} |
| M10K | {m10k} | {device_m10k} |"""

_NO_ESTIMATE = "`make resources` estimates what to expect; it had not run when this folder was made."


def estimate(core: str, path: Path) -> dict[str, int] | None:
    """Return ``alms``, ``dsp_blocks`` and ``m10k`` of a core from ``make resources``, or None if it is not there.

    Raises ValueError if the file is not what that command writes.
    """
    try:
        rows = json.loads(path.read_text())["cores"]
        used = next((row for row in rows if row["core"] == core), None)
        if used is None:
            return None
        # Two multipliers of 18 × 18 are a block.
        return {
            "alms": int(used["alms"]),
            "dsp_blocks": -(-int(used["multipliers"]) // 2),
            "m10k": int(used["m10k"]),
        }
    except FileNotFoundError:
        return None
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} must be a file of `make resources`; make it again ({error!r})") from None


def _readme(design: Design, expected: dict[str, int] | None) -> str:
    resources = _NO_ESTIMATE
    if expected is not None:
        resources = _ESTIMATE.format(
            **expected, device_alms=DEVICE.alms, device_dsp_blocks=DEVICE.multipliers // 2, device_m10k=DEVICE.m10k
        )
    return _README.format(
        core=design.name, arithmetic=design.core.arithmetic_name, rows=design.core.tile_rows,
        columns=design.core.tile_columns, project=PROJECT, bridge=BRIDGE, output=OUTPUT, device=PART,
        clock=f"{design.clock_hz / 1e6:g}",
        leds=", ".join(LEDS), resources=resources,
    )  # fmt: skip


def write_folder(folder: Path, design: Design, *, resources: Path) -> list[Path]:
    """Write the project and return its files; ``resources`` is what ``make resources`` wrote, if it did.

    Raises ValueError if there is no PLL for the design's clock, OSError if a file cannot be written.
    """
    pll_settings(design.clock_hz)
    files = {
        **board_files(design),
        f"{BRIDGE}.tcl": bridge_tcl(PART, design.clock_hz),
        **SCRIPTS,
        "README.md": _readme(design, estimate(design.name, resources)),
    }
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in files.items():
        path = write_bytes(folder / name, text.encode())
        if path.suffix == ".sh":
            path.chmod(path.stat().st_mode | 0o111)
        written.append(path)
    return written
