"""The folder of the page: its static files, and scripts that hold circuits, library and figures.

A page that is opened from a file may load scripts, and nothing else; so WebAssembly and JSON stand in scripts.
"""

from __future__ import annotations

import base64
import gzip
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cosim.page.circuit import circuits, description
from cosim.page.library import library
from cosim.page.packages import vendored
from hdl.core.config import CoreConfig
from hdl.design import Design
from host_c.binding.model_file import model_bytes
from talos_ref.files import make_folder
from talos_ref.golden.arithmetic import ARITHMETIC_NUMBERS

__all__ = ["STATIC", "about", "assemble"]

STATIC = Path(__file__).resolve().parent / "static"


def about(core: CoreConfig) -> str:
    """Return what distinguishes a core, in sentences for a visitor."""
    positions = core.attention_positions
    facts = [f"Attention takes {positions} cached position{'s' * (positions > 1)} a cycle."]
    if core.first_layer_in_rom:
        facts.insert(0, "All that precedes attention comes from a ROM by letter and position.")
    if core.constant_position_0:
        facts.append("The logits of the first letter are constants.")
    if core.arithmetic.deferred:
        facts.append("Hidden units that are 0 cost nothing.")
    return " ".join(facts)


def _text(data: bytes) -> str:
    return base64.b64encode(gzip.compress(data, mtime=0)).decode("ascii")


def _script(path: Path, name: str, value: Any) -> None:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True)
    path.write_text(f'"use strict";\nTalos.embed({json.dumps(name)}, {text});\n', encoding="ascii")


def assemble(designs: Sequence[Design], report: Any, folder: Path, jobs: int | None = None) -> Path:
    """Write the page of several designs with one checkpoint into a folder; return its index.html.

    Parameters
    ----------
    report
        What `cosim.page.figures` makes of the commands' JSON files.
    jobs
        Compilers at once.

    Raises
    ------
    SimulatorError, ToolchainError, OSError, ValueError
        If a tool fails, or a package cannot be had.
    """
    make_folder(folder)
    shutil.copytree(STATIC, folder, dirs_exist_ok=True)
    shutil.copytree(vendored(), folder / "vendor", dirs_exist_ok=True, ignore=shutil.ignore_patterns("inputs.json"))
    data = make_folder(folder / "data")
    for old in data.glob("*.js"):
        old.unlink()
    cores = []
    for design, compiled in zip(designs, circuits(designs, jobs), strict=True):
        described = description(design) | {"about": about(design.core)}
        wasm = _text(compiled.read_bytes())
        _script(data / f"core-{design.name}.js", f"core-{design.name}", described | {"wasm": wasm})
        cores.append({key: described[key] for key in _LISTED})
    first = designs[0]
    _script(data / "library.js", "library", {
        "arithmetics": dict(ARITHMETIC_NUMBERS),
        "wasm": _text(library(jobs).read_bytes()),
        "model": _text(model_bytes(first.checkpoint, first.word)),
    })  # fmt: skip
    _script(data / "report.js", "report", report)
    digests = ", ".join(f"{core['name']} {core['verilog_sha256'][:12]}" for core in cores)
    made = f"Verilog (SHA-256): {digests}. Weights: {first.checkpoint.digest[:12]}. No request leaves this page."
    _script(data / "index.js", "index", {"cores": cores, "made": made})
    return folder / "index.html"


_LISTED = ("name", "arithmetic", "tile", "clock_hz", "format", "verilog_sha256", "about", "model")
"""What of a core is known before its circuit is loaded."""
