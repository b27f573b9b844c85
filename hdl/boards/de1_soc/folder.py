"""The folder of a Quartus project: everything that a person needs to compile and program a core."""

from __future__ import annotations

from pathlib import Path

from hdl.boards.de1_soc.fit import check_fit
from hdl.boards.de1_soc.jtag_bridge import BRIDGE, bridge_tcl
from hdl.boards.de1_soc.platform import PROJECT
from hdl.boards.de1_soc.pll import pll_settings
from hdl.boards.de1_soc.project import project_files
from hdl.boards.de1_soc.scripts import OUTPUT, SCRIPTS
from hdl.boards.folder import synthesised, write_project
from hdl.boards.parts.leds import LEDS
from hdl.boards.parts.machine import machine_of
from hdl.build_cache import build_id
from hdl.design import DESIGN_FILE, Design
from hdl.device.calibration import known_calibration
from hdl.device.cyclone_v import DEVICE, PART
from hdl.registers.export import c_header, markdown_page, tcl_constants
from hdl.registers.maps import registers_of

__all__ = ["write_folder"]

_REGISTERS = {"registers.h": c_header, "registers.tcl": tcl_constants, "registers.md": markdown_page}
"""File name -> what writes it of a register map."""

_README = """\
# {core} on the DE1-SoC

Quartus Prime Lite or Standard, 18.1 or newer, with Cyclone V support. Nothing has to be edited.

    ./compile.sh     makes the JTAG bridge with Platform Designer, compiles; {output}/{project}.sof
    ./program.sh     loads it over the board's USB-Blaster (the FPGA is the second device in the chain)

On Windows `compile.bat` and `program.bat`. `quartus_sh` and `quartus_pgm` have to be on PATH. After a compilation with
`make quartus`, which does the first of these where it finds `quartus_sh`, the reports are read and compared; by hand,
in this folder: `python -m hdl.boards report --design {design}`.

On the board's computer, with the project these files came from (no simulator is needed):

    python -m cosim.host {command} --transport system-console --design {design}{check}
{serial}
| file | what |
| --- | --- |
| `{project}.v` | the design: {arithmetic} arithmetic, {rows} × {columns} tile, weights included |
| `{project}.qpf`, `{project}.qsf` | project and settings: device {device}, pins, files |
| `{project}.sdc` | clocks, false paths |
| `{bridge}.tcl` | makes `{bridge}.qsys`, a JTAG to Avalon master, from which Platform Designer makes Verilog |
| `compile.tcl` | what `compile.sh` and `compile.bat` run |
| `registers.h`, `registers.tcl`, `registers.md` | addresses and fields of all registers, for hosts of your own |
| `{design}`, `checkpoint.npz`, `build.json` | core, weights, format, clock and build, for the host |

Model: {letters} letters, a block of {block}; words in {word}. Build: {build:08x}, which the host reads from the board.
Clock: {clock} MHz, by the PLL from 50 MHz. SW1 up: reset. SW0 up: once a second, {shows} on
HEX5 to HEX0, until the next reset no more once a host has reached the registers over JTAG. LEDR0 to LEDR9:
{leds}.

{resources}
"""

_SERIAL = """
Or without Quartus, by an adapter from USB to a serial line of 3.3 V at JP1 (GPIO_0): its TXD to pin 10, its RXD to pin
8, its GND to pin 12. Pin 11 carries 5 V. A terminal at {baud} bits a second shows what the demo makes, until a host
comes:

    python -m cosim.host {command} --transport serial --baud {baud} --design {design}{check}
"""

_ESTIMATE = """\
Expected, of the core alone, by Yosys (`make resources`), which counts otherwise than Quartus packs:

| | estimate | device |
| --- | ---: | ---: |
| ALMs | {alms:,} | {device_alms:,} |
| DSP blocks | {dsp_blocks} | {device_dsp_blocks} |
| M10K | {m10k} | {device_m10k} |

Fits of other designs make {low_alms:,} to {high_alms:,} ALMs of that estimate, with all that is on the board."""

_COUNTED = """\
{dsp_blocks} of {device_dsp_blocks} DSP blocks and at most {m10k} of {device_m10k} M10K, counted from the configuration.
`make resources` counts ALMs too; it had not run when this folder was made."""


def _readme(
    design: Design, counted: dict[str, int], expected: dict[str, int] | None, serial_baud: int | None
) -> str:
    device = {
        "device_alms": DEVICE.alms,
        "device_dsp_blocks": DEVICE.dsp_blocks,
        "device_m10k": DEVICE.m10k,
    }
    if expected is not None:
        low, high = known_calibration().alms(expected["alms"])
        resources = _ESTIMATE.format(**expected, **device, low_alms=low, high_alms=high)
    else:
        resources = _COUNTED.format(**counted, **device)
    machine = machine_of(design.core)
    serial = "" if serial_baud is None else _SERIAL.format(
        baud=serial_baud, design=DESIGN_FILE, command=machine.command, check=machine.check
    )
    return _README.format(
        serial=serial, command=machine.command, check=machine.check, shows=machine.shows,
        core=design.name, arithmetic=design.core.arithmetic_name, rows=design.core.tile_rows,
        columns=design.core.tile_columns, project=PROJECT, bridge=BRIDGE, output=OUTPUT, device=PART,
        clock=f"{design.clock_hz / 1e6:g}", leds=", ".join(LEDS), resources=resources, design=DESIGN_FILE,
        letters=len(design.model.alphabet), block=design.model.block_size, word=design.word, build=build_id(design),
    )  # fmt: skip


def write_folder(folder: Path, design: Design, *, resources: Path, serial_baud: int | None = None) -> list[Path]:
    """Write the project, and the design beside it, and return the files.

    ``resources`` is what ``make resources`` wrote, if it did; ``serial_baud`` as of ``BoardTop``. Raises ValueError if
    there is no PLL for the design's clock, no such rate, or the device has too little for its core, OSError if a file
    cannot be written.
    """
    pll_settings(design.clock_hz)
    counted, expected = check_fit(design), synthesised(design, resources)
    made = project_files(design, serial_baud=serial_baud)
    generated = {path.name: path.read_text(encoding="ascii") for path in _generated(made)}
    files = {
        **generated,
        f"{BRIDGE}.tcl": bridge_tcl(PART, design.clock_hz),
        **SCRIPTS,
        **{name: write(registers_of(design.core)) for name, write in _REGISTERS.items()},
        "README.md": _readme(design, counted, expected, serial_baud),
    }
    return write_project(folder, files, design)


def _generated(folder: Path) -> list[Path]:
    """Return the files that the platform made, without the build cache's own."""
    return sorted(path for path in folder.iterdir() if path.stem == PROJECT)
