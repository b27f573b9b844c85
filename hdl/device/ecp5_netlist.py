"""A core alone on the ECP5: mapped to its cells, placed and routed without pins, as simulations want it."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path

from hdl.build_cache import cached, design_folder
from hdl.design import Design
from hdl.device.ecp5_floorplan import copy_fixed, floorplan_digest
from hdl.device.ecp5_target import ECP5
from hdl.device.nextpnr import PLACER_OPTIONS, nextpnr_program, nextpnr_version
from hdl.device.yosys import flatten_commands, log_yosys, yosys_version
from hdl.device.yowasp import run_program
from hdl.verilog import verilog_file
from talos_ref.files import write_bytes

__all__ = [
    "MAPPED_FILE", "ROUTED_FILE", "map_core", "map_verilog", "prepare_commands", "route", "route_core",
]  # fmt: skip

MAPPED_FILE, ROUTED_FILE = "mapped.json", "routed.json"
_RTLIL_FILE, _FIXED_FILE = "source.il", "fixed.json"

_FEW_CELLS = 5_000
_PART = "LFE5U-85F"
_SIZE = ("--85k", "--package", "CABGA381", "--speed", "6")


def prepare_commands(top: str) -> str:
    """Return Yosys's commands between reading a design and ``synth_ecp5``.

    A table that a circuit writes as a switch stays in look-up tables, however deep: as a memory block, whose word comes
    5.8 ns into the cycle in grade 6, it would begin the longest path of attention's division.
    """
    return f'{flatten_commands(top)}; setattr -set rom_style "logic" m:*proc_rom*'


def map_verilog(folder: Path, source: str, top: str, on_line: Callable[[str], None] | None = None) -> Path:
    """Map a Verilog file of a folder to cells of the ECP5; return ``mapped.json`` there.

    Raises RuntimeError, with the end of its output, if Yosys fails.
    """
    # As RTLIL, without the Verilog's syntax tree: Yosys (0.70) would read a module anew, processes and all, once it has
    # seen the cells that the module instantiates.
    script = (
        f"read_verilog {source}; proc; write_rtlil {_RTLIL_FILE}; design -reset; read_rtlil {_RTLIL_FILE}; "
        f"{prepare_commands(top)}; synth_ecp5 -top {top}; write_json {MAPPED_FILE}"
    )
    log_yosys(["-p", script], folder, "synthesis.log", on_line)
    (folder / _RTLIL_FILE).unlink()
    return folder / MAPPED_FILE


def route(folder: Path, on_line: Callable[[str], None] | None = None) -> Path:
    """Place and route ``mapped.json`` of a folder; return nextpnr's netlist, ``routed.json`` there.

    Inputs and outputs end in the fabric, for there are more of them than pins. Raises RuntimeError as `map_verilog`.
    """
    modules = copy_fixed(folder / MAPPED_FILE, folder / _FIXED_FILE, _PART)["modules"].values()
    # The electrostatic placer spreads its cells over the whole device: a few of them take it minutes.
    large = sum(len(module["cells"]) for module in modules if "top" in module["attributes"]) > _FEW_CELLS
    arguments = ["--out-of-context", "--seed", "1", "--timing-allow-fail", "--json", _FIXED_FILE]
    arguments += ["--write", ROUTED_FILE, *(PLACER_OPTIONS if large else ())]
    run_program(nextpnr_program(), [*_SIZE, *arguments], folder, "place.log", on_line)
    (folder / _FIXED_FILE).unlink()
    return folder / ROUTED_FILE


def map_core(design: Design, on_line: Callable[[str], None] | None = None) -> Path:
    """Return ``mapped.json`` of a design's core, in the build cache."""
    text = verilog_file(design, target=ECP5).read_bytes()

    def make(folder: Path) -> None:
        write_bytes(folder / "core.v", text)
        map_verilog(folder, "core.v", design.name, on_line)

    made_from = {"verilog": hashlib.sha256(text).hexdigest(), "yosys": yosys_version()}
    return cached(design_folder(design), "ecp5-mapped", made_from, make) / MAPPED_FILE


def route_core(design: Design, on_line: Callable[[str], None] | None = None) -> Path:
    """Return ``routed.json.gz`` of a design's core, in the build cache; it takes some minutes."""
    mapped = map_core(design, on_line).read_bytes()

    def make(folder: Path) -> None:
        write_bytes(folder / MAPPED_FILE, mapped)
        routed = route(folder, on_line)
        write_bytes(folder / f"{ROUTED_FILE}.gz", gzip.compress(routed.read_bytes(), 1))
        for name in (MAPPED_FILE, ROUTED_FILE):
            (folder / name).unlink()

    made_from = {
        "mapped": hashlib.sha256(mapped).hexdigest(), "sites": floorplan_digest(), "nextpnr": nextpnr_version(),
        "options": PLACER_OPTIONS,
    }  # fmt: skip
    return cached(design_folder(design), "ecp5-routed", made_from, make) / f"{ROUTED_FILE}.gz"
