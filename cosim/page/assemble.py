"""The folder of the page: its static files, and scripts that hold circuits, library and figures.

A page that is opened from a file may load scripts, and nothing else; so WebAssembly and JSON stand in scripts.
"""

from __future__ import annotations

import base64
import gzip
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cosim.page.circuit import circuits, description
from cosim.page.library import library
from cosim.page.packages import vendored
from cosim.page.words import Words
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


def _model(design: Design) -> str:
    """Return the model file from which the C library computes what a design must: its words have the same format."""
    return _text(model_bytes(design.checkpoint, design.word))


def _script(path: Path, name: str, value: Any) -> None:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True)
    path.write_text(f'"use strict";\nTalos.embed({json.dumps(name)}, {text});\n', encoding="ascii")


def assemble(lists: Sequence[Words], report: Any, folder: Path, jobs: int | None = None) -> Path:
    """Write the page into a folder; return its index.html.

    Parameters
    ----------
    lists
        What a visitor chooses among; the race runs the first.
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
    # All at once, so that their compilers run side by side.
    compiled = iter(circuits([design for words in lists for design in words.designs], jobs))
    listed = [_write_words(words, number, data, compiled) for number, words in enumerate(lists)]
    _script(data / "library.js", "library", {
        "arithmetics": dict(ARITHMETIC_NUMBERS),
        "wasm": _text(library(jobs).read_bytes()),
        "model": _model(lists[0].designs[0]),
    })  # fmt: skip
    _script(data / "report.js", "report", report)
    _script(data / "index.js", "index", {"lists": listed, "made": _made(lists, listed)})
    return folder / "index.html"


def _write_words(words: Words, number: int, data: Path, compiled: Iterator[Path]) -> dict[str, Any]:
    """Write the circuits of a list of words; return what is known of it before one of them is loaded."""
    cores = []
    for design in words.designs:
        file = f"core-{number}-{design.name}"
        described = description(design) | {"about": about(design.core), "file": file}
        wasm = _text(next(compiled).read_bytes())
        _script(data / f"{file}.js", file, described | {"wasm": wasm, "golden": _model(design)})
        cores.append({key: described[key] for key in _LISTED})
    return {"name": words.name, "about": words.about, "cores": cores}


def _made(lists: Sequence[Words], listed: Sequence[dict[str, Any]]) -> str:
    """Return what the page was made from."""
    parts = []
    for words, entry in zip(lists, listed, strict=True):
        verilog = ", ".join(f"{core['name']} {core['verilog_sha256'][:12]}" for core in entry["cores"])
        parts.append(f"{words.name}: weights {words.designs[0].checkpoint.digest[:12]}, Verilog {verilog}")
    return f"Made from (SHA-256): {'; '.join(parts)}. No request leaves this page."


_LISTED = ("name", "arithmetic", "tile", "clock_hz", "format", "verilog_sha256", "about", "model", "file")
"""What of a core is known before its circuit is loaded."""
