"""What a core takes of the Cyclone V: synthesis with Yosys, counted and set against the device.

Synthesis is ``synth_intel_alm -family cyclonev``. It counts look-up tables, not ALMs; an ALM holds one table of six
inputs, or two of at most five that share enough of them, or two bits of a carry chain, and four registers. So

    ALMs = tables of six inputs + (smaller tables + carry bits) / 2

is an estimate: Quartus packs otherwise, and a chip that is nearly full packs denser. DSP blocks are the cells that
the circuits instantiate, and one for each product that Yosys infers besides: so Quartus counts, too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from hdl.build_cache import cached, design_folder
from hdl.design import Design
from hdl.device.cyclone_v import Resources
from hdl.device.cyclone_v_target import CYCLONE_V, MAC_CELL
from hdl.device.static_timing import longest_paths
from hdl.device.yosys import log_yosys, yosys_version
from hdl.verilog import verilog_file
from talos_ref.files import write_bytes
from talos_ref.sources import sources_digest

__all__ = [
    "SYNTHESIS_FILE", "count", "map_verilog", "mapped_cells", "mapped_netlist", "mapping_script", "read_synthesis",
    "synthesise",
]  # fmt: skip

SYNTHESIS_FILE = "synthesis.json"
_BLACK_BOXES = "black_boxes.v"
_HERE = Path(__file__).parent
_FORMULAS = ("cyclone_v.py", "cyclone_v_target.py", "resources.py", "static_timing.py")


def count(cells: Mapping[str, int]) -> Resources:
    """Return the resources of mapped cells (name -> number); ValueError for a cell of an unknown kind."""
    tables = {inputs: cells.get(f"MISTRAL_ALUT{inputs}", 0) for inputs in range(2, 7)}
    carries = cells.get("MISTRAL_ALUT_ARITH", 0)
    inverters = cells.get("MISTRAL_NOT", 0)
    known = {"MISTRAL_ALUT_ARITH", "MISTRAL_NOT", "MISTRAL_FF", "MISTRAL_M10K", "MISTRAL_MLAB", "MISTRAL_CLKBUF"}
    inferred = {f"MISTRAL_MUL{width}" for width in ("27X27", "18X18", "9X9")}
    known |= {f"MISTRAL_ALUT{inputs}" for inputs in tables} | inferred | {MAC_CELL.name}
    if unknown := sorted(set(cells) - known):
        raise ValueError(f"cells must be Cyclone V cells, not {unknown[0]!r}")
    small = sum(tables.values()) - tables[6] + carries + inverters
    return Resources(
        alms=tables[6] + -(-small // 2),
        aluts=sum(tables.values()) + carries + inverters,
        registers=cells.get("MISTRAL_FF", 0),
        # Quartus gives every product that it infers a block of its own.
        dsp_blocks=cells.get(MAC_CELL.name, 0) + sum(cells.get(name, 0) for name in inferred),
        m10k=cells.get("MISTRAL_M10K", 0),
        # A cell is one bit of 32 words; a block of ten ALMs has twenty of them.
        mlab=-(-cells.get("MISTRAL_MLAB", 0) // 20),
    )


def synthesise(design: Design) -> Path:
    """Return the folder of a design's core mapped to the device: ``synthesis.json`` and ``NAME.netlist.json``.

    ``synthesis.json`` holds ``cells``, ``longest_paths`` and ``verilog_sha256``; the paths are those of
    ``hdl.device.static_timing``, which says what they leave out. Both files are kept in the build cache for the same
    Verilog, Yosys and formulas. Raises RuntimeError with the end of the log if Yosys fails.
    """
    text = verilog_file(design, target=CYCLONE_V).read_bytes()
    digest = hashlib.sha256(text).hexdigest()
    return cached(
        design_folder(design), "synthesis",
        {
            "verilog": digest, "yosys": yosys_version(),
            "formulas": sources_digest(_HERE, (_HERE / name for name in _FORMULAS), ()),
        },
        lambda folder: _synthesise(design.name, text, digest, folder),
    )  # fmt: skip


def read_synthesis(folder: Path) -> dict[str, Any]:
    """Return what ``synthesise`` wrote."""
    found: dict[str, Any] = json.loads((folder / SYNTHESIS_FILE).read_text())
    return found


def _synthesise(name: str, text: bytes, digest: str, folder: Path) -> None:
    source = folder / f"{name}.v"
    write_bytes(source, text)
    map_verilog(name, f"read_verilog {source.name}", folder)
    netlist = mapped_netlist(name, folder)
    paths = [asdict(path) for path in longest_paths(netlist)]
    result = {"verilog_sha256": digest, "cells": mapped_cells(name, folder), "longest_paths": paths}
    write_bytes(folder / SYNTHESIS_FILE, json.dumps(result, indent=1).encode())


def map_verilog(top: str, read: str, folder: Path, *, dsp_cells: bool = True) -> None:
    """Map Verilog in a folder to the device: ``TOP.netlist.json``, ``TOP.stat.json`` and ``TOP.log`` are left there.

    ``read`` are Yosys commands that read the sources, named relatively to the folder; ``dsp_cells`` says whether they
    may instantiate DSP blocks. RuntimeError, with the end of the log, if Yosys fails.
    """
    # What is read beside the sources changes names, and with them what ABC makes of the logic, by a percent.
    mapping = mapping_script(read, top, folder) if dsp_cells else f"{read}; {_synthesis(top)}"
    script = f"{mapping}; tee -q -o {top}.stat.json stat -json; write_json {top}.netlist.json"
    try:
        log_yosys(["-p", script], folder, f"{top}.log")
    except RuntimeError as error:
        raise RuntimeError(f"{top}: {error}") from None


def mapped_cells(top: str, folder: Path) -> dict[str, int]:
    """Return the cells, name -> number, that `map_verilog` made, as Yosys counts them."""
    found: dict[str, int] = json.loads((folder / f"{top}.stat.json").read_text())["design"]["num_cells_by_type"]
    return found


def mapped_netlist(top: str, folder: Path) -> dict[str, Any]:
    """Return the netlist that `map_verilog` left: of ``top`` alone, since library modules are written too."""
    return {"modules": {top: json.loads((folder / f"{top}.netlist.json").read_text())["modules"][top]}}


def _synthesis(top: str) -> str:
    return f"synth_intel_alm -family cyclonev -top {top} -noiopad -noclkbuf"


def mapping_script(read: str, top: str, folder: Path, options: str = "") -> str:
    """Return Yosys commands that read sources, as ``read`` does, and map them; black boxes go into the folder.

    ``options`` are those of ``synth_intel_alm``. Yosys (0.70, ``megafunction_bb.v``) has a ``cyclonev_mac`` with fewer
    ports, and puts it in place of ours; so the cells have another name meanwhile.
    """
    hidden = replace(MAC_CELL, name="DSP_BLOCK")
    write_bytes(folder / _BLACK_BOXES, (MAC_CELL.black_box() + hidden.black_box()).encode("ascii"))
    return (
        f"{read}; read_verilog -lib {_BLACK_BOXES}; "
        f"chtype -set {hidden.name} t:{MAC_CELL.name}; "
        f"{_synthesis(top)}{options and ' ' + options}; "
        f"chtype -set {MAC_CELL.name} t:{hidden.name}"
    )
